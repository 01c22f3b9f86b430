//! A small city in process: the real router over a database of its own, with a clock that a test moves.
//!
//! | who | what |
//! |---|---|
//! | [`TEACHER`] | Guru Ahli Madya at SD Negeri Contoh 1, Dinas Pendidikan: `pegawai` in e-Presensi and e-Kinerja |
//! | [`TREASURER`] | Bendahara Pengeluaran at BKAD: also `bendahara` in SIPD Keuangan |
//! | [`VENDOR`] | of a vendor, no assignment: no role anywhere |
//! | `presensi`, `kinerja`, `keuangan` | confidential clients, one of each application |
//! | `ponsel` | public client of e-Presensi |
//! | `direktori` | confidential client of e-Kinerja that acts for itself |

mod seeds;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::Router;
use gapura_core::{
    id::ClientId,
    oauth::{AuthMethod, Client, RefreshPolicy, SignatureAlg},
    time::Instant,
};
use gapura_idp::{
    clock::Clock,
    foundation::ensure_signing_key,
    router,
    settings::{Settings, Source},
    state::App,
};
use gapura_store::clients::{self, NewSecret};
use tempfile::TempDir;
use url::Url;

use crate::{
    Pair,
    browser::{Browser, Page},
    relying_party::{RelyingParty, Started, Tokens},
    servers::{migrated_database, postgres, redis, remove_at_the_end},
};

/// Where the city's gate stands.
pub const PUBLIC_URL: &str = "https://sso.kota-contoh.go.id";

/// A person of the small city.
#[derive(Clone, Copy, Debug)]
pub struct Somebody {
    /// What the person types.
    pub login: &'static str,
    /// Full name.
    pub name: &'static str,
    /// NIP, where there is one.
    pub nip: Option<&'static str>,
    /// Official e-mail, where there is one.
    pub email: Option<&'static str>,
    /// Position and unit of the one assignment, where there is one.
    pub post: Option<(&'static str, &'static str)>,
}

/// A teacher.
pub const TEACHER: Somebody = Somebody {
    login: "198503122010012004",
    name: "Siti Aminah",
    nip: Some("198503122010012004"),
    email: Some("siti.aminah@contoh.go.id"),
    post: Some(("Guru Ahli Madya", "sd1")),
};

/// A treasurer.
pub const TREASURER: Somebody = Somebody {
    login: "199001022015032001",
    name: "Rosita Suherman",
    nip: Some("199001022015032001"),
    email: Some("rosita.suherman@contoh.go.id"),
    post: Some(("Bendahara Pengeluaran", "bkad")),
};

/// Of a vendor, until 31 December 2026.
pub const VENDOR: Somebody =
    Somebody { login: "wahyu.vendor", name: "Wahyu Vendor", nip: None, email: None, post: None };

/// Everybody's password.
pub const PASSWORD: &str = "pagi yang cerah di kota";

/// The city.
pub struct City {
    /// The state of its one node.
    pub app: App,
    /// Its clock.
    pub clock: Clock,
    /// Its routes.
    pub router: Router,
    /// Which pair it stands on.
    pub pair: Pair,
    /// The PostgreSQL database's URL, or the SQLite file's path.
    pub database: String,
    settings: Vec<(String, String)>,
    secrets: Vec<(&'static str, String)>,
    folder: Arc<TempDir>,
}

impl City {
    /// The city with everybody in it, on 24 November 2026 at 07.22 WIB: a copy of one that is made once a
    /// process and pair.
    pub async fn new(pair: Pair) -> Self {
        static MADE: [tokio::sync::OnceCell<Template>; 2] = [const { tokio::sync::OnceCell::const_new() }; 2];
        let made = MADE[pair as usize].get_or_init(|| Template::make(pair)).await;
        let folder = Arc::new(folder());
        fs::copy(&made.root_key, folder.path().join("gapura.key")).unwrap();
        let database = match pair {
            Pair::SqliteMemory => {
                let path = folder.path().join("gapura.db");
                fs::copy(&made.database, &path).unwrap();
                let log = format!("{}-wal", made.database);
                if Path::new(&log).exists() {
                    fs::copy(&log, folder.path().join("gapura.db-wal")).unwrap();
                }
                path.display().to_string()
            }
            Pair::PostgresRedis => postgres().database(Some(&made.database)),
        };
        let settings = settings(pair, folder.path(), &database);
        let mut city = Self::over(pair, folder, database, settings).await;
        city.secrets = made.secrets.clone();
        city
    }

