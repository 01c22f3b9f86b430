//! The connection between one application and its provider, and how it is built.

use std::sync::Arc;

use crate::clock::Clock;
use crate::cookies::Cookies;
use crate::error::Error;
use crate::outbound::Outbound;
use crate::provider::{Discovery, Provider};
use crate::renew::Flights;
use crate::session::{MemoryStore, SessionStore};
use crate::settings::{Settings, Typed};
use crate::start;

/// More signed-in browsers than this push out the session that ends soonest.
const MEMORY_CAPACITY: usize = 100_000;

/// The connection of an application to its OpenID provider. Cheap to clone; one for the whole application.
///
/// It is the state of the router, or a part of it:
///
/// ```
/// use axum::extract::FromRef;
/// use gapura_client::Gapura;
///
/// #[derive(Clone)]
/// struct App {
///     gapura: Gapura,
///     // the application's own things beside it
/// }
///
/// impl FromRef<App> for Gapura {
///     fn from_ref(app: &App) -> Self {
///         app.gapura.clone()
///     }
/// }
/// ```
#[derive(Clone)]
pub struct Gapura(Arc<Inner>);

struct Inner {
    settings: Settings,
    outbound: Outbound,
    discovery: Discovery,
    cookies: Cookies,
    store: Arc<dyn SessionStore>,
    clock: Clock,
    pub(crate) flights: Flights,
    pub(crate) machine_tokens: crate::machine::MachineTokens,
}

impl Gapura {
    /// Connects with the settings of the environment: `GAPURA_ISSUER`, `GAPURA_CLIENT_ID`, `GAPURA_CLIENT_SECRET` and
    /// `GAPURA_PUBLIC_URL` (and those of [the table](crate#settings)).
    ///
    /// A provider that does not answer yet is no error: the application starts, says so in its log, answers sign-ins
    /// with a page and status 503, and asks again at the next one.
    ///
    /// # Errors
    /// A setting that is missing or wrong, with the sentence that mends it: another issuer, a secret the provider does
    /// not accept, a redirect address it does not know, a clock that is off.
    pub async fn from_env() -> Result<Self, Error> {
        Builder::of(Typed::from_env()?).build().await
    }

    /// Connects with settings given in code.
    ///
    /// ```no_run
    /// # async fn connect() -> Result<(), gapura_client::Error> {
    /// let gapura = gapura_client::Gapura::builder("https://sso.kota.go.id", "presensi", "https://presensi.kota.go.id")
    ///     .client_secret("from the registration")
    ///     .build()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn builder(issuer: impl Into<String>, client_id: impl Into<String>, public_url: impl Into<String>) -> Builder {
        Builder::of(Typed {
            issuer: issuer.into(),
            client_id: client_id.into(),
            public_url: public_url.into(),
            ..Typed::default()
        })
    }

    /// The parameters by which the client proves itself in one request; none where it has a secret.
    pub(crate) fn proof(&self) -> Result<Vec<(&'static str, String)>, Error> {
        let Some(key) = &self.0.settings.client_key else { return Ok(Vec::new()) };
        Ok(key.proof(&self.0.settings, self.now())?.to_vec())
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.0.settings
    }

    pub(crate) fn outbound(&self) -> &Outbound {
        &self.0.outbound
    }

    pub(crate) fn cookies(&self) -> &Cookies {
        &self.0.cookies
    }

    pub(crate) fn store(&self) -> &dyn SessionStore {
        self.0.store.as_ref()
    }

    pub(crate) fn flights(&self) -> &Flights {
        &self.0.flights
    }

    pub(crate) fn machine_tokens(&self) -> &crate::machine::MachineTokens {
        &self.0.machine_tokens
    }

    /// Now, in Unix seconds.
    pub(crate) fn now(&self) -> i64 {
        self.0.clock.now()
    }

    pub(crate) async fn provider(&self) -> Result<Arc<Provider>, Error> {
        self.0.discovery.provider(&self.0.settings, &self.0.outbound, &self.0.clock).await
    }
}

impl std::fmt::Debug for Gapura {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gapura").field("client_id", &self.0.settings.client_id).finish_non_exhaustive()
    }
}

/// Settings on their way to a [`Gapura`]. Nothing that protects a sign-in can be switched off here.
#[derive(Clone)]
pub struct Builder {
    typed: Typed,
    store: Option<Arc<dyn SessionStore>>,
    clock: Clock,
}

impl Builder {
    fn of(typed: Typed) -> Self {
        Self { typed, store: None, clock: Clock::system() }
    }

    /// The client's secret. Without one the client is a public one.
    #[must_use]
    pub fn client_secret(mut self, secret: impl Into<String>) -> Self {
        self.typed.client_secret = Some(secret.into());
        self
    }

    /// A private key (PEM, PKCS #8: EC P-256, Ed25519 or RSA) by which the client proves itself in the place of a
    /// secret (`private_key_jwt`). [`public_keys`](crate::public_keys) is what the provider registers.
    #[must_use]
    pub fn client_key_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.typed.client_key_pem = Some(pem.into());
        self
    }

    /// Where this machine reaches the provider, if not at the issuer address (containers, split networks). Documents
    /// and tokens must still name the issuer.
    #[must_use]
    pub fn internal_url(mut self, url: impl Into<String>) -> Self {
        self.typed.internal_url = Some(url.into());
        self
    }

    /// The scopes to ask for, separated by spaces. Default: `openid profile`, and of `opd jabatan peran` those the
    /// provider offers.
    #[must_use]
    pub fn scopes(mut self, scopes: impl Into<String>) -> Self {
        self.typed.scopes = Some(scopes.into());
        self
    }

    /// The identifier of this application in the `aud` of access tokens. Default: the client id.
    #[must_use]
    pub fn audience(mut self, audience: impl Into<String>) -> Self {
        self.typed.audience = Some(audience.into());
        self
    }

    /// Certificates (PEM) of the authority that signed the provider's, if it is not a public one.
    #[must_use]
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.typed.ca_pem = Some(pem.into());
        self
    }

    /// Where sessions are kept. Default: a [`MemoryStore`].
    #[must_use]
    pub fn session_store(mut self, store: Arc<dyn SessionStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The clock; for tests of an application.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings, here and against the provider if it answers.
    ///
    /// # Errors
    /// As [`Gapura::from_env`].
    pub async fn build(self) -> Result<Gapura, Error> {
        let settings = Settings::check(self.typed)?;
        let outbound = Outbound::new(&settings)?;
        let clock = self.clock;
        let gapura = Gapura(Arc::new(Inner {
            cookies: Cookies::new(&settings.client_id, settings.is_https()),
            store: self.store.unwrap_or_else(|| Arc::new(MemoryStore::new(MEMORY_CAPACITY, clock.clone()))),
            discovery: Discovery::default(),
            flights: Flights::default(),
            machine_tokens: crate::machine::MachineTokens::default(),
            settings,
            outbound,
            clock,
        }));
        start::check(&gapura).await?;
        Ok(gapura)
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder").field("client_id", &self.typed.client_id).finish_non_exhaustive()
    }
}
