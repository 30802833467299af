//! Rows to columns and back, a few rows at a time so that they stay in the processor's first cache.
//!
//! A row has some forty fields and a day's records use a dozen of them. A field that has not varied yet costs one compare
//! per row and no room; its column is filled in from the first row on when it does vary.

use super::BLOCK_ROWS_MAX;
use super::bytes::{Corrupt, Reader};
use super::dictionary::{self, Lexicon, Places};
use super::number::{self, Numbers};
use super::text::Texts;
use domain::symbol::SymbolCache;
use domain::{Symbol, SymbolTable};

/// Rows handled at once: 64 of the widest are some 24 KiB.
const CHUNK: usize = 64;

/// How a column is stored.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Number,
    /// Milliseconds, perhaps in whole seconds.
    Time,
    Symbol,
    /// A number whose field another column's value makes: read for every row when any of the joint columns varies.
    JointNumber,
    JointSymbol,
}

impl Shape {
    const fn is_symbol(self) -> bool {
        matches!(self, Self::Symbol | Self::JointSymbol)
    }

    const fn is_joint(self) -> bool {
        matches!(self, Self::JointNumber | Self::JointSymbol)
    }
}

/// One field of a row as a number, by loops over a slice of rows.
pub(crate) struct Column<R> {
    pub shape: Shape,
    pub first: fn(&R) -> i64,
    pub differs: fn(&[R], i64) -> bool,
    /// Appends the values; returns the smallest and largest.
    pub gather: fn(&[R], &mut Vec<i64>) -> (i64, i64),
    /// False when a value is none of the field's.
    pub put: fn(&mut [R], &[i64]) -> bool,
}

/// A field of short texts.
pub(crate) struct TextColumn<R> {
    /// Appends the padded texts.
    pub gather: fn(&[R], &mut Vec<u8>),
    /// Writes what was gathered.
    pub write: fn(&[u8], &mut Vec<i64>, &mut Vec<u8>),
    pub fill: fn(&Texts<'_>, usize, &mut [R], &mut [i64]) -> bool,
}

/// All fields of a row, in the stored order.
pub(crate) struct Columns<R: 'static> {
    pub numbers: &'static [&'static [Column<R>]],
    pub texts: &'static [TextColumn<R>],
    /// A row in which nothing is set yet.
    pub blank: R,
}

/// Makes a [`Column`] from how one row is read and written. `$read` and `$write` lead from the row to the struct.
macro_rules! column {
    ($shape:ident, $read:path, $write:path, |$from:ident| $get:expr, |$to:ident, $value:ident| $put:expr) => {
        Column {
            shape: Shape::$shape,
            first: |row| {
                let $from = $read(row);
                $get
            },
            differs: |rows, first| {
                rows.iter().fold(0, |seen, row| {
                    let $from = $read(row);
                    seen | ($get ^ first)
                }) != 0
            },
            gather: |rows, out| {
                let (mut min, mut max) = (i64::MAX, i64::MIN);
                out.extend(rows.iter().map(|row| {
                    let $from = $read(row);
                    let value: i64 = $get;
                    min = min.min(value);
                    max = max.max(value);
                    value
                }));
                (min, max)
            },
            put: |rows, values| {
                let mut good = true;
                for (row, &$value) in rows.iter_mut().zip(values) {
                    let $to = $write(row);
                    good &= $put;
                }
                good
            },
        }
    };
}
pub(crate) use column;

/// Sets an integer field; false when the value does not fit.
pub(crate) fn set<T: TryFrom<i64>>(slot: &mut T, value: i64) -> bool {
    T::try_from(value).map(|value| *slot = value).is_ok()
}

pub(crate) fn set_symbol(slot: &mut Symbol, value: i64) -> bool {
    set(&mut slot.0, value)
}

/// Room to work in.
#[derive(Default)]
pub(crate) struct Scratch {
    /// A chunk's values.
    values: Vec<i64>,
    pub spare: Vec<i64>,
}

/// A field's values so far. What has not varied is known from the first row alone.
#[derive(Default)]
struct Field {
    varies: bool,
    first: i64,
    range: (i64, i64),
    /// Each value's distance from the first one, while all distances fit: half the room.
    near: Vec<i32>,
    /// The values, from when one did not fit.
    far: Vec<i64>,
    /// Of a field of symbols, instead: their places in the block's dictionary.
    places: Places,
}

impl Field {
    fn begin(&mut self, first: i64) {
        self.varies = false;
        self.first = first;
        self.range = (first, first);
        self.near.clear();
        self.far.clear();
    }

