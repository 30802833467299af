//! `adjustments.csv`: what a day changes of days gone by, with the old value, the new one and the difference of each amount.
//!
//! Fees per service day stand here: they belong to no ride, and a late record or a refund changes one that was booked. The
//! earner has the line; the house's income stands in its summary.

use crate::SettleError;
use crate::roster::{Roster, Seat};
use crate::row::Row;
use crate::section::LineSums;
use domain::{Symbol, SymbolTable};
use ledger::ServiceFee;

pub(crate) const ADJUSTMENTS_HEADER: &str = "line,day_corrected,line_corrected,ride_id,reason,issuer,product,list_minor_old,list_minor_new,\
     list_minor_difference,charged_minor_old,charged_minor_new,charged_minor_difference,fee_minor_old,fee_minor_new,fee_minor_difference,\
     net_minor_difference,dc\n";

/// The reason of a fee that is reckoned over a service day.
const SERVICE_DAY_FEE: &str = "service-day-fee";

/// One party's lines and what they come to.
#[derive(Default)]
pub(crate) struct Adjustments {
    pub row: Row,
    pub sums: LineSums,
}

/// A fee per service day with its parties' seats.
#[derive(Clone, Copy)]
pub(crate) struct SeatedFee<'a> {
    pub fee: &'a ServiceFee,
    pub earner: Seat,
    pub issuer: Seat,
    pub product: Symbol,
}

impl<'a> SeatedFee<'a> {
    /// # Errors
    /// [`SettleError::UnknownParty`] when its earner or issuer has no folder.
    pub fn new(fee: &'a ServiceFee, roster: &Roster, symbols: &SymbolTable) -> Result<Self, SettleError> {
        let seat = |party: &str| {
            let seat = symbols.find(party).map_or(Seat::NOBODY, |party| roster.seat(party));
            if seat.is_somebody() { Ok(seat) } else { Err(SettleError::UnknownParty { party: party.to_owned() }) }
        };
        Ok(Self { fee, earner: seat(&fee.earner)?, issuer: seat(&fee.issuer)?, product: symbols.intern(&fee.product) })
    }
}

/// The lines of all parties, by seat, in the order of the fees.
pub(crate) fn adjustments(fees: &[SeatedFee<'_>], roster: &Roster) -> Vec<Adjustments> {
    let mut all: Vec<Adjustments> = roster.members().iter().map(|_| Adjustments::default()).collect();
    for fee in fees {
        if let Some(own) = all.get_mut(fee.earner.index()) {
            own.put(fee.fee);
        }
    }
    all
}

impl Adjustments {
    fn put(&mut self, fee: &ServiceFee) {
        let Self { row, sums } = self;
        let difference_minor = fee.difference_minor();
        sums.lines += 1;
        sums.add(0, difference_minor, -difference_minor);
        row.unsigned(sums.lines);
        row.text(fee.service_day.to_string().as_bytes());
        row.raw(b",,");
        for text in [SERVICE_DAY_FEE, &fee.issuer, &fee.product] {
            row.text(text.as_bytes());
        }
        for amount_minor in [0, 0, 0, 0, 0, 0, fee.old_minor, fee.new_minor, difference_minor] {
            row.signed(amount_minor);
        }
        row.unsigned(difference_minor.unsigned_abs());
        row.text(if difference_minor > 0 { b"D" } else { b"C" });
        row.end();
    }

    /// The file without its header.
    pub fn csv(&self) -> &[u8] {
        self.row.as_bytes()
    }
}
