//! `intake/<sender>/uploads.csv`: what each sender uploaded in the day, file by file: what became of its records, by reason,
//! and every refused row.
//!
//! It tells how records arrived, so it depends on arrival and stands outside the manifests.

use crate::SettleError;
use crate::row::Row;
use crate::sink::{hex, write_whole};
use domain::{Outcome, Reason};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const UPLOADS_HEADER: &str =
    "line,file,digest,state,bytes,received,cleared,duplicate,held,rejected,refused,reason,reason_name,records,row,column,problem\n";

/// A file that was uploaded in the day.
pub(crate) struct Upload {
    pub sender: String,
    pub name: String,
    /// BLAKE3 of its bytes.
    pub digest: [u8; 32],
    pub state: &'static str,
    pub bytes: u64,
    /// Records and refused rows.
    pub received: u64,
    pub refused: u64,
    /// Numbers of reasons, and how many records have each; none for a file that does not count.
    pub outcomes: Option<Vec<(u16, u64)>>,
    pub refusals: Vec<RefusedRow>,
}

/// A row that did not become a record: where and why, never what stood in it.
pub(crate) struct RefusedRow {
    pub row: u64,
    pub column: String,
    pub problem: String,
}

/// Writes a folder per sender.
pub(crate) fn write(uploads: &[Upload], folder: &Path) -> Result<(), SettleError> {
    for (sender, (csv, _)) in reports(uploads) {
        let place = folder.join(sender);
        std::fs::create_dir_all(&place).map_err(SettleError::file("cannot create", &place))?;
        write_whole(&place.join("uploads.csv"), &csv)?;
    }
    Ok(())
}

/// The report of each sender, by the name of its folder, and its lines. Files stand in the order in which they were begun.
pub(crate) fn reports(uploads: &[Upload]) -> BTreeMap<String, (Vec<u8>, u64)> {
    let mut senders: BTreeMap<String, Vec<&Upload>> = BTreeMap::new();
    for upload in uploads {
        senders.entry(folder_name(&upload.sender)).or_default().push(upload);
    }
    senders.into_iter().map(|(sender, uploads)| (sender, csv(&uploads))).collect()
}

fn csv(uploads: &[&Upload]) -> (Vec<u8>, u64) {
    let mut row = Row::default();
    let mut line = 0;
    row.raw(UPLOADS_HEADER.as_bytes());
    for upload in uploads {
        line += 1;
        start(&mut row, line, upload);
        row.unsigned(upload.bytes);
        row.unsigned(upload.received);
        let outcomes = upload.outcomes.as_deref();
        for outcome in [Outcome::Cleared, Outcome::Duplicate, Outcome::Held, Outcome::Rejected] {
            match outcomes {
                Some(outcomes) => row.unsigned(count_of(outcomes, outcome)),
                None => row.comma(),
            }
        }
        row.unsigned(upload.refused);
        row.raw(b",,,,,,");
        row.end();
        for (reason, records) in outcomes.unwrap_or_default().iter().filter(|(reason, _)| *reason != Reason::Cleared.number()) {
            line += 1;
            start(&mut row, line, upload);
            row.raw(b",,,,,,,");
            row.unsigned(u64::from(*reason));
            row.text(Reason::from_number(*reason).map_or("", Reason::name).as_bytes());
            row.unsigned(*records);
            row.raw(b",,,");
            row.end();
        }
        for refusal in &upload.refusals {
            line += 1;
            start(&mut row, line, upload);
            row.raw(b",,,,,,,,,,");
            row.unsigned(refusal.row);
            row.text(refusal.column.as_bytes());
            row.text(refusal.problem.as_bytes());
            row.end();
        }
    }
    (row.as_bytes().to_vec(), line)
}

fn count_of(outcomes: &[(u16, u64)], outcome: Outcome) -> u64 {
    outcomes.iter().filter(|(reason, _)| Reason::from_number(*reason).is_some_and(|reason| reason.outcome() == outcome)).map(|(_, count)| count).sum()
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
            refused: 1,
            outcomes: Some(vec![(0, 4), (100, 1), (202, 1), (209, 1), (300, 1), (305, 1)]),
            refusals: vec![refusal],
        };
        let withdrawn =
            Upload { sender: String::new(), name: "c".to_owned(), state: "withdrawn", received: 3, refused: 0, outcomes: None, refusals: vec![], ..upload };
        let (csv, lines) = csv(&[&upload, &withdrawn]);
        let digest = "ab".repeat(32);
        let file = format!("\"a,b.csv\",{digest},booked");
        let expected = format!(
            "{UPLOADS_HEADER}1,{file},100,9,4,1,2,2,1,,,,,,\n\
             2,{file},,,,,,,,100,duplicate,1,,,\n3,{file},,,,,,,,202,unknown-terminal,1,,,\n4,{file},,,,,,,,209,card-expired,1,,,\n\
             5,{file},,,,,,,,300,malformed,1,,,\n6,{file},,,,,,,,305,hotlisted,1,,,\n\
             7,{file},,,,,,,,,,,7,ts,\"not a time, or none\"\n8,c,{digest},withdrawn,100,3,,,,,0,,,,,,\n"
        );
        assert_eq!((String::from_utf8(csv).expect("UTF-8"), lines), (expected, 8));
        assert_eq!([folder_name("../gate"), folder_name(""), folder_name("公交")], ["_gate", "unnamed", "公交"]);
    }
}