    /// From here on the values are kept; the `rows` so far all have the first one.
    fn vary(&mut self, rows: usize, is_symbol: bool) {
        self.varies = true;
        if is_symbol {
            self.places.begin(self.first, rows);
        } else {
            self.near.resize(rows, 0);
        }
    }

    fn extend(&mut self, values: &[i64], (min, max): (i64, i64)) {
        self.range = (self.range.0.min(min), self.range.1.max(max));
        if self.far.is_empty() {
            let (before, first, mut all_fit) = (self.near.len(), self.first, true);
            self.near.extend(values.iter().map(|value| {
                let distance = value.wrapping_sub(first);
                let near = distance as i32;
                all_fit &= i64::from(near) == distance;
                near
            }));
            if all_fit {
                return;
            }
            self.near.truncate(before);
            self.far.extend(self.near.iter().map(|&near| first.wrapping_add(i64::from(near))));
        }
        self.far.extend_from_slice(values);
    }

    fn put(&self, shape: Shape, out: &mut Vec<u8>) {
        if !self.varies {
            number::put_constant(self.first, out);
        } else if self.far.is_empty() {
            let first = self.first;
            put_numbers(&self.near, move |near| first.wrapping_add(i64::from(near)), shape, self.range, out);
        } else {
            put_numbers(&self.far, |value| value, shape, self.range, out);
        }
    }
}

fn put_numbers<T: Copy>(stored: &[T], value: impl Fn(T) -> i64 + Copy, shape: Shape, range: (i64, i64), out: &mut Vec<u8>) {
    if shape == Shape::Time { number::put_times(stored, value, range, out) } else { number::put(stored, value, range, out) }
}

/// Rows on their way into a block, taken a few at a time and kept as columns. Used again, it keeps its room.
pub(crate) struct Encoder<'t, R: 'static> {
    columns: &'static Columns<R>,
    lexicon: Lexicon<'t>,
    rows: usize,
    fields: Vec<Field>,
    /// For each column of texts, the padded texts one after another.
    texts: Vec<Vec<u8>>,
    scratch: Scratch,
}

impl<'t, R> Encoder<'t, R> {
    /// The rows' symbols are `table`'s.
    pub(crate) fn new(columns: &'static Columns<R>, table: &'t SymbolTable) -> Self {
        let mut fields = Vec::new();
        fields.resize_with(columns.numbers.iter().copied().flatten().count(), Field::default);
        Self { columns, lexicon: Lexicon::new(table), rows: 0, fields, texts: vec![Vec::new(); columns.texts.len()], scratch: Scratch::default() }
    }

    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }

    /// What the symbols of the finished rows say.
    pub(crate) const fn lexicon(&self) -> &Lexicon<'t> {
        &self.lexicon
    }

    /// Takes more rows.
    ///
    /// # Panics
    /// When a block would hold more than [`BLOCK_ROWS_MAX`].
    pub(crate) fn push(&mut self, rows: &[R]) {
        assert!(self.rows + rows.len() <= BLOCK_ROWS_MAX, "a block holds at most {BLOCK_ROWS_MAX} rows");
        rows.chunks(CHUNK).for_each(|chunk| self.chunk(chunk));
    }

    fn chunk(&mut self, chunk: &[R]) {
        let Some(first) = chunk.first() else { return };
        let values = &mut self.scratch.values;
        for (field, column) in self.fields.iter_mut().zip(self.columns.numbers.iter().copied().flatten()) {
            if self.rows == 0 {
                field.begin((column.first)(first));
            }
            let is_symbol = column.shape.is_symbol();
            if !field.varies {
                if !(column.differs)(chunk, field.first) {
                    continue;
                }
                field.vary(self.rows, is_symbol);
            }
            values.clear();
            let range = (column.gather)(chunk, values);
            if is_symbol {
                field.places.extend(values);
            } else {
                field.extend(values, range);
            }
        }
        for (texts, column) in self.texts.iter_mut().zip(self.columns.texts) {
            (column.gather)(chunk, texts);
        }
        self.rows += chunk.len();
    }

    /// Appends all columns of the rows to `out`, and begins anew.
    ///
    /// # Panics
    /// When a symbol of the rows is not the table's.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if std::mem::take(&mut self.rows) == 0 {
            return;
        }
        let Self { columns, lexicon, fields, scratch, .. } = self;
        lexicon.refresh();
        for (field, column) in fields.iter_mut().zip(columns.numbers.iter().copied().flatten()) {
            if !column.shape.is_symbol() {
                field.put(column.shape, out);
                continue;
            }
            if !field.varies {
                field.places.begin(field.first, 1);
            }
            field.places.put(lexicon, &mut scratch.spare, out);
        }
        for (column, texts) in columns.texts.iter().zip(&mut self.texts) {
            (column.write)(texts, &mut scratch.spare, out);
            texts.clear();
        }
    }
}

