//! `gapura serve`: browsers and applications on one socket, operations on another.
//!
//! The story: sockets first, so that a port in use is said at once; then the database and the keys;
//! then jobs; then requests, until SIGTERM or Ctrl-C; SIGHUP makes it read its settings again. The
//! notice names the address and the next command.

use std::sync::Arc;

use gapura_store::credentials;
use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
    sync::watch,
};

use super::{Done, Failed, Outcome, note};
use crate::{
    clock::Clock,
    jobs::Jobs,
    logs, metrics,
    reload::Reload,
    server::{self, BindError, Entrance, Limits, Tls, descriptors},
    settings::{Database, Settings, Source},
    state::{App, Live},
};

/// Serves until told to stop.
pub(super) async fn run(settings: Settings, source: Source) -> Outcome {
    logs::start(settings.logs);
    logs::panics();
    metrics::start().map_err(|why| Failed::environment(why.to_string()))?;
    // Before anything is announced: a signal that comes early is answered late, never missed.
    let (asked, again) = (stop_asked()?, handler(SignalKind::hangup())?);
    let tls = settings.tls.as_ref().map(Tls::open).transpose();
    let tls = tls.map_err(|why| Failed::environment(why.to_string()))?.map(Arc::new);
    let public = bind(&settings, Socket::Public).await?;
    let operations = bind(&settings, Socket::Operations).await?;
    let app = App::build(settings, Clock::System).await.map_err(|why| Failed::environment(why.to_string()))?;
    let live = Live::new(app.clone());
    let jobs = Jobs::start(live.clone()).await.map_err(|why| Failed::environment(why.to_string()))?;
    announce(&app).await?;
    let (stop, stopped) = watch::channel(false);
    let limits = Limits::new(connections(&app));
    let reload = Reload::new(source, live, tls.clone());
    let (pages, ops) = reload.routes();
    let reloading = tokio::spawn(reload.run(again, stopped.clone()));
    // Requests and jobs drain side by side: together they have five seconds.
    tokio::join!(
        async {
            asked.await;
            tracing::info!("stopping");
            stop.send_replace(true);
            jobs.stop().await;
        },
        server::run(Entrance { listener: public, tls }, pages, limits, stopped.clone()),
        server::run(operations, ops, Limits::new(64), stopped),
        async { drop(reloading.await) },
    );
    app.db.close().await;
    Ok(Done::new(String::new(), serde_json::json!({"stopped": true})))
}

/// As many as the settings say, or as the limit of open files allows.
fn connections(app: &App) -> usize {
    let wanted = app.settings.server.connections;
    let held = descriptors::room_for(wanted);
    if held < wanted {
        tracing::warn!(wanted, held, "the limit of open files is too low for server.connections");
        note(&format!(
            "the limit of open files allows {held} connections, server.connections says {wanted}: raise the hard limit \
             (ulimit -Hn, LimitNOFILE= of systemd), or lower server.connections"
        ));
    }
    held
}

#[derive(Clone, Copy)]
enum Socket {
    Public,
    Operations,
}

async fn bind(settings: &Settings, socket: Socket) -> Result<TcpListener, Failed> {
    let (address, key) = match socket {
        Socket::Public => (settings.server.listen, "server.listen"),
        Socket::Operations => (settings.ops, "ops.listen"),
    };
    server::bind(address, key).await.map_err(|why: BindError| Failed::environment(why.to_string()))
}

fn handler(kind: SignalKind) -> Result<Signal, Failed> {
    signal(kind).map_err(|why| Failed::environment(format!("no signals: {why}")))
}

/// Resolves when SIGTERM or SIGINT arrives; the handlers stand before the first request.
fn stop_asked() -> Result<impl Future<Output = ()>, Failed> {
    let (mut terminate, mut interrupt) = (handler(SignalKind::terminate())?, handler(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

async fn announce(app: &App) -> Result<(), Failed> {
    let settings = &app.settings;
    tracing::info!(address = %settings.server.listen, issuer = settings.server.public_url.as_str(), "serving");
    note(&format!("serving {} at {}", settings.server.public_url.as_str(), settings.server.listen));
    if let Database::Sqlite(path) = &settings.database {
        note(&format!("database {}, root key {}: back up both, apart", path.display(), settings.root_key.display()));
    }
    if !credentials::any(&app.db).await? {
        note("nobody can sign in yet. Next: gapura admin link");
    }
    Ok(())
}
