//! What may change while serving: on SIGHUP, and where the settings file or a certificate changed by itself.
//!
//! The story: the file is read as at a start. A broken one changes nothing and is said with its line. What may
//! change at run time is put into a new state beside the old one: a request is answered by the routes, and so by
//! the settings, that it began with. What needs a restart stays, and is named in the log.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use tokio::{signal::unix::Signal, sync::watch};

use crate::{
    router,
    server::{Routes, Tls},
    settings::{Settings, Source},
    state::{App, Live},
};

/// How often files are looked at.
const EVERY: Duration = Duration::from_secs(5);

/// Watches the settings of a serving process.
pub struct Reload {
    source: Source,
    live: Live,
    tls: Option<Arc<Tls>>,
    public: Routes,
    operations: Routes,
    seen: [u8; 32],
}

impl Reload {
    /// For the settings that `live` began with.
    pub fn new(source: Source, live: Live, tls: Option<Arc<Tls>>) -> Self {
        let app = live.app();
        let (public, operations) = (Routes::new(router::public(app.clone())), Routes::new(router::ops(app)));
        let seen = written(&source);
        Self { source, live, tls, public, operations, seen }
    }

    /// The routes of browsers and applications, and those of operations.
    pub fn routes(&self) -> (Routes, Routes) {
        (self.public.clone(), self.operations.clone())
    }

    /// Until the server stops; `asked` is SIGHUP.
    pub async fn run(mut self, mut asked: Signal, mut stopped: watch::Receiver<bool>) {
        loop {
            let asked = tokio::select! {
                _ = stopped.wait_for(|stopped| *stopped) => return,
                _ = asked.recv() => Asked::BySignal,
                () = tokio::time::sleep(EVERY) => Asked::ByTime,
            };
            let looked = AssertUnwindSafe(|| tokio::task::block_in_place(|| self.look(asked)));
            if catch_unwind(looked).is_err() {
                tracing::error!("reading the settings again panicked; what is served stays as it is");
            }
        }
    }

    fn look(&mut self, asked: Asked) {
        let written = written(&self.source);
        if asked == Asked::BySignal || written != self.seen {
            self.seen = written;
            match Settings::load(&self.source) {
                Ok(settings) => self.take_over(settings),
                Err(why) => tracing::error!(error = %why, "the settings cannot be used; the old ones stay"),
            }
        }
        let app = self.live.app();
        if let (Some(tls), Some(files)) = (&self.tls, &app.settings.tls) {
            match tls.read_again(files) {
                Ok(true) => tracing::info!("a new certificate is in use"),
                Ok(false) => {}
                Err(why) => tracing::error!(error = %why, "the new certificate cannot be used; the old one stays"),
            }
        }
    }

    fn take_over(&self, wanted: Settings) {
        let app = self.live.app();
        let (settings, changes) = app.settings.taking_over(wanted);
        if !changes.need_restart.is_empty() {
            tracing::warn!(
                keys = changes.need_restart.join(", "),
                "changed settings that need a restart stay as they were"
            );
        }
        match app.with(settings) {
            Ok(app) => self.swap(app),
            Err(why) => return tracing::error!(error = %why, "the settings cannot be used; the old ones stay"),
        }
        tracing::info!(keys = changes.taken_over.join(", "), "settings read again");
    }

    fn swap(&self, app: App) {
        self.public.replace(router::public(app.clone()));
        self.operations.replace(router::ops(app.clone()));
        self.live.replace(app);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    BySignal,
    ByTime,
}

/// A digest of the file: it may hold secrets.
fn written(source: &Source) -> [u8; 32] {
    let text = source.file.as_ref().and_then(|file| fs::read(file).ok());
    Sha256::digest(text.unwrap_or_default()).into()
}