/// A stored column and, for symbols, what its places mean here.
struct Stored<'a> {
    numbers: Numbers<'a>,
    symbols: Option<Vec<Symbol>>,
}

impl<'a> Stored<'a> {
    fn read(shape: Shape, reader: &mut Reader<'a>, rows: usize, symbols: &mut SymbolCache<'_>) -> Result<Self, Corrupt> {
        let symbols = match shape.is_symbol().then(|| reader.u8()).transpose()? {
            None => None,
            Some(0) => return Ok(Self { numbers: Numbers::read(&mut Reader::new(&[0]), rows)?, symbols: None }),
            Some(1) => Some(dictionary::read_symbols(reader, symbols)?),
            Some(_) => return Err(Corrupt("a column of symbols has an unknown shape")),
        };
        Ok(Self { numbers: Numbers::read(reader, rows)?, symbols })
    }

    fn constant(&self) -> Result<Option<i64>, Corrupt> {
        let Some(mut value) = self.numbers.constant() else { return Ok(None) };
        self.resolve(std::slice::from_mut(&mut value))?;
        Ok(Some(value))
    }

    /// Places in the dictionary to symbols.
    fn resolve(&self, values: &mut [i64]) -> Result<(), Corrupt> {
        let Some(symbols) = &self.symbols else { return Ok(()) };
        let mut good = true;
        for value in values {
            let symbol = usize::try_from(*value).ok().and_then(|place| symbols.get(place));
            good &= symbol.is_some();
            *value = symbol.map_or(0, |symbol| i64::from(symbol.0));
        }
        if good { Ok(()) } else { Err(Corrupt("a symbol is not in the block's dictionary")) }
    }
}

const WRONG_VALUE: Corrupt = Corrupt("a field holds a value that it cannot have");

/// Reads `count` rows and hands them on, a few at a time, with the position of the first.
pub(crate) fn decode<R: Copy>(
    columns: &Columns<R>,
    count: usize,
    reader: &mut Reader<'_>,
    symbols: &mut SymbolCache<'_>,
    mut each: impl FnMut(usize, &[R]),
) -> Result<(), Corrupt> {
    if count == 0 {
        return Ok(());
    }
    let mut template = columns.blank;
    let (mut varying, mut joint) = (Vec::new(), Vec::new());
    for column in columns.numbers.iter().copied().flatten() {
        let stored = Stored::read(column.shape, reader, count, symbols)?;
        match stored.constant()? {
            _ if column.shape.is_joint() => joint.push((column, stored)),
            Some(0) => {}
            Some(value) if (column.put)(std::slice::from_mut(&mut template), &[value]) => {}
            Some(_) => return Err(WRONG_VALUE),
            None => varying.push((column, stored)),
        }
    }
    if joint.iter().any(|(_, stored)| stored.numbers.constant() != Some(0) || stored.symbols.is_some()) {
        varying.append(&mut joint);
    }
    let mut texts = Vec::new();
    for column in columns.texts {
        let stored = Texts::read(reader, count)?;
        match stored.constant() {
            Some([]) => {}
            Some(_) if (column.fill)(&stored, 0, std::slice::from_mut(&mut template), &mut [0]) => {}
            Some(_) => return Err(WRONG_VALUE),
            None => texts.push((column, stored)),
        }
    }
    // Made once: a column that varies is written for every row of every chunk.
    let mut rows = vec![template; CHUNK.min(count)];
    let mut values = [0; CHUNK];
    for at in (0..count).step_by(CHUNK) {
        let len = CHUNK.min(count - at);
        let rows = rows.split_at_mut(len).0;
        let values = values.split_at_mut(len).0;
        for (column, stored) in &varying {
            stored.numbers.unpack(at, values);
            stored.resolve(values)?;
            if !(column.put)(rows, values) {
                return Err(WRONG_VALUE);
            }
        }
        for (column, stored) in &texts {
            if !(column.fill)(stored, at, rows, values) {
                return Err(WRONG_VALUE);
            }
        }
        each(at, rows);
    }
    Ok(())
}
