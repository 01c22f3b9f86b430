//! The provider as this application sees it: its discovery document, its keys, and a relying party on top of both.
//!
//! Discovery happens at start-up where the provider answers, else at the first request that needs it: an application
//! must be able to start while the sign-in gate is down, and its public pages must work. A failed attempt counts for
//! two seconds, so that a crowd at the door does not become a crowd at a provider that is just starting.

use std::sync::Arc;

use http::header::DATE;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthPrompt, CoreClaimName, CoreClaimType, CoreClientAuthMethod, CoreErrorResponseType,
    CoreGenderClaim, CoreGrantType, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm,
    CoreJwsSigningAlgorithm, CoreResponseMode, CoreResponseType, CoreRevocableToken, CoreRevocationErrorResponse,
    CoreSubjectIdentifierType, CoreTokenType,
};
use openidconnect::{
    AdditionalClaims, AdditionalProviderMetadata, AuthType, Client, ClientId, EmptyExtraTokenFields, EndpointMaybeSet,
    EndpointNotSet, EndpointSet, ExtraTokenFields, IdToken, IdTokenFields, ProviderMetadata, RedirectUrl,
    RequestTokenError, StandardErrorResponse, StandardTokenIntrospectionResponse, StandardTokenResponse, TokenUrl,
};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;
use url::Url;

use crate::clock::{Clock, LEEWAY};
use crate::error::Error;
use crate::keys::{KeySet, Keys};
use crate::outbound::{NoAnswer, Outbound};
use crate::settings::Settings;

/// A failed attempt is not repeated within this time, in seconds.
const RETRY_FLOOR: i64 = 2;

/// Members of the discovery document beyond OpenID Connect Discovery 1.0.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MoreMetadata {
    pub(crate) end_session_endpoint: Option<Url>,
    pub(crate) introspection_endpoint: Option<Url>,
    #[serde(default)]
    pub(crate) authorization_response_iss_parameter_supported: bool,
    /// Where the provider explains to a person why a role is missing; an extension of Gapura.
    pub(crate) gapura_explanation_endpoint: Option<Url>,
}
impl AdditionalProviderMetadata for MoreMetadata {}

/// Claims of an ID token beyond the standard ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct MoreClaims {
    pub(crate) sid: Option<String>,
    /// Any shape: another provider may mean something else by the name.
    pub(crate) roles: Option<serde_json::Value>,
}
impl AdditionalClaims for MoreClaims {}
impl ExtraTokenFields for MoreClaims {}

pub(crate) type Metadata = ProviderMetadata<
    MoreMetadata,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

pub(crate) type Fault = StandardErrorResponse<CoreErrorResponseType>;
pub(crate) type SignedIdToken =
    IdToken<MoreClaims, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;
pub(crate) type TokenAnswer = StandardTokenResponse<
    IdTokenFields<
        MoreClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;

/// The relying party of the openidconnect crate, with every endpoint it needs.
pub(crate) type RelyingParty = Client<
    MoreClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    Fault,
    TokenAnswer,
    StandardTokenIntrospectionResponse<MoreClaims, CoreTokenType>,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
    EndpointMaybeSet,
>;

/// A provider whose discovery document was read and checked.
#[derive(Debug)]
pub(crate) struct Provider {
    pub(crate) metadata: Metadata,
    token_url: TokenUrl,
    keys: Keys,
}

impl Provider {
    /// Reads the discovery document and the keys. Checks the issuer by exact comparison, and the clock.
    //= OIDC-DISCOVERY#4.3
    pub(crate) async fn discover(settings: &Settings, outbound: &Outbound, clock: &Clock) -> Result<Self, Error> {
        let url = format!("{}/.well-known/openid-configuration", settings.issuer.as_str().trim_end_matches('/'));
        let answer = outbound.get(&url).await?;
        let strange = |detail: String| Error::NotAProvider { url: url.clone(), detail };
        if answer.status() != http::StatusCode::OK {
            return Err(strange(format!("status {}", answer.status())));
        }
        let metadata: Metadata = serde_json::from_slice(answer.body()).map_err(|cause| strange(cause.to_string()))?;
        if metadata.issuer() != &settings.issuer {
            let (expected, found) = (settings.issuer.to_string(), metadata.issuer().to_string());
            return Err(Error::IssuerMismatch { expected, found });
        }
        check_clock(answer.headers().get(DATE), clock.now())?;
        let token_url = metadata.token_endpoint().cloned().ok_or(Error::NotOffered("token_endpoint"))?;
        check_schemes(settings, &metadata, &token_url)?;
        let keys = Keys::fetch(outbound, metadata.jwks_uri().as_str(), clock.now()).await?;
        Ok(Self { metadata, token_url, keys })
    }

    /// The keys, fetched again where `kid` is unknown.
    pub(crate) async fn keys(&self, outbound: &Outbound, kid: Option<&str>, now: i64) -> Arc<KeySet> {
        self.keys.for_kid(outbound, kid, now).await
    }

