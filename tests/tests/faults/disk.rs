//! A disk that is full, and one that became read-only: nothing new is written and everybody is told so; what only
//! reads goes on; nothing is half written.

use std::{
    fs,
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use gapura_tests::{
    browser::Page,
    office::{OFFICER, Office, PASSWORD},
    provider::Provider,
    relying_party::{RelyingParty, Tokens},
    wire,
};

use super::scene::{
    CHEAP, ENGLISH, INDONESIAN, answered, is_our_json, is_our_page, until, until_ready, until_waiting_for,
};

/// A disk of a test's own, mounted; dropping it unmounts it.
struct Disk {
    place: PathBuf,
    _folder: tempfile::TempDir,
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let done = Command::new(program).args(arguments).output().map_err(|why| format!("{program}: {why}"))?;
    let said = String::from_utf8_lossy(&done.stderr).trim().to_owned();
    if done.status.success() { Ok(()) } else { Err(format!("{program}: {said}")) }
}

impl Disk {
    fn mounted(prepare: impl FnOnce(&Path, &str) -> Result<(), String>) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("gapura-disk-").tempdir().unwrap();
        let place = folder.path().join("isi");
        fs::create_dir(&place).unwrap();
        match prepare(folder.path(), place.to_str().unwrap()) {
            Ok(()) => Some(Self { place, _folder: folder }),
            Err(why) => {
                println!("left out: only root may mount a small disk ({why})");
                None
            }
        }
    }

    /// Small, in memory.
    fn small() -> Option<Self> {
        Self::mounted(|_, place| run("mount", &["-t", "tmpfs", "-o", "size=16m", "gapura-uji", place]))
    }

    /// On a file, with a file system that becomes read-only by itself when something breaks.
    fn breakable() -> Option<Self> {
        Self::mounted(|folder, place| {
            let image = folder.join("citra");
            fs::File::create(&image).and_then(|file| file.set_len(48 << 20)).map_err(|why| why.to_string())?;
            run("mkfs.ext4", &["-q", image.to_str().unwrap()])?;
            run("mount", &["-o", "loop", image.to_str().unwrap(), place])
        })
    }

    fn office(&self) -> Office {
        let [database, key] = ["gapura.db", "gapura.key"].map(|name| self.place.join(name).display().to_string());
        let settings = [CHEAP[0], CHEAP[1], ("DATABASE__PATH", &*database), ("KEYS__ROOT_FILE", &*key)];
        Office::over(Provider::on(None, None, &settings), &[])
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut filler = fs::File::options().create(true).append(true).open(self.place.join("pengisi")).unwrap();
        for size in [1 << 20, 1 << 16, 4096, 512, 1] {
            while filler.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    /// Another process that began to read and does not end.
    fn reader(&self) -> Reader {
        let mut reader = Command::new("sqlite3");
        reader.arg(self.place.join("gapura.db")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut reader = reader.spawn().unwrap();
        reader.stdin.as_mut().unwrap().write_all(b"BEGIN; SELECT COUNT(*) FROM users;\n").unwrap();
        // Its first answer: the reading has begun.
        reader.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        Reader(reader)
    }

    /// What SQLite says of its file.
    fn asked(&self, sql: &str) -> String {
        let database = self.place.join("gapura.db");
        let said = Command::new("sqlite3").arg(database).arg(sql).output().unwrap();
        assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    /// Everything is whole: no session without its event, no event without its session, no page torn.
    fn is_whole(&self) {
        assert_eq!(self.asked("PRAGMA integrity_check; PRAGMA foreign_key_check"), "ok");
        let sessions = self.asked("SELECT COUNT(*) FROM sessions");
        assert_eq!(self.asked("SELECT COUNT(*) FROM audit_events WHERE kind = 'sign_in'"), sessions);
        let entries = self.asked("SELECT COUNT(*) FROM session_clients");
        assert_eq!(self.asked("SELECT COUNT(*) FROM audit_events WHERE kind = 'entered'"), entries);
    }
}

struct Reader(Child);

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a server that is still ending may hold it.
        let _ = run("umount", &["-l", self.place.to_str().unwrap()]);
    }
}

/// Somebody signs in in a browser of their own.
async fn sign_in(office: &Office, rp: &RelyingParty) -> Page {
    let mut browser = office.browser(&office.provider);
    let page = browser.follow(&rp.redirect_uri, &rp.start(&[]).url).await;
    if page.status != 200 {
        return page;
    }
    answered("sign-in", browser.submit("password", &[("username", OFFICER), ("password", PASSWORD)])).await
}

/// Signs in until the disk takes no more.
async fn until_refused(office: &Office, rp: &RelyingParty) -> u32 {
    let mut taken = 0;
    until("the disk to refuse", async || {
        let page = sign_in(office, rp).await;
        if page.location().is_some() {
            taken += 1;
            return false;
        }
        is_our_page(&page, INDONESIAN);
        true
    })
    .await;
    taken
}

/// What people and programs see while nothing can be written; the refresh token that was not used up.
async fn only_reading_goes_on(office: &Office, rp: &RelyingParty, tokens: &Tokens) -> String {
    let mut token = tokens.refresh_token();
    // What a refused change left of its pages may still take a smaller one.
    until("a refresh to be refused", async || {
        let answer = answered("refresh", rp.refresh(&token)).await;
        if answer.status == 200 {
            let fresh: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            token = fresh["refresh_token"].as_str().unwrap().to_owned();
            return false;
        }
        is_our_json(&answer);
        true
    })
    .await;
    until_waiting_for(&office.provider, "changes to the database").await;
    assert_eq!(rp.userinfo(&tokens.access_token()).await.status, 200);
    assert_eq!(rp.introspect(&tokens.access_token()).await["active"], true);
    let public = wire::router(office.provider.port());
    for path in ["/.well-known/openid-configuration", "/jwks", "/masuk", "/healthz"] {
        assert_eq!(answered(path, wire::get(&public, path)).await.0, 200, "{path}");
    }
    let mut browser = office.browser(&office.provider);
    browser.open("/masuk?bahasa=en").await;
    let typed = [("username", OFFICER), ("password", PASSWORD)];
    is_our_page(&answered("sign-in", browser.submit("password", &typed)).await, ENGLISH);
    token
}

//= BSSN4-2021#6.b test
#[tokio::test(flavor = "multi_thread")]
async fn full() {
    let Some(disk) = Disk::small() else { return };
    let mut office = disk.office();
    until_ready(&office.provider).await;
    let rp = office.rp("presensi", &office.provider);
    let tokens = office.tokens(&mut office.browser(&office.provider), &rp).await;
    // Somebody reads for long, so that the log cannot be begun again and nothing fits into it.
    let reader = disk.reader();
    disk.fill();
    let taken = until_refused(&office, &rp).await;
    disk.fill();
    let token = only_reading_goes_on(&office, &rp, &tokens).await;

    fs::remove_file(disk.place.join("pengisi")).unwrap();
    until_ready(&office.provider).await;
    // Nothing was used up by what was refused.
    assert_eq!(rp.refresh(&token).await.status, 200);
    drop(reader);
    office.tokens(&mut office.browser(&office.provider), &rp).await;
    println!("full disk: {taken} sign-ins fitted into the log that was there, then none");
    assert_eq!(office.provider.stop(), Some(0));
    disk.is_whole();
    let log = fs::metadata(disk.place.join("gapura.db-wal")).map_or(0, |file| file.len());
    assert!(log < 4 << 20, "the log was given back: {log} bytes");
}

//= BSSN4-2021#6.b test
#[tokio::test(flavor = "multi_thread")]
async fn read_only() {
    let Some(disk) = Disk::breakable() else { return };
    let mut office = disk.office();
    until_ready(&office.provider).await;
    let rp = office.rp("presensi", &office.provider);
    let tokens = office.tokens(&mut office.browser(&office.provider), &rp).await;
    // What the kernel does when the file system meets an error.
    if let Err(why) = run("mount", &["-o", "remount,abort", disk.place.to_str().unwrap()]) {
        println!("left out: this kernel breaks no file system on demand ({why})");
        return;
    }
    assert_eq!(until_refused(&office, &rp).await, 0);
    let token = only_reading_goes_on(&office, &rp, &tokens).await;
    office.provider.stop();
    // A start on such a disk says what is wrong and serves nobody.
    let refused = office.provider.try_gapura(&["serve"], "");
    assert_eq!(refused.status.code(), Some(3));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("Read-only") || said.contains("disk I/O error"), "{said}");

    // Repaired by the next mount, as after a restart of the machine.
    let image = disk.place.parent().unwrap().join("citra");
    run("umount", &[disk.place.to_str().unwrap()]).unwrap();
    run("mount", &["-o", "loop", image.to_str().unwrap(), disk.place.to_str().unwrap()]).unwrap();
    office.provider.serve();
    until_ready(&office.provider).await;
    assert_eq!(rp.refresh(&token).await.status, 200);
    office.tokens(&mut office.browser(&office.provider), &rp).await;
    office.provider.stop();
    disk.is_whole();
}
