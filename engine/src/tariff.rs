//! A tariff: what a ride costs, who pays for its discounts, and in which order the rules apply.

use crate::mistake::Mistakes;
use domain::SymbolTable;
use std::path::Path;

/// The tariff of a scheme, ready to price with.
#[derive(Clone, Debug, Default)]
pub struct Tariff {}

impl Tariff {
    /// Reads the `tariff/` folder of a scheme (`dir` is the scheme's folder). Mistakes are added; `None` when there were any.
    #[must_use]
    pub fn read(dir: &Path, symbols: &SymbolTable, mistakes: &mut Mistakes) -> Option<Self> {
        let _ = (dir, symbols, mistakes);
        Some(Self {})
    }
}
