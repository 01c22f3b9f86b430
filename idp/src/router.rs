//! The only list of routes.

use axum::{
    Router, middleware,
    routing::{get, post},
};

use crate::{
    edge::context,
    oauth::{authorize, discovery, introspect, jwks, logout, revoke, token, userinfo},
    operations,
    pages::{assets, error, home, link, sign_out},
    sign_in::page,
    state::App,
};

/// Everything the public listener answers.
pub fn public(app: App) -> Router {
    Router::new()
        .route("/", get(home::home))
        .route(page::PATH, get(page::show).post(page::submit))
        .route(sign_out::PATH, get(sign_out::ask).post(sign_out::end))
        .route("/galat", get(error::explain))
        .route(link::PATH, get(link::show).post(link::set))
        .route("/aset/{name}", get(assets::asset))
        .route("/healthz", get(operations::healthz))
        .route("/.well-known/openid-configuration", get(discovery::discovery))
        .route("/.well-known/oauth-authorization-server", get(discovery::discovery))
        .route("/jwks", get(jwks::jwks))
        .route("/authorize", get(authorize::get).post(authorize::post))
        .route("/token", post(token::token))
        .route("/userinfo", get(userinfo::get).post(userinfo::post))
        .route("/introspect", post(introspect::introspect))
        .route("/revoke", post(revoke::revoke))
        .route("/logout", get(logout::get).post(logout::post))
        .fallback(error::not_found)
        .method_not_allowed_fallback(error::method_not_allowed)
        .layer(middleware::from_fn_with_state(app.clone(), context::begin))
        .with_state(app)
}

/// Everything the operations listener answers.
pub fn ops(app: App) -> Router {
    Router::new()
        .route("/healthz", get(operations::healthz))
        .route("/readyz", get(operations::readyz))
        .route("/metrics", get(operations::page))
        .with_state(app)
}
