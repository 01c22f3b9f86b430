//! Files: the root key, who may read what holds secrets or people, and the room that is left.

use std::{
    fs::{self, File, Metadata},
    io::{ErrorKind, Read as _},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use gapura_store::purpose_keys;

use super::{Check, Finding, Findings, Level, Visit, unread};
use crate::{
    keys::root::RootKey,
    settings::{Database, From},
};

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

pub(super) async fn root_key(visit: &Visit<'_>) -> Findings {
    let needed = match visit.db {
        Some(db) => match purpose_keys::all(db).await {
            Ok(keys) => keys.into_iter().map(|key| key.root_key_id).collect::<Vec<_>>(),
            Err(why) => return unread(Check::RootKey, &why),
        },
        None => Vec::new(),
    };
    judge_root_key(&visit.settings.root_key, &needed).with("file", visit.settings.root_key.display()).alone()
}

/// `needed` are the names of the keys that wrapped what is in the database.
fn judge_root_key(file: &Path, needed: &[String]) -> Finding {
    let failure = |code| Finding::failure(Check::RootKey, code);
    let needed_now = needed.first().map_or("-", String::as_str);
    match fs::metadata(file) {
        Err(why) if why.kind() == ErrorKind::NotFound && needed.is_empty() => {
            return Finding::ok(Check::RootKey, "root-key-none-yet");
        }
        Err(why) if why.kind() == ErrorKind::NotFound => return failure("root-key-missing").with("needed", needed_now),
        Err(why) => return failure("root-key-unreadable").with("why", why),
        Ok(found) if others_read(&found) => return failure("root-key-readable").with("mode", mode(&found)),
        Ok(_) => {}
    }
    if let Err(why) = File::open(file) {
        return failure("root-key-unreadable").with("why", why);
    }
    let Ok(there) = RootKey::read_all(file) else { return failure("root-key-malformed") };
    let holds = |needed: &String| there.iter().any(|key| key.id() == needed);
    if needed.iter().all(holds) {
        return Finding::ok(Check::RootKey, "root-key-ok");
    }
    let found = there.iter().map(RootKey::id).collect::<Vec<_>>().join(", ");
    failure("root-key-wrong").with("found", found).with("needed", needed_now)
}

fn others_read(found: &Metadata) -> bool {
    found.permissions().mode() & 0o077 != 0
}

fn mode(found: &Metadata) -> String {
    format!("{:03o}", found.permissions().mode() & 0o777)
}

/// Files that hold secrets or people are for their owner alone. What cannot be seen from here is not judged.
pub(super) async fn permissions(visit: &Visit<'_>) -> Findings {
    let mut findings = Findings::new();
    for file in private_files(visit) {
        let Ok(found) = fs::metadata(&file) else { continue };
        if others_read(&found) {
            findings.push(
                Finding::failure(Check::Permissions, "file-readable")
                    .with("file", file.display())
                    .with("mode", mode(&found)),
            );
        }
    }
    let folder = folder(&visit.settings.root_key);
    if let Ok(found) = fs::metadata(folder)
        && found.permissions().mode() & 0o1002 == 0o2
    {
        findings.push(
            Finding::failure(Check::Permissions, "folder-writable")
                .with("file", folder.display())
                .with("mode", mode(&found)),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::ok(Check::Permissions, "files-ok"));
    }
    findings
}

fn private_files(visit: &Visit<'_>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if let Database::Sqlite(path) = &visit.settings.database {
        files.extend([path.clone(), beside(path, "-wal"), beside(path, "-shm")]);
        files.extend(copies(path));
    }
    for setting in visit.source.settings().unwrap_or_default() {
        let hidden = setting.value.as_str() == Some("(hidden)") && setting.from == From::File;
        files.extend(visit.source.file.clone().filter(|file| hidden && !files.contains(file)));
        let named = setting.name.ends_with(".url_file") || setting.name.ends_with(".key_file");
        files.extend(setting.value.as_str().filter(|_| named).map(PathBuf::from));
    }
    files
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Other SQLite files in the database's folder: backups, most likely.
fn copies(database: &Path) -> Vec<PathBuf> {
    let is_copy = |file: &PathBuf| {
        let mut head = [0; 15];
        file != database
            && file.is_file()
            && File::open(file).is_ok_and(|mut file| file.read_exact(&mut head).is_ok())
            && head == *b"SQLite format 3"
    };
    let entries = fs::read_dir(folder(database)).into_iter().flatten().filter_map(Result::ok);
    entries.map(|entry| entry.path()).filter(|file| file.file_name() != database.file_name()).filter(is_copy).collect()
}

fn folder(file: &Path) -> &Path {
    file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}

pub(super) async fn disk(visit: &Visit<'_>) -> Findings {
    let Database::Sqlite(path) = &visit.settings.database else { return Findings::new() };
    let folder = folder(path);
    let found = match rustix::fs::statvfs(folder) {
        Ok(found) => judge_disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize),
        Err(why) => Finding::failure(Check::Disk, "disk-unknown").with("why", why),
    };
    found.with("folder", folder.display()).alone()
}

/// Little: less than 1 GiB or a tenth. Too little: less than 100 MiB. A small disk of which most is free is
/// fine: the tenth alone decides there.
fn judge_disk(free: u64, total: u64) -> Finding {
    let level = if free < 100 * MIB {
        Level::Failure
    } else if free < total / 10 || free < GIB {
        Level::Warning
    } else {
        Level::Ok
    };
    let code = match level {
        Level::Failure => "disk-full",
        Level::Warning => "disk-low",
        Level::Ok => "disk-ok",
    };
    Finding::new(level, Check::Disk, code).with("free", free / MIB).with("total", total / MIB)
}

#[cfg(test)]
#[path = "files_tests.rs"]
mod tests;
