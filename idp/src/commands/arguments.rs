//! What can be typed.

mod access;
mod audit;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gapura_core::{
    identity::UserKind,
    oauth::{AuthMethod, PkcePolicy, SignatureAlg},
    time::Date,
};

use crate::edge::Language;

pub use access::{Application, ApplicationAdd, Grant, GrantAdd, GrantClose, Role, RoleName, Rule};
pub use audit::{Anchor, Audit};

/// Gapura, the single sign-on provider of a local government.
#[derive(Parser)]
#[command(name = "gapura", version, about, propagate_version = true)]
pub struct Arguments {
    /// Settings file; without it gapura.toml in the working directory, if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// One JSON object on standard output.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// Every command.
#[derive(Subcommand)]
pub enum Command {
    /// Serve browsers and applications.
    Serve,
    /// Look for what is wrong with this deployment, and say what to do; changes nothing.
    Doctor(Doctor),
    /// Show every setting: its value here, its default and its meaning. Secrets are hidden.
    Settings,
    /// Bring the database to this version's schema (PostgreSQL; SQLite does it by itself).
    Migrate,
    /// Accounts of people.
    #[command(subcommand)]
    User(User),
    /// Applications of the city.
    #[command(subcommand)]
    Application(Application),
    /// OAuth clients of applications.
    #[command(subcommand)]
    Client(Client),
    /// Roles that applications know.
    #[command(subcommand)]
    Role(Role),
    /// Rules that give roles by position.
    #[command(subcommand)]
    Rule(Rule),
    /// Roles given directly to a person.
    #[command(subcommand)]
    Grant(Grant),
    /// Signing keys.
    #[command(subcommand)]
    Keys(Keys),
    /// Back-channel logout messages.
    #[command(subcommand)]
    Logout(Logout),
    /// The trail of audit events.
    #[command(subcommand)]
    Audit(Audit),
    /// Read a file of units, people, accounts, assignments, applications or roles.
    Import(Import),
    /// Say why a person may or may not enter an application.
    Explain(Explain),
    /// Measure what passwords may cost on this machine for so many staff; opens no database.
    Calibrate(Calibrate),
    /// Copy the database into a file, also while serving; the root key stays apart.
    Backup {
        /// The file to make.
        file: PathBuf,
    },
    /// Put a backup in the place of the database; nothing may be serving.
    Restore {
        /// The file to read.
        file: PathBuf,
    },
    /// The first administrator.
    #[command(subcommand)]
    Admin(Admin),
}

/// How to look.
#[derive(Args)]
pub struct Doctor {
    /// Language of the report: id or en; that of the terminal where it is not said, else id.
    #[arg(long, value_name = "LANG")]
    pub lang: Option<Language>,
    /// A web server whose clock (header Date) ours is compared with.
    #[arg(long, value_name = "URL")]
    pub clock_from: Option<String>,
}

/// Accounts of people.
#[derive(Subcommand)]
pub enum User {
    /// Make an account.
    Add(UserAdd),
    /// Set a password, read from standard input or the terminal; ends all sessions.
    Passwd(Name),
    /// Switch an account off; ends its sessions and tokens.
    Disable(Name),
    /// Switch an account on again.
    Enable(Name),
    /// Show an account.
    Show(Name),
}

/// Somebody, by a name they sign in with.
#[derive(Args)]
pub struct Name {
    /// NIP, official e-mail or account name.
    pub name: String,
}

/// A new account.
#[derive(Args)]
pub struct UserAdd {
    /// Full name, without titles.
    #[arg(long)]
    pub name: String,
    /// NIP or NI PPPK, as printed.
    #[arg(long)]
    pub nip: Option<String>,
    /// Official e-mail address.
    #[arg(long)]
    pub email: Option<String>,
    /// Account name, for people who have neither.
    #[arg(long)]
    pub account_name: Option<String>,
    /// What the person is: asn_pns, asn_cpns, asn_pppk, asn_pppk_paruh_waktu, pejabat_negara, dprd,
    /// non_asn, vendor, service. By the NIP where it is not said.
    #[arg(long)]
    pub kind: Option<UserKind>,
    /// The OPD that answers for the account (mandatory for non_asn and vendor).
    #[arg(long, value_name = "OPD")]
    pub sponsor: Option<String>,
    /// Last day of the account (mandatory for non_asn and vendor).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub until: Option<Date>,
    /// Read the password from standard input.
    #[arg(long)]
    pub password_stdin: bool,
}

/// OAuth clients of applications.
#[derive(Subcommand)]
pub enum Client {
    /// Register a client; prints its secret once, where it has one.
    Add(Box<ClientAdd>),
    /// Switch a client off: every door refuses it.
    Disable {
        /// `client_id`
        id: String,
    },
    /// Switch a client on again.
    Enable {
        /// `client_id`
        id: String,
    },
    /// Replace the public keys of a client that proves itself by private_key_jwt.
    Keys {
        /// `client_id`
        id: String,
        /// Where they are from now on.
        #[command(flatten)]
        keys: TypedKeys,
    },
    /// Make a new secret and print it once; the old one works until the end of the grace time.
    RotateSecret {
        /// `client_id`
        id: String,
        /// Hours that the old secret goes on working; 0 ends it at once.
        #[arg(long, value_name = "HOURS", default_value_t = 24, value_parser = clap::value_parser!(u32).range(0..=720))]
        grace: u32,
    },
    /// List clients.
    List,
}

/// Public keys of a client, as typed.
#[derive(Args, Default)]
pub struct TypedKeys {
    /// File with its public keys, a JSON Web Key Set.
    #[arg(long, value_name = "FILE", conflicts_with = "jwks_uri")]
    pub jwks: Option<PathBuf>,
    /// Address where it publishes its public keys.
    #[arg(long, value_name = "URI")]
    pub jwks_uri: Option<String>,
}

/// How a client proves itself, as typed.
#[derive(Clone, Copy, ValueEnum)]
pub enum Auth {
    /// `client_secret_basic`
    Basic,
    /// `client_secret_post`
    Post,
    /// An assertion signed by a key of its own: no secret, its public keys by --jwks or --jwks-uri.
    #[value(name = "private_key_jwt")]
    PrivateKeyJwt,
    /// A public client: no secret, PKCE.
    None,
}

impl From<Auth> for AuthMethod {
    fn from(auth: Auth) -> Self {
        match auth {
            Auth::Basic => Self::Basic,
            Auth::Post => Self::Post,
            Auth::PrivateKeyJwt => Self::PrivateKeyJwt,
            Auth::None => Self::None,
        }
    }
}

/// Grant types, as typed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GrantType {
    /// A person signs in.
    #[value(name = "authorization_code", alias = "code")]
    AuthorizationCode,
    /// Tokens are refreshed.
    #[value(name = "refresh_token", alias = "refresh")]
    RefreshToken,
    /// The client acts for itself.
    #[value(name = "client_credentials")]
    ClientCredentials,
}

