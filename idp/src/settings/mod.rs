//! What a deployment decides: one `gapura.toml`, every key overridable by a variable
//! `GAPURA__SECTION__KEY`, every secret also by a `…_file`.
//!
//! The story: [`source`] reads file and environment into the keys of [`table`] and refuses what it does not know by the
//! file's line or the variable's name; here they become validated types, once. Nothing else reads the environment, and
//! there is no global. Without a file and without variables the defaults start a working server on this machine.

mod change;
mod origin;
mod reference;
mod source;
mod table;

use std::{
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use gapura_core::{oauth::RotationPolicy, secret::Secret, time::Zone};
use ipnet::IpNet;
use thiserror::Error;

pub use change::Changes;
pub use origin::{Origin, is_loopback_name};
pub use reference::{From, Setting};
pub use source::Source;
use table::{Hidden, Raw};

use crate::sign_in::Cost;

/// Settings that cannot be: one sentence that names the key, the line or the variable.
#[derive(Debug, Error)]
#[error("{0}")]
pub struct SettingsError(pub(crate) String);

/// Validated settings.
#[derive(Clone)]
pub struct Settings {
    /// Where and as whom the server answers.
    pub server: Server,
    /// Where operations listen: metrics and readiness.
    pub ops: SocketAddr,
    /// Certificate and key, where this server speaks TLS itself.
    pub tls: Option<TlsFiles>,
    /// Durable storage.
    pub database: Database,
    /// Redis for short-lived state; in memory where absent.
    pub redis: Option<Secret<String>>,
    /// The root key's file.
    pub root_key: PathBuf,
    /// How long a key signs; `None`: until somebody says otherwise.
    pub rotate_keys_after: Option<Duration>,
    /// The local government.
    pub city: City,
    /// Mail.
    pub mail: Mail,
    /// Password hashing.
    pub passwords: Passwords,
    /// SSO sessions.
    pub sessions: Sessions,
    /// Requests of our own.
    pub outbound: OutboundRules,
    /// Log lines.
    pub logs: LogFormat,
}

/// Where and as whom the server answers.
#[derive(Clone)]
pub struct Server {
    /// The socket.
    pub listen: SocketAddr,
    /// The public origin; the issuer of all tokens.
    pub public_url: Origin,
    /// Peers whose `Forwarded` and `X-Forwarded-For` are believed.
    pub trusted_proxies: Vec<IpNet>,
    /// Connections held at the same time.
    pub connections: usize,
}

/// PEM files of the certificate chain and its private key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key.
    pub key: PathBuf,
}

/// Durable storage.
#[derive(Clone)]
pub enum Database {
    /// One file, one server.
    Sqlite(PathBuf),
    /// `postgres://…`; holds a password.
    Postgres(Secret<String>),
}

/// The local government whose gate this is.
#[derive(Clone, Debug)]
pub struct City {
    /// Name as shown, such as `Kota Contoh`.
    pub name: String,
    /// Where people find help, as shown at the foot of each page.
    pub help: String,
    /// The zone of dates; fixed at first start.
    pub zone: Zone,
}

/// Mail.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Domains of official mail, in lower case; an official address outside them is warned about.
    pub official_domains: Vec<String>,
}

/// Argon2id (RFC 9106) and its pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passwords {
    /// What one hash costs.
    pub cost: Cost,
    /// Hashes computed at the same time.
    pub workers: usize,
    /// Sign-ins that may wait for a hash; beyond it a page says to come back.
    pub queue: usize,
}

/// Lifetimes of the SSO session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sessions {
    /// From sign-in to the end.
    pub absolute: Duration,
    /// From the last authorize to the end.
    pub idle: Duration,
}

/// Which addresses our own requests may reach.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutboundRules {
    /// Private networks in which the city's applications live.
    pub allow: Vec<IpNet>,
    /// Certificates (PEM) trusted beside the system's.
    pub extra_ca: Option<PathBuf>,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One line for a person.
    Human,
    /// One JSON object a line.
    Json,
}

impl Settings {
    /// Reads file and environment.
    pub fn load(source: &Source) -> Result<Self, SettingsError> {
        source.read()?.try_into()
    }

    /// When signing keys move.
    pub fn rotation(&self) -> RotationPolicy {
        RotationPolicy::new(self.rotate_keys_after, self.sessions.absolute)
    }

