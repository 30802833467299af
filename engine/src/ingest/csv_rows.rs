//! Where CSV rows end: what the splitter and the decoder must agree on.
//!
//! A quote opens at the start of a field only, two quotes inside are one, and a row ends at a line feed or a carriage
//! return outside quotes: exactly what csv-core does, found by looking at quotes and line ends alone. Empty lines are no rows.

/// Where the last whole row ends, how many rows end up to there, and whether a quote is still open at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct RowEnds {
    /// One past the last line end that ends a row or an empty line; 0 where there is none.
    pub end: usize,
    pub rows: u64,
    pub quote_open: bool,
}

/// Looks through `text`, which begins at the start of a row.
pub(super) fn row_ends(text: &[u8], delimiter: u8) -> RowEnds {
    let mut ends = RowEnds::default();
    let mut from = 0;
    loop {
        let rest = text.get(from..).unwrap_or_default();
        let quote = memchr::memchr(b'"', rest).map(|at| from + at);
        // Between quotes a region is often a single delimiter.
        count_lines(text, from, quote.unwrap_or(text.len()), &mut ends);
        let Some(quote) = quote else { return ends };
        let opens = quote.checked_sub(1).and_then(|at| text.get(at)).is_none_or(|&before| before == delimiter || is_line_end(before));
        if !opens {
            from = quote + 1;
            continue;
        }
        match closing_quote(text, quote + 1) {
            Some(close) => from = close + 1,
            None => {
                ends.quote_open = true;
                return ends;
            }
        }
    }
}

/// The quote that closes a field whose text begins at `from`.
pub(super) fn closing_quote(text: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let close = from + memchr::memchr(b'"', text.get(from..)?)?;
        if text.get(close + 1) != Some(&b'"') {
            return Some(close);
        }
        from = close + 2;
    }
}

pub(super) const fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Counts the rows that end in `text[from..to]`, a stretch outside quotes.
fn count_lines(text: &[u8], from: usize, to: usize, ends: &mut RowEnds) {
    let stretch = text.get(from..to).unwrap_or_default();
    if stretch.len() < 2 && !stretch.first().copied().is_some_and(is_line_end) {
        return;
    }
    // A whole block without quotes, carriage returns or empty lines: counting line feeds is enough.
    if from == 0 && stretch.len() > 64 && memchr::memchr(b'\r', stretch).is_none() && memchr::memmem::find(stretch, b"\n\n").is_none() {
        let leading = u64::from(stretch.first() == Some(&b'\n'));
        ends.rows += memchr::memchr_iter(b'\n', stretch).count() as u64 - leading;
        ends.end = memchr::memrchr(b'\n', stretch).map_or(ends.end, |at| at + 1);
        return;
    }
    for at in memchr::memchr2_iter(b'\n', b'\r', stretch) {
        let at = from + at;
        let empty = at.checked_sub(1).and_then(|before| text.get(before)).is_none_or(|&before| is_line_end(before));
        ends.rows += u64::from(!empty);
        ends.end = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_where_no_quote_is_open() {
        let check = |text: &str, end: usize, rows: u64, quote_open: bool| {
            assert_eq!(row_ends(text.as_bytes(), b','), RowEnds { end, rows, quote_open }, "{text:?}");
        };
        check("a,b\nc,d", 4, 1, false);
        check("a,b\r\nc,d\r\n", 10, 2, false);
        check("\n\na\n\n", 5, 1, false);
        check("\"a\nb\",c\nd", 8, 1, false);
        check("\"a\"\"\nb\"\n", 8, 1, false);
        check("a\"b\n\"c\n", 4, 1, true);
        check("a,\"b\n", 0, 0, true);
        check("\"a\"x\"\nb\n", 8, 2, false);
        check("", 0, 0, false);
    }
}