    async fn over(pair: Pair, folder: Arc<TempDir>, database: String, settings: Vec<(String, String)>) -> Self {
        let clock = Clock::manual(Instant::from_millis(1_795_479_720_000));
        let app = build(&settings, &clock).await;
        let router = router::public(app.clone());
        Self { app, clock, router, pair, database, settings, secrets: Vec::new(), folder }
    }

    /// The city under other settings: `("PASSWORDS__QUEUE", "1")`.
    pub async fn under(pair: Pair, more: &[(&str, &str)]) -> Self {
        let mut city = Self::new(pair).await;
        for (key, value) in more {
            let name = format!("GAPURA__{key}");
            city.settings.retain(|(known, _)| *known != name);
            city.settings.push((name, (*value).to_owned()));
        }
        city.restart().await;
        city
    }

    /// Another node of the same deployment, with the same clock; on PostgreSQL and Redis only.
    pub async fn another_node(&self) -> Self {
        assert_eq!(self.pair, Pair::PostgresRedis, "SQLite has one node");
        let app = build(&self.settings, &self.clock).await;
        let router = router::public(app.clone());
        Self {
            app,
            clock: self.clock.clone(),
            router,
            pair: self.pair,
            database: self.database.clone(),
            settings: self.settings.clone(),
            secrets: self.secrets.clone(),
            folder: Arc::clone(&self.folder),
        }
    }

    /// Ends the node as far as a test can in its own process, and starts it again over the same database.
    pub async fn restart(&mut self) {
        self.app.db.close().await;
        // The closed node's parts must go before another may hold the same file.
        self.router = Router::new();
        let app = build(&self.settings, &self.clock).await;
        self.router = router::public(app.clone());
        self.app = app;
    }

    /// Every byte that SQLite wrote for this city, its log included.
    pub fn written(&self) -> Vec<u8> {
        assert_eq!(self.pair, Pair::SqliteMemory, "PostgreSQL keeps its bytes elsewhere");
        [&self.database, &format!("{}-wal", self.database)]
            .iter()
            .flat_map(|path| fs::read(path).unwrap_or_default())
            .collect()
    }

    /// Moves the clock.
    pub fn advance(&self, by: Duration) {
        self.clock.advance(by);
    }

    /// A browser with an empty jar.
    pub fn browser(&self) -> Browser {
        Browser::new(self.router.clone(), Url::parse(PUBLIC_URL).unwrap())
    }

    /// A registered application.
    pub fn rp(&self, client_id: &str) -> RelyingParty {
        let secret = self.secrets.iter().find(|(known, _)| *known == client_id).map(|(_, secret)| secret.clone());
        let secret = if client_id == "ponsel" { None } else { Some(secret.expect("a seeded client")) };
        let redirect_uri = format!("https://{client_id}.kota-contoh.go.id/auth/callback");
        let rp =
            RelyingParty::new(self.router.clone(), Url::parse(PUBLIC_URL).unwrap(), client_id, secret, &redirect_uri);
        if client_id == "direktori" { rp.asking("") } else { rp }
    }

    /// A client like a seeded one, but for what is changed; it proves itself by the same secret.
    pub async fn register(&self, like: &str, change: impl FnOnce(&mut Client)) -> RelyingParty {
        let copies = self.app.copies.refresh().await.unwrap();
        let mut client = Client::clone(copies.clients.get(&ClientId::new(like)).unwrap());
        change(&mut client);
        let (added, now) = (client.clone(), self.clock.now());
        let planted = self.app.db.write(async move |tx| {
            clients::add(tx, &added, now).await?;
            for (hash, expires_at) in &added.secrets {
                let id = format!("rahasia-{}", added.id);
                clients::add_secret(tx, &added.id, &NewSecret { id: &id, hash, expires_at: *expires_at }, now).await?;
            }
            Ok(())
        });
        planted.await.unwrap();
        self.app.copies.refresh().await.unwrap();
        let mut rp = self.rp(like);
        rp.client_id = client.id.to_string();
        rp.redirect_uri.clone_from(&client.redirect_uris[0]);
        rp
    }

