//! A page that says how something stands and where one may go from here.

use askama::Template;
use axum::{http::StatusCode, response::Response};

use super::paper::{Paper, answer};

/// What such a page says.
pub struct Done {
    /// The same in both languages; what tests and tools look for.
    pub id: &'static str,
    /// What happened.
    pub title: String,
    /// What it means.
    pub text: String,
    /// Where to go; the first is the likely way.
    pub links: Vec<Link>,
}

/// A way on.
pub struct Link {
    /// The same in both languages.
    pub id: &'static str,
    /// What it says, as HTML.
    pub label: String,
    /// Where it leads.
    pub address: String,
}

#[derive(Template)]
#[template(path = "done.html")]
struct Page<'a> {
    paper: Paper<'a>,
    id: &'static str,
    title: String,
    text: String,
    links: Vec<Link>,
}

impl Done {
    /// Draws it.
    pub fn answer(self, paper: Paper<'_>) -> Response {
        let Self { id, title, text, links } = self;
        answer(&Page { paper, id, title, text, links }, StatusCode::OK, None)
    }
}
