//! A section: one party's lines of one unit of the day, waiting for their turn to be appended.

use crate::row::Row;

/// What the lines of a party come to. Amounts in minor units; refunds are negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct LineSums {
    pub lines: u64,
    pub charged_minor: i64,
    pub fee_minor: i64,
    /// What the party owes by these lines.
    pub debit_minor: i64,
    /// What the party is owed by them.
    pub credit_minor: i64,
}

impl LineSums {
    pub const fn merge(&mut self, other: &Self) {
        self.lines += other.lines;
        self.charged_minor += other.charged_minor;
        self.fee_minor += other.fee_minor;
        self.debit_minor += other.debit_minor;
        self.credit_minor += other.credit_minor;
    }

    /// Counts the money of one line; `net_minor` is positive where the party is owed.
    pub const fn add(&mut self, charged_minor: i64, fee_minor: i64, net_minor: i64) {
        self.charged_minor += charged_minor;
        self.fee_minor += fee_minor;
        if net_minor < 0 {
            self.debit_minor -= net_minor;
        } else {
            self.credit_minor += net_minor;
        }
    }

    /// Positive where the party is owed.
    pub const fn net_minor(&self) -> i64 {
        self.credit_minor - self.debit_minor
    }
}

/// Lines without their numbers, and where each ends if it will get one.
#[derive(Debug, Default)]
pub(crate) struct Section {
    bytes: Vec<u8>,
    ends: Vec<u32>,
    pub sums: LineSums,
}

impl Section {
    /// A line that goes into the file as it is.
    #[inline]
    pub fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.sums.lines += 1;
    }

    /// A line that gets its number in front when it is appended.
    #[inline]
    pub fn push_numbered(&mut self, line: &[u8]) {
        self.push(line);
        self.ends.push(u32::try_from(self.bytes.len()).expect("a unit's lines of one party are far below 4 GiB"));
    }

    pub fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.sums = LineSums::default();
    }

    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub fn is_numbered(&self) -> bool {
        !self.ends.is_empty()
    }

    /// The lines with their numbers, `first` being the first one's.
    pub fn number(&self, first: u64, out: &mut Row) {
        let mut start = 0;
        out.clear();
        for (number, &end) in (first..).zip(&self.ends) {
            let end = end as usize;
            out.unsigned(number);
            out.raw(self.bytes.get(start..end).expect("ends rise and lie inside"));
            start = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_run_on_from_section_to_section() {
        let mut section = Section::default();
        section.push_numbered(b"a,\"x\ny\"\n");
        section.push_numbered(b"b,z\n");
        let mut out = Row::default();
        section.number(9, &mut out);
        assert_eq!(out.as_bytes(), b"9,a,\"x\ny\"\n10,b,z\n");
        assert_eq!(section.sums.lines, 2);
    }
}
