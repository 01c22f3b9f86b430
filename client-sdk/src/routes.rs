//! The routes an application gets: `/auth/login`, `/auth/callback`, `/auth/logout`, `/auth/backchannel-logout`.

use axum::Router;
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::response::Response;
use axum::routing::{get, post};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use url::Url;

use crate::backchannel;
use crate::cookies;
use crate::error::Error;
use crate::gapura::Gapura;
use crate::own_page;
use crate::pages::{Link, Page};
use crate::params::Params;
use crate::refusal::{self, Kind};
use crate::return_to::ReturnTo;
use crate::session::SessionKey;
use crate::sign_in;
use crate::text::Text;

/// A logout token or the form of the sign-out page is far shorter.
const MAX_BODY: usize = 64 * 1024;

impl Gapura {
    /// The routes of the library, to be merged into the application's router whatever its state is.
    pub fn routes<S>(&self) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        Router::new()
            .route("/auth/login", get(login))
            .route("/auth/callback", get(callback))
            .route("/auth/logout", get(ask_sign_out).post(sign_out))
            .route("/auth/backchannel-logout", post(backchannel::receive))
            .layer(DefaultBodyLimit::max(MAX_BODY))
            .with_state(self.clone())
    }
}

/// Anybody may call it. Reads `return_to`, writes the cookie of one running sign-in.
async fn login(State(gapura): State<Gapura>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    let return_to = params.one("return_to").and_then(|path| ReturnTo::parse(path, &gapura.settings().public_url));
    match sign_in::begin(&gapura, &headers, &return_to.unwrap_or_else(ReturnTo::home)).await {
        Ok(departure) => {
            let mut answer = refusal::redirect(departure.url.as_str());
            for cookie in departure.set_cookies {
                answer.headers_mut().append(SET_COOKIE, cookie);
            }
            answer
        }
        Err(error) => refusal::failed(&error, Kind::of_headers(&headers)),
    }
}

/// The provider sends the browser here. Reads the cookie of the running sign-in, writes the session and its cookie.
async fn callback(State(gapura): State<Gapura>, headers: HeaderMap, RawQuery(query): RawQuery) -> Response {
    let params = Params::parse(query.unwrap_or_default().as_bytes());
    match sign_in::finish(&gapura, &headers, &params).await {
        Ok(arrival) => {
            let names = gapura.cookies();
            let mut answer = refusal::redirect(arrival.return_to.as_str());
            let session = names.set(&names.session_name(), &arrival.cookie, None);
            for cookie in [names.remove(&arrival.login_name), session].into_iter().flatten() {
                answer.headers_mut().append(SET_COOKIE, cookie);
            }
            answer
        }
        Err(error) => refusal::failed(&error, Kind::Person),
    }
}

/// Anybody may call it. Changes nothing: it shows the button that does.
async fn ask_sign_out(State(gapura): State<Gapura>) -> Response {
    let mut page = Page::new("sign_out", Text::ASK_SIGN_OUT).form("/auth/logout", &[], "Keluar").link(Link::home());
    if let Ok(provider) = gapura.provider().await
        && let Some(end) = &provider.metadata.additional_metadata().end_session_endpoint
    {
        page = page.form_may_lead_to(end.origin().ascii_serialization());
    }
    page.respond(StatusCode::OK)
}

/// Pages of this application call it. Ends the session here, then sends the browser to end it at the provider.
async fn sign_out(State(gapura): State<Gapura>, headers: HeaderMap) -> Response {
    if !own_page::from_own_page(&headers, &gapura.settings().origin) {
        return refusal::foreign(Kind::of_headers(&headers));
    }
    let names = gapura.cookies();
    match end_here(&gapura, &headers).await {
        Ok(onward) => {
            let mut answer = refusal::redirect(onward.as_ref().map_or("/", Url::as_str));
            if let Some(cookie) = names.remove(&names.session_name()) {
                answer.headers_mut().append(SET_COOKIE, cookie);
            }
            answer
        }
        Err(error) => refusal::failed(&error, Kind::of_headers(&headers)),
    }
}

/// Removes the session and says where the provider's own sign-out is. A provider that does not answer does not keep
/// anybody from signing out here.
async fn end_here(gapura: &Gapura, headers: &HeaderMap) -> Result<Option<Url>, Error> {
    let Some(cookie) = cookies::read(headers, &gapura.cookies().session_name()) else {
        return Ok(None);
    };
    let Some(session) = gapura.store().remove(&SessionKey::of_cookie(cookie)).await? else {
        return Ok(None);
    };
    let Ok(provider) = gapura.provider().await else {
        return Ok(None);
    };
    let mut end = provider.metadata.additional_metadata().end_session_endpoint.clone();
    if let Some(url) = &mut end {
        url.query_pairs_mut()
            .append_pair("id_token_hint", &session.tokens.id)
            .append_pair("client_id", &gapura.settings().client_id)
            .append_pair("post_logout_redirect_uri", &format!("{}/", gapura.settings().origin));
    }
    Ok(end)
}