    /// The defaults beside `directory`: what a fresh start uses, and what tests begin from.
    pub fn defaults(directory: &Path) -> Result<Self, SettingsError> {
        let mut settings = Self::try_from(Raw::default())?;
        settings.database = Database::Sqlite(directory.join("gapura.db"));
        settings.root_key = directory.join("gapura.key");
        Ok(settings)
    }
}

impl TryFrom<Raw> for Settings {
    type Error = SettingsError;

    fn try_from(raw: Raw) -> Result<Self, SettingsError> {
        let (database, server) = (database(&raw.database)?, server(raw.server)?);
        let rotate_keys_after = rotate_after(raw.keys.rotate_days)?;
        let root_key = root_key(raw.keys.root_file, &database)?;
        Ok(Self {
            tls: tls(raw.tls, &server)?,
            server,
            ops: raw.ops.listen,
            redis: redis(&raw.redis)?,
            city: City {
                name: text("city.name", raw.city.name)?,
                help: text("city.help", raw.city.help)?,
                zone: raw.city.zone,
            },
            mail: mail(raw.mail)?,
            passwords: passwords(&raw.passwords)?,
            sessions: sessions(&raw.sessions)?,
            outbound: OutboundRules {
                allow: networks("outbound.allow", &raw.outbound.allow)?,
                extra_ca: raw.outbound.ca_file,
            },
            logs: log_format(&raw.logs.format)?,
            database,
            root_key,
            rotate_keys_after,
        })
    }
}

fn server(raw: table::Server) -> Result<Server, SettingsError> {
    let listen = raw.listen;
    let public_url = match raw.public_url {
        Some(url) => url,
        None if listen.ip().is_loopback() => format!("http://localhost:{}", listen.port()),
        None => {
            return refuse(
                "server.public_url is missing: a server that listens beyond this machine must know its own address",
            );
        }
    };
    Ok(Server {
        listen,
        public_url: Origin::parse(&public_url)
            .map_err(|why| SettingsError(format!("server.public_url = \"{public_url}\": {why}")))?,
        trusted_proxies: networks("server.trusted_proxies", &raw.trusted_proxies)?,
        connections: within("server.connections", raw.connections, 16..=65_536)?,
    })
}

fn tls(raw: table::Tls, server: &Server) -> Result<Option<TlsFiles>, SettingsError> {
    match (raw.cert_file, raw.key_file) {
        (None, None) => Ok(None),
        (Some(certificate), Some(key)) if server.public_url.is_https() => Ok(Some(TlsFiles { certificate, key })),
        (Some(_), Some(_)) => refuse("tls.cert_file is set, so server.public_url must begin with https://"),
        _ => refuse("tls.cert_file and tls.key_file belong together: set both, or none"),
    }
}

fn database(raw: &table::Database) -> Result<Database, SettingsError> {
    let url = secret("database.url", raw.url.as_ref(), raw.url_file.as_deref())?;
    match (url, &raw.path) {
        (Some(_), Some(_)) => refuse("database.url and database.path are both set: choose PostgreSQL or SQLite"),
        (Some(url), None) => {
            if !url.expose().starts_with("postgres://") && !url.expose().starts_with("postgresql://") {
                return refuse("database.url must begin with postgres:// (for SQLite set database.path)");
            }
            Ok(Database::Postgres(url))
        }
        (None, path) => Ok(Database::Sqlite(path.clone().unwrap_or_else(|| PathBuf::from("gapura.db")))),
    }
}

/// The root key lies beside the SQLite file; with PostgreSQL in the working directory.
fn root_key(set: Option<PathBuf>, database: &Database) -> Result<PathBuf, SettingsError> {
    match (set, database) {
        (Some(path), _) if path.as_os_str().is_empty() => refuse("keys.root_file is empty"),
        (Some(path), _) => Ok(path),
        (None, Database::Sqlite(path)) => Ok(path.with_file_name("gapura.key")),
        (None, Database::Postgres(_)) => Ok(PathBuf::from("gapura.key")),
    }
}

/// The next key is made a day before it signs, so a key signs for two days at least.
fn rotate_after(days: u64) -> Result<Option<Duration>, SettingsError> {
    match days {
        0 => Ok(None),
        days => Ok(Some(Duration::from_secs(within("keys.rotate_days", days, 2..=3650)? * 24 * 3600))),
    }
}

