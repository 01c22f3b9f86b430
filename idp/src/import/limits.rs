//! What a workbook may be before any of it is read: the zip directory is inspected, then every part
//! is unpacked once into nothing and counted, because a directory can lie about sizes.

use std::io::{self, Cursor, Read};

use zip::ZipArchive;

use crate::import::refusal::FileRefused;

/// Most bytes of the file itself.
pub const FILE_BYTES: u64 = 64 * MIB;
/// Most bytes of one part, unpacked.
pub const PART_BYTES: u64 = 64 * MIB;
/// Most unpacked bytes for each packed one.
pub const RATIO: u64 = 100;
/// Most rows, title and header included.
pub const ROWS: usize = 200_000;

const MIB: u64 = 1024 * 1024;
const PARTS: usize = 1_000;
/// A part this small is no bomb, whatever its ratio: styles of an empty workbook pack 200 to 1.
const SMALL_PART: u64 = 64 * 1024;

/// Passes a workbook that is neither a bomb nor carries macros or links to other files.
pub fn inspect(bytes: &[u8]) -> Result<(), FileRefused> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|_| FileRefused::NotAWorkbook)?;
    if archive.len() > PARTS {
        return Err(FileRefused::TooManyParts);
    }
    for index in 0..archive.len() {
        let declared = {
            let part = archive.by_index_raw(index).map_err(|_| FileRefused::NotAWorkbook)?;
            let name = part.name().map_err(|_| FileRefused::NotAWorkbook)?.to_lowercase();
            named(&name)?;
            if part.encrypted() {
                return Err(FileRefused::NotAWorkbook);
            }
            sized(part.size(), part.compressed_size())?;
            part.compressed_size()
        };
        let part = archive.by_index(index).map_err(|_| FileRefused::NotAWorkbook)?;
        let unpacked =
            io::copy(&mut part.take(PART_BYTES + 1), &mut io::sink()).map_err(|_| FileRefused::NotAWorkbook)?;
        sized(unpacked, declared)?;
    }
    Ok(())
}

fn sized(unpacked: u64, packed: u64) -> Result<(), FileRefused> {
    if unpacked > PART_BYTES {
        return Err(FileRefused::PartTooLarge);
    }
    if unpacked > SMALL_PART && unpacked / packed.max(1) >= RATIO {
        return Err(FileRefused::Ratio);
    }
    Ok(())
}

fn named(name: &str) -> Result<(), FileRefused> {
    let file = name.rsplit('/').next().unwrap_or(name);
    if file == "vbaproject.bin" || name.contains("macrosheets/") || name.contains("activex/") {
        return Err(FileRefused::Macros);
    }
    if name.contains("externallinks/") || file == "connections.xml" || name.contains("embeddings/") {
        return Err(FileRefused::ExternalLinks);
    }
    Ok(())
}
