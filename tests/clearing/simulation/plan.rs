//! What happens in one seed's world before any disk fails: uploads of the oracle's tiny universe, some of them late, some
//! from terminals whose clocks jump, cut into pieces, with rows among them that cannot be read.

use crate::dice::Dice;
use crate::oracle::universe;
use domain::{Day, Record, SymbolTable};
use engine::scheme::Scheme;

/// One file.
pub struct Upload {
    pub name: String,
    pub digest: [u8; 32],
    /// As the reader cuts them; a piece may be empty but for refused rows.
    pub pieces: Vec<Part>,
}

pub struct Part {
    pub records: Vec<Record>,
    pub rows: Vec<u64>,
    /// Rows that could not be read.
    pub refused: Vec<u64>,
}

/// Clearing days and what comes on each.
pub struct Plan {
    pub days: Vec<(Day, Vec<Upload>)>,
}

/// A file's name and what is in it.
type Sent = (String, Vec<Record>);

impl Upload {
    pub fn records(&self) -> impl Iterator<Item = &Record> {
        self.pieces.iter().flat_map(|part| &part.records)
    }

    pub fn refused(&self) -> u64 {
        self.pieces.iter().map(|part| part.refused.len() as u64).sum()
    }
}

impl Plan {
    pub fn new(scheme: &Scheme, symbols: &SymbolTable, seed: u64) -> Self {
        let mut dice = Dice::new(seed ^ 0x706c_616e);
        let history = universe::history(scheme, symbols, seed);
        let mut coming: Vec<(Day, Vec<Sent>)> = history.iter().map(|(day, _)| (*day, Vec::new())).collect();
        for (at, (day, files)) in history.into_iter().enumerate() {
            for (number, mut records) in files.into_iter().enumerate() {
                if dice.permille(100) {
                    jump(&mut records, &mut dice);
                }
                let late = usize::from(dice.permille(100) && at + 1 < coming.len());
                coming[at + late].1.push((format!("{day}-{number}.csv"), records));
            }
        }
        let mut upload = |(name, records): Sent| upload(name, &records, &mut dice);
        Self { days: coming.into_iter().map(|(day, files)| (day, files.into_iter().map(&mut upload).collect())).collect() }
    }
}

/// A terminal's clock is set forward or back in the middle of a file.
fn jump(records: &mut [Record], dice: &mut Dice) {
    let (from, by_minutes) = (dice.roll() % (records.len() as u64 + 1), dice.within(-4000, 4000));
    for record in records.iter_mut().skip(usize::try_from(from).expect("small")) {
        record.time.0 += by_minutes * 60_000;
    }
}

fn upload(name: String, records: &[Record], dice: &mut Dice) -> Upload {
    let digest = *blake3::hash(format!("{name} {records:?}").as_bytes()).as_bytes();
    let size = 1 + usize::try_from(dice.roll() % 40).expect("small");
    let mut row = 0;
    let mut next = |_: &Record| {
        row += 1;
        row
    };
    let mut pieces: Vec<Part> = Vec::new();
    for records in records.chunks(size) {
        let rows = records.iter().map(&mut next).collect();
        pieces.push(Part { records: records.to_vec(), rows, refused: Vec::new() });
    }
    if dice.permille(200) {
        let refused = (0..=dice.roll() % 3).map(|ahead| 1_000_000 + ahead).collect();
        pieces.push(Part { records: Vec::new(), rows: Vec::new(), refused });
    }
    Upload { name, digest, pieces }
}