fn redis(raw: &table::Redis) -> Result<Option<Secret<String>>, SettingsError> {
    let url = secret("redis.url", raw.url.as_ref(), raw.url_file.as_deref())?;
    match url {
        Some(url)
            if !["redis://", "rediss://", "redis+unix://", "unix://"]
                .iter()
                .any(|scheme| url.expose().starts_with(scheme)) =>
        {
            refuse("redis.url must begin with redis://, rediss:// or unix://")
        }
        url => Ok(url),
    }
}

fn mail(raw: table::Mail) -> Result<Mail, SettingsError> {
    let mut official_domains = Vec::new();
    for domain in raw.official_domains {
        let domain = domain.trim().trim_start_matches('@').to_lowercase();
        if domain.is_empty() || !domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.' || b == b'-') {
            return refuse(&format!("mail.official_domains: \"{domain}\" is no domain name"));
        }
        official_domains.push(domain);
    }
    Ok(Mail { official_domains })
}

fn passwords(raw: &table::Passwords) -> Result<Passwords, SettingsError> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let parallelism = within("passwords.parallelism", raw.parallelism, 1..=64)?;
    Ok(Passwords {
        cost: Cost {
            memory_kib: within("passwords.memory_kib", raw.memory_kib, 8 * parallelism..=4_194_304)?,
            iterations: within("passwords.iterations", raw.iterations, 1..=100)?,
            parallelism,
        },
        workers: within("passwords.workers", raw.workers.unwrap_or(cores), 1..=1024)?,
        queue: within("passwords.queue", raw.queue, 1..=100_000)?,
    })
}

fn sessions(raw: &table::Sessions) -> Result<Sessions, SettingsError> {
    let absolute = within("sessions.absolute_minutes", raw.absolute_minutes, 1..=31 * 24 * 60)?;
    let idle = within("sessions.idle_minutes", raw.idle_minutes, 1..=absolute)?;
    Ok(Sessions { absolute: Duration::from_secs(absolute * 60), idle: Duration::from_secs(idle * 60) })
}

fn log_format(word: &str) -> Result<LogFormat, SettingsError> {
    match word {
        "human" => Ok(LogFormat::Human),
        "json" => Ok(LogFormat::Json),
        other => refuse(&format!("logs.format = \"{other}\": choose \"human\" or \"json\"")),
    }
}

fn text(key: &str, value: String) -> Result<String, SettingsError> {
    if value.chars().count() > 300 || value.chars().any(char::is_control) {
        return refuse(&format!("{key} must be one line of at most 300 characters"));
    }
    Ok(value)
}

fn networks(key: &str, list: &[String]) -> Result<Vec<IpNet>, SettingsError> {
    let network = |item: &String| {
        let one = item.parse::<IpAddr>().map(IpNet::from);
        one.or_else(|_| item.parse::<IpNet>())
            .map_err(|_| SettingsError(format!("{key}: \"{item}\" is no address or network such as 10.0.0.0/8")))
    };
    list.iter().map(network).collect()
}

fn within<N: PartialOrd + std::fmt::Display + Copy>(
    key: &str,
    value: N,
    range: std::ops::RangeInclusive<N>,
) -> Result<N, SettingsError> {
    if range.contains(&value) {
        return Ok(value);
    }
    refuse(&format!("{key} = {value}: must be from {} to {}", range.start(), range.end()))
}

/// A secret given in place or by a file, never both.
fn secret(key: &str, value: Option<&Hidden>, file: Option<&Path>) -> Result<Option<Secret<String>>, SettingsError> {
    match (value, file) {
        (Some(_), Some(_)) => refuse(&format!("{key} and {key}_file are both set: keep one")),
        (Some(Hidden(value)), None) => Ok(Some(value.clone())),
        (None, Some(file)) => {
            let text = std::fs::read_to_string(file)
                .map_err(|why| SettingsError(format!("{key}_file: {} cannot be read: {why}", file.display())))?;
            Ok(Some(Secret::new(text.trim_end_matches(['\r', '\n']).to_owned())))
        }
        (None, None) => Ok(None),
    }
}

fn refuse<T>(sentence: &str) -> Result<T, SettingsError> {
    Err(SettingsError(sentence.to_owned()))
}

#[cfg(test)]
mod tests;
