//! A small city application, started three times in the demo: presensi, kinerja and keuangan.
//!
//! Besides the settings of the library it reads `APLIKASI_NAMA` (what stands in the heading), `APLIKASI_ALAMAT` (where
//! it listens, `127.0.0.1:8081`) and `APLIKASI_LAIN` (links to the others: `Kinerja=http://kinerja.localhost:8082,…`).

use std::io::IsTerminal;

use axum::Router;
use axum::extract::{FromRef, OriginalUri, State};
use axum::response::Html;
use axum::routing::get;
use gapura_client::{Gapura, RequireRole, Role, User};

#[derive(Clone)]
struct App {
    gapura: Gapura,
    name: String,
    others: Vec<(String, String)>,
}

impl FromRef<App> for Gapura {
    fn from_ref(app: &App) -> Self {
        app.gapura.clone()
    }
}

struct Bendahara;
impl Role for Bendahara {
    const CODE: &'static str = "bendahara";
    const NAME: &'static str = "Bendahara";
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracing_subscriber::fmt().with_ansi(std::io::stdout().is_terminal()).init();
    let gapura = Gapura::from_env().await?;
    let routes = gapura.routes();
    let others = setting("APLIKASI_LAIN", "");
    let others =
        others.split(',').filter_map(|pair| pair.split_once('=')).map(|(name, url)| (name.to_owned(), url.to_owned()));
    let app = App { gapura, name: setting("APLIKASI_NAMA", "Aplikasi"), others: others.collect() };
    let listener = tokio::net::TcpListener::bind(setting("APLIKASI_ALAMAT", "127.0.0.1:8081")).await?;
    tracing::info!(address = %listener.local_addr()?, name = app.name, "ready");
    let router = Router::new().route("/", get(home)).route("/bendahara", get(treasury)).merge(routes).with_state(app);
    axum::serve(listener, router).with_graceful_shutdown(stopped()).await?;
    Ok(())
}

fn setting(name: &str, otherwise: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| otherwise.to_owned())
}

/// Ends with Ctrl-C and with SIGTERM.
async fn stopped() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

/// Two languages, Bahasa Indonesia first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Indonesian,
    English,
}

impl Language {
    fn of(uri: &OriginalUri) -> Self {
        let english = uri.query().is_some_and(|query| query.split('&').any(|pair| pair == "bahasa=en"));
        if english { Self::English } else { Self::Indonesian }
    }

    fn pick(self, id: &'static str, en: &'static str) -> &'static str {
        if self == Self::English { en } else { id }
    }
}

async fn home(State(app): State<App>, uri: OriginalUri, user: User) -> Html<String> {
    let language = Language::of(&uri);
    let facts = [
        ("name", language.pick("Nama", "Name"), text(user.name())),
        ("opd", "OPD", text(user.opd())),
        ("jabatan", language.pick("Jabatan", "Position"), text(user.jabatan())),
        ("penugasan", language.pick("Penugasan", "Assignments"), assignments(&user)),
        (
            "roles",
            language.pick("Peran di aplikasi ini", "Roles in this application"),
            escape(&user.roles().join(", ")),
        ),
    ];
    let rows: String =
        facts.iter().map(|(id, label, value)| format!("<dt>{label}</dt><dd id=\"{id}\">{value}</dd>")).collect();
    let sign_out = language.pick("Keluar", "Sign out");
    let body = format!(
        "<dl>{rows}</dl><form method=\"post\" action=\"/auth/logout\"><button id=\"sign-out\">{sign_out}</button></form>"
    );
    page(&app, language, &body)
}

async fn treasury(State(app): State<App>, uri: OriginalUri, user: RequireRole<Bendahara>) -> Html<String> {
    let language = Language::of(&uri);
    let sentence =
        language.pick("Halaman ini hanya untuk bendahara. Anda masuk sebagai", "This page is for treasurers. You are");
    page(&app, language, &format!("<p>{sentence} <b id=\"name\">{}</b>.</p>", text(user.name())))
}

fn text(value: Option<&str>) -> String {
    value.map_or_else(|| "–".to_owned(), escape)
}

fn assignments(user: &User) -> String {
    let lines = user.penugasan().iter().map(|one| {
        let place = [&one.jabatan, &one.unit, &one.opd]
            .into_iter()
            .flatten()
            .map(|part| escape(part))
            .collect::<Vec<_>>()
            .join(", ");
        let kind = one.sebagai.as_deref().map(|kind| format!(" ({})", escape(kind))).unwrap_or_default();
        let until = one.sampai.as_deref().map(|day| format!(" s.d. {}", escape(day))).unwrap_or_default();
        format!("<li>{place}{kind}{until}</li>")
    });
    format!("<ul>{}</ul>", lines.collect::<String>())
}

fn page(app: &App, language: Language, body: &str) -> Html<String> {
    let name = escape(&app.name);
    let links: String =
        app.others.iter().map(|(name, url)| format!("<a href=\"{}\">{}</a>", escape(url), escape(name))).collect();
    let other = language
        .pick("<a href=\"?bahasa=en\" lang=\"en\">English</a>", "<a href=\"?\" lang=\"id\">Bahasa Indonesia</a>");
    let code = language.pick("id", "en");
    Html(format!(
        "<!doctype html><html lang=\"{code}\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\
         <title>{name}</title><style>{STYLE}</style></head><body><header><b>{name}</b><nav>{links}{other}</nav></header>\
         <main><h1>{name}</h1>{body}</main></body></html>"
    ))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

const STYLE: &str = "\
:root{color-scheme:light dark;--bg:#fbfaf7;--surface:#fff;--border:#dbd8d4;--text:#25231f;--text-2:#55524c;--accent:#1f5d8d;--focus:#3275ab}\
@media (prefers-color-scheme:dark){:root{--bg:#12181e;--surface:#1a2027;--border:#333a42;--text:#e4e8ed;--text-2:#b9bec4;--accent:#72abdd;--focus:#9bc5eb}}\
*{box-sizing:border-box}\
body{margin:0;background:var(--bg);color:var(--text);font:1rem/1.55 'Plus Jakarta Sans',system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif}\
header{display:flex;flex-wrap:wrap;gap:.5rem 1.5rem;justify-content:space-between;padding:1rem 1.5rem;background:var(--surface);border-bottom:1px solid var(--border)}\
nav{display:flex;flex-wrap:wrap;gap:1.5rem}\
main{max-width:44rem;margin:2.5rem auto;padding:2rem;background:var(--surface);border:1px solid var(--border);border-radius:10px}\
h1{margin:0 0 1.5rem;font-size:1.875rem;line-height:1.22}\
dl{display:grid;grid-template-columns:minmax(8rem,auto) 1fr;gap:.75rem 1.5rem;margin:0 0 2rem}\
dt{color:var(--text-2)}dd{margin:0;font-weight:500}ul{margin:0;padding-left:1.1rem;font-weight:400}\
a{color:var(--accent)}\
button{min-height:48px;padding:0 1.5rem;border:1px solid var(--accent);border-radius:6px;background:none;color:var(--accent);font:inherit;font-weight:600;cursor:pointer}\
:focus-visible{outline:2px solid var(--focus);outline-offset:2px}\
@media (max-width:36rem){main{margin:0;border-width:0 0 1px;border-radius:0;padding:1.5rem}dl{grid-template-columns:1fr;gap:.25rem}dd{margin-bottom:.75rem}}";