    /// The application sends the browser here; what the browser shows or where it is sent then.
    pub async fn begin(&self, browser: &mut Browser, rp: &RelyingParty, more: &[(&str, &str)]) -> (Started, Page) {
        let started = rp.start(more);
        let page = browser.follow(&rp.redirect_uri, &started.url).await;
        (started, page)
    }

    /// A person signs in at an application; where the browser is sent then.
    pub async fn sign_in(
        &self,
        browser: &mut Browser,
        rp: &RelyingParty,
        who: &Somebody,
        more: &[(&str, &str)],
    ) -> (Started, Page) {
        let (started, page) = self.begin(browser, rp, more).await;
        assert_eq!(page.status, 200, "{}", page.text());
        page.form("password");
        let page = browser.submit("password", &[("username", who.login), ("password", PASSWORD)]).await;
        (started, page)
    }

    /// A person signs in at an application and the application has its tokens.
    pub async fn tokens(&self, browser: &mut Browser, rp: &RelyingParty, who: &Somebody) -> Tokens {
        let (started, page) = self.sign_in(browser, rp, who, &[]).await;
        let code = rp.code(&started, &page);
        rp.redeem(&started, &code).await
    }

    /// A signed-in person opens an application without a prompt, and the application has its tokens.
    pub async fn enter(&self, browser: &mut Browser, rp: &RelyingParty) -> Tokens {
        let (started, page) = self.begin(browser, rp, &[]).await;
        let code = rp.code(&started, &page);
        rp.redeem(&started, &code).await
    }
}

/// What each city of a pair is a copy of.
struct Template {
    /// File, or name of the PostgreSQL database.
    database: String,
    root_key: PathBuf,
    secrets: Vec<(&'static str, String)>,
}

impl Template {
    async fn make(pair: Pair) -> Self {
        let folder = Arc::new(folder());
        let (database, address) = match pair {
            Pair::SqliteMemory => {
                let path = folder.path().join("gapura.db").display().to_string();
                (path.clone(), path)
            }
            Pair::PostgresRedis => ("uji_kota".to_owned(), migrated_database("uji_kota").await),
        };
        let settings = settings(pair, folder.path(), &address);
        let city = City::over(pair, Arc::clone(&folder), address, settings).await;
        // The server makes these keys in the background; no job runs here.
        for alg in [SignatureAlg::Rs256, SignatureAlg::Ps256] {
            ensure_signing_key(&city.app.db, &city.app.keys, alg, city.clock.now()).await.unwrap();
        }
        let secrets = seeds::plant(&city).await;
        city.app.db.close().await;
        drop(city);
        let folder = remove_at_the_end(Arc::into_inner(folder).unwrap());
        Self { database, root_key: folder.join("gapura.key"), secrets }
    }
}

fn folder() -> TempDir {
    tempfile::Builder::new().prefix("gapura-kota-").tempdir().unwrap()
}

fn settings(pair: Pair, folder: &Path, database: &str) -> Vec<(String, String)> {
    let key = folder.join("gapura.key").display().to_string();
    let redis_url = if pair == Pair::PostgresRedis { redis().database() } else { String::new() };
    let common = [
        ("SERVER__PUBLIC_URL", PUBLIC_URL),
        ("KEYS__ROOT_FILE", &key),
        ("MAIL__OFFICIAL_DOMAINS", "contoh.go.id"),
        // The cost of a password is a rule of its own tests; here it would only cost time.
        ("PASSWORDS__MEMORY_KIB", "64"),
        ("PASSWORDS__ITERATIONS", "1"),
    ];
    let storage = match pair {
        Pair::SqliteMemory => &[("DATABASE__PATH", database)][..],
        Pair::PostgresRedis => &[("DATABASE__URL", database), ("REDIS__URL", &redis_url)],
    };
    common.iter().chain(storage).map(|(key, value)| (format!("GAPURA__{key}"), (*value).to_owned())).collect()
}

async fn build(settings: &[(String, String)], clock: &Clock) -> App {
    let settings = Settings::load(&Source { file: None, variables: settings.to_vec() }).unwrap();
    App::build(settings, clock.clone()).await.unwrap()
}

/// How a seeded client differs from the usual one.
pub(crate) struct ClientSeed {
    pub(crate) id: &'static str,
    pub(crate) application: &'static str,
    pub(crate) auth: AuthMethod,
    pub(crate) alg: SignatureAlg,
    pub(crate) refresh: RefreshPolicy,
    pub(crate) grants: &'static [&'static str],
}
