//! Receiving the provider's word that somebody signed out (OpenID Connect Back-Channel Logout 1.0).
//!
//! The provider posts a signed logout token. If every check passes, the sessions it names end: those of its `sid`, or,
//! if it has none, those of its `sub`. The answer is 200 or 400, never stored.

use axum::body::Bytes;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::clock::LEEWAY;
use crate::error::Error;
use crate::gapura::Gapura;
use crate::params::Params;
use crate::person;
use crate::refusal;
use crate::session::Ended;
use crate::signed::{self, Audience, refused};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// A logout token is not older than this, in seconds; providers sign it anew at each attempt.
const MAX_AGE: i64 = 600;
/// How long a sign-in that was under way is still refused after its session was ended, in seconds.
const MARK: i64 = 600;

/// Claims of a logout token. `nonce` is read only to refuse it.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    aud: Audience,
    iat: i64,
    exp: i64,
    jti: String,
    events: Map<String, Value>,
    sub: Option<String>,
    sid: Option<String>,
    nonce: Option<Value>,
}

//= OIDC-BACKCHANNEL#2.8
/// `POST /auth/backchannel-logout`. The provider calls it, proven by the signature; no cookie is read. Ends sessions.
pub(crate) async fn receive(State(gapura): State<Gapura>, headers: HeaderMap, body: Bytes) -> Response {
    match end_sessions(&gapura, &headers, &body).await {
        Ok(count) => {
            tracing::info!(count, "sessions ended by the provider");
            (StatusCode::OK, [(CACHE_CONTROL, HeaderValue::from_static("no-store"))]).into_response()
        }
        Err(error) if error.is_temporary() => {
            tracing::error!(%error, "a logout message could not be carried out");
            refusal::json(StatusCode::SERVICE_UNAVAILABLE, error.code(), None)
        }
        Err(error) => {
            tracing::warn!(%error, "a logout message was refused");
            refusal::json(StatusCode::BAD_REQUEST, "invalid_request", None)
        }
    }
}

async fn end_sessions(gapura: &Gapura, headers: &HeaderMap, body: &[u8]) -> Result<usize, Error> {
    let is_form =
        headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"application/x-www-form-urlencoded"));
    let params = Params::parse(if is_form { body } else { &[] });
    let token = params.one("logout_token").ok_or_else(|| refused("logout_token is not there exactly once"))?;
    let now = gapura.now();
    let provider = gapura.provider().await?;
    let keys = provider.keys(gapura.outbound(), person::kid_of(token).as_deref(), now).await;
    let claims: Claims = signed::verify(token, "logout+jwt", &keys)?;
    let ended = check(gapura, &claims, now)?;
    let message = format!("logout {}", claims.jti);
    if !gapura.store().claim(&message, claims.exp.saturating_add(LEEWAY)).await? {
        return Err(refused("logout token: it was used before"));
    }
    Ok(gapura.store().end(&ended, now + MARK).await?)
}

/// The rules of section 2.6 after the signature, one per line.
//= OIDC-BACKCHANNEL#2.6
fn check(gapura: &Gapura, claims: &Claims, now: i64) -> Result<Ended, Error> {
    let rules = [
        (claims.iss == gapura.settings().issuer.as_str(), "iss is another provider"),
        (claims.aud.names(&gapura.settings().client_id), "aud is another client"),
        (claims.exp > now - LEEWAY, "it has expired"),
        (claims.iat <= now + LEEWAY, "it was issued in the future"),
        (claims.iat >= now - MAX_AGE - LEEWAY, "it was issued too long ago"),
        (!claims.jti.is_empty() && claims.jti.len() <= 256, "jti is empty or too long"),
        (claims.events.get(EVENT).is_some_and(Value::is_object), "events does not name a logout"),
        (claims.nonce.is_none(), "a nonce makes it an ID token"),
    ];
    if let Some((_, why)) = rules.iter().find(|(holds, _)| !holds) {
        return Err(refused(&format!("logout token: {why}")));
    }
    match (&claims.sid, &claims.sub) {
        (Some(sid), sub) => Ok(Ended::Sid { sid: sid.clone(), sub: sub.clone() }),
        (None, Some(sub)) => Ok(Ended::Sub { sub: sub.clone(), at: claims.iat }),
        (None, None) => Err(refused("logout token: neither sub nor sid")),
    }
}
