//! Every key there is: its meaning, its type and what holds where it is not set. Parsing, `gapura
//! settings` and the table in docs/operations.md all come from here, so a new key is one entry.

use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
};

use gapura_core::{secret::Secret, time::Zone};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value that is read but never shown.
pub(super) struct Hidden(pub(super) Secret<String>);

impl<'de> Deserialize<'de> for Hidden {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from).map(|text| Self(Secret::new(text)))
    }
}

impl Serialize for Hidden {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str("(hidden)")
    }
}

/// A key as it is documented.
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) name: &'static str,
    /// One or two sentences, in Markdown.
    pub(super) meaning: &'static str,
    /// What holds where the key is not set, if that is not one fixed value.
    pub(super) otherwise: Option<&'static str>,
}

/// `/// meaning`, `key: Type = default;`, and `key: Option<Type> = None, "what holds then";` where the
/// default is not one fixed value.
macro_rules! sections {
    ($($section:ident: $kind:ident {
        $($(#[doc = $meaning:literal])+ $key:ident: $type:ty = $default:expr $(, $otherwise:literal)?;)*
    })*) => {
        $(
            #[doc = concat!("`[", stringify!($section), "]`")]
            #[derive(Deserialize, Serialize)]
            #[serde(deny_unknown_fields, default)]
            pub(super) struct $kind { $(pub(super) $key: $type),* }

            impl Default for $kind {
                fn default() -> Self {
                    Self { $($key: $default),* }
                }
            }
        )*

        /// All sections, none mandatory.
        #[derive(Default, Deserialize, Serialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct Raw { $(pub(super) $section: $kind),* }

        /// Every key, in the order of the documentation.
        pub(super) const KEYS: &[Key] = &[$($(Key {
            section: stringify!($section),
            name: stringify!($key),
            meaning: concat!($($meaning),+),
            otherwise: [$(Some($otherwise),)? None][0],
        }),*),*];
    };
}

const fn local(port: u16) -> SocketAddr {
    SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

sections! {
    server: Server {
        /// Socket for browsers and applications.
        listen: SocketAddr = local(8080);
        /// Scheme, host and port under which everybody reaches the server; the issuer of all tokens. http is
        /// for `localhost`, `*.localhost`, `127.0.0.1` and `[::1]` only.
        public_url: Option<String> = None, "`http://localhost:<port>` on loopback, else mandatory";
        /// Addresses or networks whose `Forwarded` or `X-Forwarded-For` is believed.
        trusted_proxies: Vec<String> = Vec::new();
        /// Connections held at the same time; more wait in the kernel.
        connections: usize = 4096;
    }
    tls: Tls {
        /// Certificate chain (PEM), where no proxy speaks TLS for this server: TLS 1.2 and 1.3. Read again when it
        /// changes.
        cert_file: Option<PathBuf> = None;
        /// Its private key (PEM), not readable by everybody.
        key_file: Option<PathBuf> = None;
    }
    ops: Ops {
        /// Socket for `/metrics`, `/readyz` and `/healthz`.
        listen: SocketAddr = local(9080);
    }
    database: Database {
        /// SQLite file.
        path: Option<PathBuf> = None, "`gapura.db`";
        /// `postgres://…` instead of a file. The database must sort text by bytes (`LC_COLLATE 'C'`).
        url: Option<Hidden> = None;
        /// A file that holds `database.url`.
        url_file: Option<PathBuf> = None;
    }
    redis: Redis {
        /// `redis://…`, short-lived state that several nodes share. Redis must run `maxmemory-policy noeviction`.
        url: Option<Hidden> = None, "none: in memory";
        /// A file that holds `redis.url`.
        url_file: Option<PathBuf> = None;
    }
    keys: Keys {
        /// The root key. Several nodes share the file.
        root_file: Option<PathBuf> = None, "`gapura.key` beside the SQLite file, else in the working directory";
        /// Days that a signing key signs before the next one follows, published a day ahead; 0 for never.
        rotate_days: u64 = 90;
    }
    city: City {
        /// Name on pages.
        name: String = "Kota Contoh".to_owned();
        /// Where people find help, at the foot of pages.
        help: String = String::new();
        /// `Asia/Jakarta`, `Asia/Makassar` or `Asia/Jayapura`; fixed at the first start.
        zone: Zone = Zone::Jakarta;
    }
    mail: Mail {
        /// Domains of official mail. An address outside them is warned about in imports and not taken.
        official_domains: Vec<String> = vec!["go.id".to_owned()];
    }
    passwords: Passwords {
        /// Memory of Argon2id in KiB. `gapura calibrate` measures the machine and proposes this section.
        memory_kib: u32 = 19_456;
        /// Passes of Argon2id.
        iterations: u32 = 2;
        /// Lanes of Argon2id.
        parallelism: u32 = 1;
        /// Hashes computed at the same time, at low priority; each keeps its memory until a minute passes without work.
        workers: Option<usize> = None, "number of cores";
        /// Sign-ins that may wait for a hash. Beyond it, or beyond a wait of 0.8 s, a page says when to come back.
        queue: usize = 256;
    }
    sessions: Sessions {
        /// From sign-in to the end.
        absolute_minutes: u64 = 12 * 60;
        /// From the last entry into an application to the end.
        idle_minutes: u64 = 4 * 60;
    }
    outbound: Outbound {
        /// Private networks in which applications live, such as `10.0.0.0/8`. Logout messages and
        /// questions for a client's keys go nowhere else but to public https addresses.
        allow: Vec<String> = Vec::new();
        /// Certificates (PEM) trusted beside the system's.
        ca_file: Option<PathBuf> = None;
    }
    logs: Logs {
        /// `human` or `json`.
        format: String = "human".to_owned();
    }
}
