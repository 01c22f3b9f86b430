//! Which settings may change while serving.

use super::{City, Database, Server, Settings};

/// What came of reading the settings again.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Keys whose new value holds from now on.
    pub taken_over: Vec<&'static str>,
    /// Keys that changed and stay as they were until a restart.
    pub need_restart: Vec<&'static str>,
}

/// When a changed key holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    AtOnce,
    AfterRestart,
}

impl Settings {
    /// These settings with what `wanted` may change while serving.
    pub fn taking_over(&self, wanted: Self) -> (Self, Changes) {
        let mut changes = Changes::default();
        for (key, holds, differs) in self.compared(&wanted) {
            match (differs, holds) {
                (false, _) => {}
                (true, Holds::AtOnce) => changes.taken_over.push(key),
                (true, Holds::AfterRestart) => changes.need_restart.push(key),
            }
        }
        let tls = if self.tls.is_some() && wanted.tls.is_some() { wanted.tls } else { self.tls.clone() };
        let settings = Self {
            server: Server { trusted_proxies: wanted.server.trusted_proxies, ..self.server.clone() },
            city: City { zone: self.city.zone, ..wanted.city },
            mail: wanted.mail,
            sessions: wanted.sessions,
            outbound: wanted.outbound,
            rotate_keys_after: wanted.rotate_keys_after,
            tls,
            ..self.clone()
        };
        (settings, changes)
    }

    /// Every key, when a change of it holds, and whether it differs. Where a secret may also be a file, both keys
    /// are one here.
    fn compared(&self, new: &Self) -> [(&'static str, Holds, bool); 25] {
        use Holds::{AfterRestart, AtOnce};
        let url = |settings: &Self| match &settings.database {
            Database::Postgres(url) => Some(url.expose().clone()),
            Database::Sqlite(_) => None,
        };
        let path = |settings: &Self| match &settings.database {
            Database::Sqlite(path) => Some(path.clone()),
            Database::Postgres(_) => None,
        };
        let redis = |settings: &Self| settings.redis.as_ref().map(|url| url.expose().clone());
        let tls = if self.tls.is_some() == new.tls.is_some() { AtOnce } else { AfterRestart };
        let certificate = |settings: &Self| settings.tls.as_ref().map(|files| files.certificate.clone());
        let key = |settings: &Self| settings.tls.as_ref().map(|files| files.key.clone());
        let (old_hash, new_hash) = (self.passwords, new.passwords);
        [
            ("server.listen", AfterRestart, self.server.listen != new.server.listen),
            ("server.public_url", AfterRestart, self.server.public_url != new.server.public_url),
            ("server.trusted_proxies", AtOnce, self.server.trusted_proxies != new.server.trusted_proxies),
            ("server.connections", AfterRestart, self.server.connections != new.server.connections),
            ("tls.cert_file", tls, certificate(self) != certificate(new)),
            ("tls.key_file", tls, key(self) != key(new)),
            ("ops.listen", AfterRestart, self.ops != new.ops),
            ("database.path", AfterRestart, path(self) != path(new)),
            ("database.url", AfterRestart, url(self) != url(new)),
            ("redis.url", AfterRestart, redis(self) != redis(new)),
            ("keys.root_file", AfterRestart, self.root_key != new.root_key),
            ("keys.rotate_days", AtOnce, self.rotate_keys_after != new.rotate_keys_after),
            ("city.name", AtOnce, self.city.name != new.city.name),
            ("city.help", AtOnce, self.city.help != new.city.help),
            ("city.zone", AfterRestart, self.city.zone != new.city.zone),
            ("mail.official_domains", AtOnce, self.mail.official_domains != new.mail.official_domains),
            ("passwords.memory_kib", AfterRestart, old_hash.cost.memory_kib != new_hash.cost.memory_kib),
            ("passwords.iterations", AfterRestart, old_hash.cost.iterations != new_hash.cost.iterations),
            ("passwords.parallelism", AfterRestart, old_hash.cost.parallelism != new_hash.cost.parallelism),
            ("passwords.workers", AfterRestart, old_hash.workers != new_hash.workers),
            ("passwords.queue", AfterRestart, old_hash.queue != new_hash.queue),
            ("sessions.absolute_minutes", AtOnce, self.sessions.absolute != new.sessions.absolute),
            ("sessions.idle_minutes", AtOnce, self.sessions.idle != new.sessions.idle),
            ("outbound", AtOnce, self.outbound != new.outbound),
            ("logs.format", AfterRestart, self.logs != new.logs),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::{super::table::KEYS, *};

    fn settings() -> Settings {
        Settings::defaults(std::path::Path::new("/tempat")).unwrap()
    }

    #[test]
    fn every_key_is_compared() {
        let one = settings();
        let compared: Vec<&str> = one.compared(&one).iter().map(|(key, ..)| *key).collect();
        for key in KEYS {
            let name = key.name.strip_suffix("_file").filter(|name| *name == "url").unwrap_or(key.name);
            let full = format!("{}.{name}", key.section);
            assert!(compared.contains(&full.as_str()) || compared.contains(&key.section), "{full}");
        }
    }

    #[test]
    fn what_may_change_is_taken_over_and_the_rest_is_named() {
        let old = settings();
        let mut wanted = old.clone();
        wanted.city.name = "Kota Baru".to_owned();
        wanted.city.zone = gapura_core::time::Zone::Jayapura;
        wanted.server.trusted_proxies = vec!["10.0.0.1/32".parse().unwrap()];
        wanted.server.listen = "127.0.0.1:1".parse().unwrap();
        wanted.database = Database::Sqlite("/lain".into());
        let (new, changes) = old.taking_over(wanted.clone());
        assert_eq!(changes.taken_over, ["server.trusted_proxies", "city.name"]);
        assert_eq!(changes.need_restart, ["server.listen", "database.path", "city.zone"]);
        assert_eq!((new.city.name.as_str(), new.city.zone), ("Kota Baru", old.city.zone));
        assert_eq!(new.server.trusted_proxies, wanted.server.trusted_proxies);
        assert_eq!(new.server.listen, old.server.listen);
        assert!(matches!(new.database, Database::Sqlite(path) if path != std::path::Path::new("/lain")));
        assert_eq!(old.taking_over(old.clone()).1, Changes::default());
    }
}
