//! Keeping what a person typed when the session has ended before they pressed "Simpan".
//!
//! The form is not sent again behind their back. The page shows that nothing was sent and holds the fields; they sign
//! in in another tab and press the button themselves.

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::CONTENT_TYPE;
use http::{Method, StatusCode};

use crate::gapura::Gapura;
use crate::own_page;
use crate::pages::{Link, Page};
use crate::params::Params;
use crate::refusal::Kind;
use crate::text::Text;

/// Longer forms are not kept.
const MAX_BODY: usize = 256 * 1024;

/// A middleware for routes with long forms. With it, a form that meets an ended session is answered with a page that
/// holds what was typed and sends it when the person, signed in again, presses the button.
///
/// ```no_run
/// use axum::{Router, middleware::from_fn_with_state, routing::post};
/// use gapura_client::{Gapura, User, keep_typed};
///
/// async fn save(user: User) -> String {
///     format!("disimpan oleh {}", user.sub())
/// }
///
/// fn routes(gapura: &Gapura) -> Router<Gapura> {
///     Router::new().route("/laporan", post(save)).route_layer(from_fn_with_state(gapura.clone(), keep_typed))
/// }
/// ```
pub async fn keep_typed(State(gapura): State<Gapura>, request: Request, next: Next) -> Response {
    let is_form = request.headers().get(CONTENT_TYPE).is_some_and(|kind| kind == "application/x-www-form-urlencoded");
    let own = own_page::from_own_page(request.headers(), &gapura.settings().origin);
    if request.method() != Method::POST || !is_form || !own || Kind::of_headers(request.headers()) != Kind::Person {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str()).to_owned();
    let (parts, body) = request.into_parts();
    let Ok(typed) = to_bytes(body, MAX_BODY).await else {
        return Page::new("too_long", Text::SESSION_OVER).link(Link::home()).respond(StatusCode::PAYLOAD_TOO_LARGE);
    };
    let answer = next.run(Request::from_parts(parts, Body::from(typed.clone()))).await;
    if answer.status() != StatusCode::UNAUTHORIZED {
        return answer;
    }
    Page::new("session_over", Text::TYPED_DATA_KEPT)
        .link(Link::to("/auth/login", "Masuk lagi (buka di tab baru)", "Sign in again (open in a new tab)"))
        .form(&path, Params::parse(&typed).pairs(), "Kirim ulang")
        .respond(StatusCode::UNAUTHORIZED)
}