    /// A relying party that trusts exactly these keys.
    pub(crate) fn relying_party(&self, settings: &Settings, keys: &KeySet) -> Result<RelyingParty, Error> {
        let metadata = self.metadata.clone().set_jwks(keys.core.clone());
        let callback = RedirectUrl::new(settings.callback())
            .map_err(|cause| Error::BadSetting { name: "GAPURA_PUBLIC_URL", why: cause.to_string() })?;
        let client_id = ClientId::new(settings.client_id.clone());
        Ok(Client::from_provider_metadata(metadata, client_id, settings.client_secret.clone())
            .set_token_uri(self.token_url.clone())
            .set_auth_type(self.auth_type(settings))
            .set_redirect_uri(callback))
    }

    /// Basic unless the provider names its methods and Basic is not among them, or the client has a key.
    fn auth_type(&self, settings: &Settings) -> AuthType {
        if settings.client_key.is_some() {
            return AuthType::RequestBody;
        }
        match self.metadata.token_endpoint_auth_methods_supported() {
            Some(methods) if !methods.contains(&CoreClientAuthMethod::ClientSecretBasic) => AuthType::RequestBody,
            _ => AuthType::BasicAuth,
        }
    }
}

/// The `Date` of an answer tells whether tokens will look expired before they are used.
fn check_clock(date: Option<&http::HeaderValue>, now: i64) -> Result<(), Error> {
    let format = time::macros::format_description!(
        "[weekday repr:short], [day] [month repr:short] [year] [hour]:[minute]:[second] GMT"
    );
    let theirs = date
        .and_then(|value| value.to_str().ok())
        .and_then(|text| time::PrimitiveDateTime::parse(text, format).ok())
        .map(|moment| moment.assume_utc().unix_timestamp());
    match theirs {
        Some(theirs) if (now - theirs).abs() > LEEWAY => Err(Error::ClockOff { seconds: now - theirs }),
        _ => Ok(()),
    }
}

/// A provider on https whose secrets would travel over http is misconfigured, or not the provider. Inside the network
/// the way to it may be plain.
fn check_schemes(settings: &Settings, metadata: &Metadata, token_url: &TokenUrl) -> Result<(), Error> {
    if settings.issuer.url().scheme() != "https" {
        return Ok(());
    }
    let userinfo = metadata.userinfo_endpoint().map(openidconnect::UserInfoUrl::url);
    let browsers = metadata.authorization_endpoint().url();
    let ours = [Some(token_url.url()), Some(metadata.jwks_uri().url()), userinfo];
    let inside = |url: &Url| settings.internal_url.as_ref().is_some_and(|internal| internal.origin() == url.origin());
    let plain =
        ours.into_iter().flatten().filter(|url| !inside(url)).chain([browsers]).find(|url| url.scheme() != "https");
    match plain {
        Some(url) => {
            let detail = "the issuer is https and this endpoint is not".to_owned();
            Err(Error::NotAProvider { url: url.to_string(), detail })
        }
        None => Ok(()),
    }
}

/// The provider, found at the latest when it is needed.
#[derive(Debug, Default)]
pub(crate) struct Discovery(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    provider: Option<Arc<Provider>>,
    failed: Option<(i64, Error)>,
}

impl Discovery {
    /// The provider; asks for its document if that has not succeeded yet.
    pub(crate) async fn provider(
        &self,
        settings: &Settings,
        outbound: &Outbound,
        clock: &Clock,
    ) -> Result<Arc<Provider>, Error> {
        let mut found = self.0.lock().await;
        if let Some(provider) = &found.provider {
            return Ok(Arc::clone(provider));
        }
        let now = clock.now();
        if let Some((at, error)) = &found.failed
            && (now - at).abs() < RETRY_FLOOR
        {
            return Err(error.clone());
        }
        match Provider::discover(settings, outbound, clock).await {
            Ok(provider) => {
                let provider = Arc::new(provider);
                found.provider = Some(Arc::clone(&provider));
                Ok(provider)
            }
            Err(error) => {
                tracing::warn!(%error, "the provider is not usable yet");
                found.failed = Some((now, error.clone()));
                Err(error)
            }
        }
    }
}

/// Reads the error of a token request.
pub(crate) fn token_error(url: &str, error: RequestTokenError<NoAnswer, Fault>) -> Error {
    match error {
        RequestTokenError::ServerResponse(fault) => Error::Refused {
            code: fault.error().as_ref().to_owned(),
            description: fault.error_description().cloned().unwrap_or_default(),
        },
        RequestTokenError::Request(no) => no.into(),
        RequestTokenError::Parse(cause, _) => {
            Error::NotAProvider { url: url.to_owned(), detail: cause.inner().to_string() }
        }
        RequestTokenError::Other(detail) => Error::NotAProvider { url: url.to_owned(), detail },
    }
}
