//! Forgetting a card: its key and its sealed number leave every file of the ledger. The journal says that they did; records
//! and money stay as they are, under the card's token.

use crate::error::LedgerError;
use crate::event::Event;
use crate::group::Group;
use crate::ledger::Ledger;
use crate::storage::Database;
use crate::store::VAULT;
use domain::record::CardToken;

impl Ledger {
    /// Destroys the key of a card's number, with the number as it was sealed; says whether it was there. Of a card that was
    /// forgotten before, what a run that was cut off may have left in files is removed.
    ///
    /// # Errors
    /// [`LedgerError::NoCard`] where the vault never had a number of the card; otherwise as [`Ledger::commit`].
    pub fn forget(&mut self, token: &CardToken, why: &str) -> Result<bool, LedgerError> {
        let known = self.sealed(token)?.is_some();
        if !known && !self.is_forgotten(token)? {
            return Err(LedgerError::NoCard);
        }
        if known {
            let card = String::from_utf8(token.as_bytes().to_vec()).map_err(|_| LedgerError::NoCard)?;
            let mut group = Group::new();
            group.event(Event::CardForgotten { card, why: why.to_owned() });
            self.commit(group)?;
        }
        self.db.purge(VAULT)?;
        Ok(known)
    }
}