impl GrantType {
    /// The wire word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
        }
    }
}

/// A new client.
#[derive(Args)]
pub struct ClientAdd {
    /// `client_id`
    #[arg(long)]
    pub id: String,
    /// The application it belongs to, by name or identifier; must be registered.
    #[arg(long)]
    pub application: String,
    /// Name as shown; the application's where it is not said.
    #[arg(long)]
    pub name: Option<String>,
    /// Exact redirect URI; may be repeated.
    #[arg(long = "redirect-uri", value_name = "URI", num_args = 1..)]
    pub redirect_uris: Vec<String>,
    /// How it proves itself.
    #[arg(long, value_enum, default_value = "basic")]
    pub auth: Auth,
    /// Its public keys.
    #[command(flatten)]
    pub keys: TypedKeys,
    /// Grant type; may be repeated. Code and refresh where it is not said.
    #[arg(long = "grant", value_enum, value_name = "GRANT")]
    pub grants: Vec<GrantType>,
    /// Scope it may ask for; may be repeated. All but nip and offline_access where it is not said.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Where "Mulai lagi" leads; the first redirect URI's origin where it is not said.
    #[arg(long, value_name = "URI")]
    pub home_uri: Option<String>,
    /// Exact address after sign-out; may be repeated.
    #[arg(long = "post-logout-redirect-uri", value_name = "URI", num_args = 1..)]
    pub post_logout_redirect_uris: Vec<String>,
    /// Back-channel logout receiver.
    #[arg(long, value_name = "URI")]
    pub logout_uri: Option<String>,
    /// Signature of its ID tokens and logout tokens: ES256, RS256, PS256 or EdDSA.
    #[arg(long, value_name = "ALG", default_value = "ES256")]
    pub id_token_alg: SignatureAlg,
    /// Code challenge: required, or where_sent (a weakness, for old libraries).
    #[arg(long, value_name = "POLICY", default_value = "required")]
    pub pkce: PkcePolicy,
}

