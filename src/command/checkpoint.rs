//! `checkpoint`: where the journal ends, written down to be kept where the ledger's disk is not.
//!
//! A ledger's folder that was put back as a whole to an earlier time looks well in itself. Held against a checkpoint
//! (`--checkpoint`, with any command), it does not.

use crate::cli::{CheckpointArgs, Shown};
use crate::failure::Failure;
use crate::output::hex;
use crate::{opening, output};
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::path::Path;

/// # Errors
/// When the ledger cannot be read or the file not be written.
pub fn run(args: &CheckpointArgs, shown: Shown) -> Result<u8, Failure> {
    let ledger = opening::ledger_to_read(&args.ledger)?;
    let head = ledger.head();
    let day = ledger.open_day().map(|info| info.day.to_string());
    let value = json!({ "height": head.height, "hash": hex(&head.hash), "open_day": day });
    if let Some(out) = &args.out {
        let text = format!("{value}\n");
        keep(out, text.as_bytes()).map_err(|error| Failure::unwritten(out, &error))?;
    }
    if shown.json {
        output::json(&value)?
    } else {
        output::line(&format!("{}:{}", head.height, hex(&head.hash)))?
    }
    Ok(0)
}

/// Writes a file as a whole or not at all; it is on the disk, with its name, when this returns.
fn keep(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let draft = folder.join(format!(".{name}.tmp"));
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)?;
    File::open(folder)?.sync_all()
}
