//! The library's own pages: few, plain, without script, in Bahasa Indonesia with English behind a switch.

use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use sha2::{Digest, Sha256};

use crate::text::Text;

const STYLE: &str = include_str!("pages.css");

/// A link under the sentence.
#[derive(Debug)]
pub(crate) struct Link {
    href: String,
    id: &'static str,
    en: &'static str,
}

impl Link {
    pub(crate) fn to(href: &str, id: &'static str, en: &'static str) -> Self {
        Self { href: href.to_owned(), id, en }
    }

    pub(crate) fn home() -> Self {
        Self::to("/", "Ke halaman depan", "To the front page")
    }
}

/// A form with hidden fields and one button.
#[derive(Debug)]
struct Form {
    action: String,
    fields: Vec<(String, String)>,
    button: &'static str,
}

/// A page with one sentence.
#[derive(Debug)]
pub(crate) struct Page {
    code: &'static str,
    text: Text,
    detail: Option<String>,
    reference: Option<String>,
    links: Vec<Link>,
    form: Option<Form>,
    form_targets: Vec<String>,
}

impl Page {
    pub(crate) fn new(code: &'static str, text: Text) -> Self {
        Self { code, text, detail: None, reference: None, links: Vec::new(), form: None, form_targets: Vec::new() }
    }

    pub(crate) fn detail(mut self, detail: &str) -> Self {
        self.detail = Some(detail.to_owned());
        self
    }

    pub(crate) fn reference(mut self, reference: &str) -> Self {
        self.reference = Some(reference.to_owned());
        self
    }

    pub(crate) fn link(mut self, link: Link) -> Self {
        self.links.push(link);
        self
    }

    /// A form with one button that posts `fields` to `action`.
    pub(crate) fn form(mut self, action: &str, fields: &[(String, String)], button: &'static str) -> Self {
        self.form = Some(Form { action: action.to_owned(), fields: fields.to_vec(), button });
        self
    }

    /// An origin the form's answer redirects to; Chromium applies `form-action` to redirects too.
    pub(crate) fn form_may_lead_to(mut self, origin: String) -> Self {
        self.form_targets.push(origin);
        self
    }

    pub(crate) fn respond(self, status: StatusCode) -> Response {
        let policy = format!(
            "default-src 'none'; style-src 'sha256-{}'; form-action 'self' {}; frame-ancestors 'none'; base-uri 'none'",
            STANDARD.encode(Sha256::digest(STYLE.as_bytes())),
            self.form_targets.join(" "),
        );
        let policy = HeaderValue::from_str(&policy).unwrap_or_else(|_| HeaderValue::from_static("default-src 'none'"));
        let headers = [
            (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (CONTENT_SECURITY_POLICY, policy),
            (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        ];
        (status, headers, self.html()).into_response()
    }

    fn html(&self) -> String {
        let Text { id, en } = self.text;
        let detail =
            self.detail.as_ref().map(|text| format!("<p class=\"detail\">{}</p>", escape(text))).unwrap_or_default();
        let reference = self
            .reference
            .as_ref()
            .map(|code| format!("<p class=\"meta\">Kode: <code id=\"reference\">{}</code></p>", escape(code)));
        let links = |words: fn(&Link) -> &'static str| -> String {
            self.links
                .iter()
                .map(|link| format!("<p><a href=\"{}\">{}</a></p>", escape(&link.href), words(link)))
                .collect()
        };
        format!(
            "<!doctype html><html lang=\"id\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><title>{id}</title>\
             <style>{STYLE}</style></head><body><main id=\"{main}\" data-code=\"{code}\"><p class=\"lead\">{id}</p>{detail}\
             {form}{links_id}{reference}<details lang=\"en\"><summary>English</summary><p>{en}</p>{links_en}</details>\
             </main></body></html>",
            main = if self.code == "sign_out" { "page" } else { "error" },
            code = self.code,
            form = self.form_html(),
            links_id = links(|link| link.id),
            links_en = links(|link| link.en),
            reference = reference.unwrap_or_default(),
        )
    }

    fn form_html(&self) -> String {
        let Some(Form { action, fields, button }) = &self.form else {
            return String::new();
        };
        let hidden: String = fields
            .iter()
            .map(|(name, value)| {
                format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
            })
            .collect();
        format!(
            "<form method=\"post\" action=\"{}\">{hidden}<button id=\"continue\">{button}</button></form>",
            escape(action)
        )
    }
}

/// Text as HTML, safe in content and in double-quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text that may stand inside a quoted header parameter.
pub(crate) fn token(text: &str) -> String {
    text.chars().filter(|c| matches!(c, ' '..='~') && !matches!(c, '"' | '\\')).collect()
}
