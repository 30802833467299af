//! `intake/<sender>/uploads.csv`: what each sender uploaded in the day, file by file, with every refused row.
//!
//! It tells how records arrived, so it depends on arrival and stands outside the manifests.

use crate::SettleError;
use crate::row::Row;
use crate::sink::{hex, write_whole};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const UPLOADS_HEADER: &str = "line,file,digest,state,bytes,received,repeats,refused,row,column,problem\n";

/// A file that was uploaded in the day.
pub(crate) struct Upload {
    pub sender: String,
    pub name: String,
    /// BLAKE3 of its bytes.
    pub digest: [u8; 32],
    pub state: &'static str,
    pub bytes: u64,
    pub received: u64,
    pub repeats: u64,
    pub refused: u64,
    pub refusals: Vec<RefusedRow>,
}

/// A row that did not become a record: where and why, never what stood in it.
pub(crate) struct RefusedRow {
    pub row: u64,
    pub column: String,
    pub problem: String,
}

/// Writes a folder per sender. Files stand in the order in which they were begun.
pub(crate) fn write(uploads: &[Upload], folder: &Path) -> Result<(), SettleError> {
    let mut senders: BTreeMap<String, Vec<&Upload>> = BTreeMap::new();
    for upload in uploads {
        senders.entry(folder_name(&upload.sender)).or_default().push(upload);
    }
    for (sender, uploads) in senders {
        let place = folder.join(sender);
        std::fs::create_dir_all(&place).map_err(SettleError::file("cannot create", &place))?;
        let (csv, lines) = csv(&uploads);
        write_whole(&place.join("uploads.csv"), &csv, lines)?;
    }
    Ok(())
}

fn csv(uploads: &[&Upload]) -> (Vec<u8>, u64) {
    let mut row = Row::default();
    let mut line = 0;
    row.raw(UPLOADS_HEADER.as_bytes());
    for upload in uploads {
        line += 1;
        start(&mut row, line, upload);
        for count in [upload.bytes, upload.received, upload.repeats, upload.refused] {
            row.unsigned(count);
        }
        row.raw(b",,,");
        row.end();
        for refusal in &upload.refusals {
            line += 1;
            start(&mut row, line, upload);
            row.raw(b",,,,");
            row.unsigned(refusal.row);
            row.text(refusal.column.as_bytes());
            row.text(refusal.problem.as_bytes());
            row.end();
        }
    }
    (row.as_bytes().to_vec(), line)
}

fn start(row: &mut Row, line: u64, upload: &Upload) {
    row.unsigned(line);
    row.text(upload.name.as_bytes());
    row.text(hex(&upload.digest).as_bytes());
    row.text(upload.state.as_bytes());
}

/// A sender's folder: what cannot stand in a name becomes `_`; no sender is `unnamed`.
fn folder_name(sender: &str) -> String {
    let name: String =
        sender.chars().take(100).map(|letter| if letter.is_alphanumeric() || matches!(letter, '-' | '_' | '.') { letter } else { '_' }).collect();
    match name.trim_start_matches('.') {
        "" => "unnamed".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_stand_with_their_refused_rows() {
        let refusal = RefusedRow { row: 7, column: "ts".to_owned(), problem: "not a time, or none".to_owned() };
        let upload = Upload {
            sender: "../gate".to_owned(),
            name: "a,b.csv".to_owned(),
            digest: [0xab; 32],
            state: "booked",
            bytes: 100,
            received: 9,
            repeats: 1,
            refused: 1,
            refusals: vec![refusal],
        };
        let (csv, lines) = csv(&[&upload]);
        let digest = "ab".repeat(32);
        let expected = format!("{UPLOADS_HEADER}1,\"a,b.csv\",{digest},booked,100,9,1,1,,,\n2,\"a,b.csv\",{digest},booked,,,,,7,ts,\"not a time, or none\"\n");
        assert_eq!((String::from_utf8(csv).expect("UTF-8"), lines), (expected, 2));
        assert_eq!([folder_name("../gate"), folder_name(""), folder_name("公交")], ["_gate", "unnamed", "公交"]);
    }
}
