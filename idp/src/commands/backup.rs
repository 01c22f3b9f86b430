//! `gapura backup` and `gapura restore`: a consistent copy of the database while it is served, and its
//! way back. The root key is in neither: it is kept apart, or a stolen backup would hold everything.

use std::path::Path;

use gapura_store::backup;
use serde_json::json;

use super::{Done, Failed, Outcome, note};
use crate::{
    foundation,
    settings::{Database, Settings},
};

pub(super) async fn make(file: &Path, settings: &Settings) -> Outcome {
    if let Database::Sqlite(path) = &settings.database
        && !path.exists()
    {
        return Err(Failed::environment(format!("there is no database {}", path.display())));
    }
    backup::copy(&foundation::config(settings), file).await?;
    note(&format!("the root key is not in it: keep a copy of {} apart", settings.root_key.display()));
    Ok(Done::new(format!("copied to {}", file.display()), json!({"file": file, "root_key": settings.root_key})))
}

pub(super) async fn restore(file: &Path, settings: &Settings) -> Outcome {
    backup::restore(&foundation::config(settings), file).await?;
    note(&format!("it opens with the root key of its time only: {}", settings.root_key.display()));
    Ok(Done::new(format!("restored from {}", file.display()), json!({"restored": file})))
}