/// Signing keys.
#[derive(Subcommand)]
pub enum Keys {
    /// List signing keys, their states, and when each moves on.
    List,
    /// Make the next key of an algorithm; it is published now and signs a day later.
    Rotate {
        /// ES256, RS256, PS256 or EdDSA.
        #[arg(long, value_name = "ALG", default_value = "ES256")]
        alg: SignatureAlg,
        /// Let it sign at once: for emergencies.
        #[arg(long)]
        now: bool,
    },
    /// Wrap every key by another root key, also while serving. Nothing that is sealed or signed changes.
    Rewrap {
        /// The file of the new root key; made where there is none.
        #[arg(long, value_name = "FILE")]
        new_root: PathBuf,
    },
    /// Take a compromised key out: nothing it signed is accepted any more. One that signs is replaced.
    Retire {
        /// `kid`; one of 64 begins with a hyphen.
        #[arg(allow_hyphen_values = true)]
        kid: String,
    },
}

/// Back-channel logout messages.
#[derive(Subcommand)]
pub enum Logout {
    /// List messages: waiting, delivered, given up.
    List,
}

/// A file to read.
#[derive(Args)]
pub struct Import {
    /// opd, pegawai, akun, penugasan, aplikasi or peran; or `resume`, to go on with a batch that was
    /// cut off.
    pub kind: String,
    /// CSV or XLSX.
    pub file: Option<PathBuf>,
    /// Say what would happen; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Apply the rows without errors.
    #[arg(long)]
    pub skip_errors: bool,
}

/// A question about access.
#[derive(Args)]
pub struct Explain {
    /// NIP, official e-mail or account name.
    pub user: String,
    /// Application, by name or identifier.
    pub application: String,
    /// On which day; today where it is not said.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: Option<Date>,
}

/// A city, and how long to measure.
#[derive(Args)]
pub struct Calibrate {
    /// People who sign in on a working morning, and those who might.
    #[arg(long, default_value_t = 7_000, value_parser = clap::value_parser!(u32).range(1..=200_000))]
    pub staff: u32,
    /// Time for all measurements together, in seconds.
    #[arg(long, default_value_t = 16, value_parser = clap::value_parser!(u64).range(1..=600))]
    pub seconds: u64,
}

/// The first administrator.
#[derive(Subcommand)]
pub enum Admin {
    /// Make a one-time link (24 h) that sets the administrator's password.
    Link {
        /// Account name of the administrator.
        #[arg(long, default_value = "admin")]
        account_name: String,
        /// Full name, where the account is made by this.
        #[arg(long, default_value = "Administrator")]
        name: String,
        /// Write the link into this file (0600) instead of the terminal.
        #[arg(long, value_name = "FILE")]
        file: Option<PathBuf>,
    },
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_arguments_are_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn a_kid_may_begin_with_a_hyphen() {
        let typed = Arguments::try_parse_from(["gapura", "keys", "retire", "-gFBU-Oa", "--json"]).unwrap();
        assert!(typed.json);
        assert!(matches!(typed.command, Command::Keys(Keys::Retire { kid }) if kid == "-gFBU-Oa"));
    }
}
