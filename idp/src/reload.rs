//! What may change while serving: on SIGHUP, and where the settings file or a certificate changed by itself.
//!
//! The story: the file is read as at a start. A broken one changes nothing and is said with its line. What may
//! change at run time is put into a new state beside the old one: a request is answered by the routes, and so by
//! the settings, that it began with. What needs a restart stays, and is named in the log.
//!
//! A file may be seen while somebody writes it, and the half of it may be good settings: without a signal it counts
//! once two looks saw the same. An empty one is taken for an accident where the one in use was not empty.

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
    /// What was acted on last, and what was seen last.
    acted_on: Written,
    seen: Written,
    /// Whether the file in use says anything.
    says_something: bool,
}

impl Reload {
    /// For the settings that `live` began with.
    pub fn new(source: Source, live: Live, tls: Option<Arc<Tls>>) -> Self {
        let app = live.app();
        let (public, operations) = (Routes::new(router::public(app.clone())), Routes::new(router::ops(app)));
        let seen = Written::in_file(&source);
        Self { source, live, tls, public, operations, acted_on: seen, seen, says_something: !seen.is_empty }
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
        let written = Written::in_file(&self.source);
        let is_settled = std::mem::replace(&mut self.seen, written) == written;
        if asked == Asked::BySignal || (written != self.acted_on && is_settled) {
            self.acted_on = written;
            self.read_again(written);
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

    fn read_again(&mut self, written: Written) {
        if written.is_empty && self.says_something {
            return tracing::error!("the settings file is empty; the old settings stay until a restart");
        }
        match Settings::load(&self.source) {
            Ok(settings) => {
                self.says_something = !written.is_empty;
                self.take_over(settings);
            }
            Err(why) => tracing::error!(error = %why, "the settings cannot be used; the old ones stay"),
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

/// A file as it was seen: a digest, since it may hold secrets.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Written {
    digest: [u8; 32],
    /// There, and nothing in it. A file that is not there is another trouble, with words of its own.
    is_empty: bool,
}

impl Written {
    fn in_file(source: &Source) -> Self {
        let text = source.file.as_ref().and_then(|file| fs::read(file).ok());
        let is_empty = text.as_ref().is_some_and(|text| text.trim_ascii().is_empty());
        Self { digest: Sha256::digest(text.unwrap_or_default()).into(), is_empty }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Clock;

    /// A reload over a file with this text.
    async fn reload(folder: &std::path::Path, text: &str) -> Reload {
        let file = folder.join("gapura.toml");
        fs::write(&file, text).unwrap();
        let path = |name: &str| folder.join(name).display().to_string();
        let variables = [("DATABASE__PATH", path("gapura.db")), ("KEYS__ROOT_FILE", path("gapura.key"))];
        let variables = variables.map(|(key, value)| (format!("GAPURA__{key}"), value)).to_vec();
        let source = Source { file: Some(file), variables };
        let app = App::build(Settings::load(&source).unwrap(), Clock::System).await.unwrap();
        Reload::new(source, Live::new(app), None)
    }

    fn city(reload: &Reload) -> String {
        reload.live.app().settings.city.name.clone()
    }

    fn write(reload: &Reload, text: &str) {
        fs::write(reload.source.file.as_ref().unwrap(), text).unwrap();
    }

    const WHOLE: &str = "[city]\nname = \"Kota Baru\"\nhelp = \"Hubungi 112\"\n";

    #[tokio::test(flavor = "multi_thread")]
    async fn a_file_counts_once_it_was_seen_twice_or_at_once_by_a_signal() {
        let folder = tempfile::tempdir().unwrap();
        let mut reload = reload(folder.path(), "[city]\nname = \"Kota Lama\"\n").await;
        write(&reload, "[city]\nname = \"Kota Baru\"\n");
        reload.look(Asked::ByTime);
        assert_eq!(city(&reload), "Kota Lama", "may be half of it");
        write(&reload, WHOLE);
        reload.look(Asked::ByTime);
        assert_eq!(city(&reload), "Kota Lama");
        reload.look(Asked::ByTime);
        let settings = Arc::clone(&reload.live.app().settings);
        assert_eq!((settings.city.name.as_str(), settings.city.help.as_str()), ("Kota Baru", "Hubungi 112"));
        write(&reload, "[city]\nname = \"Kota Segera\"\n");
        reload.look(Asked::BySignal);
        assert_eq!(city(&reload), "Kota Segera");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_empty_file_is_an_accident_unless_it_was_empty() {
        let folder = tempfile::tempdir().unwrap();
        let mut full = reload(folder.path(), WHOLE).await;
        for text in ["", " \n"] {
            write(&full, text);
            for asked in [Asked::ByTime, Asked::ByTime, Asked::BySignal] {
                full.look(asked);
                assert_eq!(city(&full), "Kota Baru");
            }
        }
        write(&full, "[city]\nname = \"Kota Lagi\"\n");
        full.look(Asked::BySignal);
        assert_eq!(city(&full), "Kota Lagi");

        let folder = tempfile::tempdir().unwrap();
        let mut empty = reload(folder.path(), "").await;
        empty.look(Asked::BySignal);
        write(&empty, WHOLE);
        empty.look(Asked::BySignal);
        assert_eq!(city(&empty), "Kota Baru");
    }
}
