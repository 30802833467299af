//! A desk: one worker's place, where decisions become lines in the sections of the parties they concern.
//!
//! Touches no file and no lock but the symbol table's when it meets a new name. What it writes depends on the decision, the
//! house and the clearing day only, so it does not matter which worker took which decision.

use crate::cells::Cells;
use crate::layout::{Layout, Piece};
use crate::roster::{Roster, Seat};
use crate::row::{Cell, Row};
use crate::section::Section;
use crate::stamp::Stamp;
use crate::tally::{Sides, Tally};
use crate::{Column, SettleError};
use domain::{Day, Decision, Discount, Flags, Outcome, Record, RecordKind, Symbol, SymbolTable, record::IdKind};

const RECEIVERS_MAX: usize = domain::decision::DETAIL_PARTIES_MAX;

/// What a desk reads and never changes.
#[derive(Clone, Copy)]
pub(crate) struct Desk<'a> {
    pub day: Day,
    pub hold_days: u16,
    pub roster: &'a Roster,
    pub layout: &'a Layout,
    pub symbols: &'a SymbolTable,
}

/// What it keeps from decision to decision.
pub(crate) struct Papers<'a> {
    desk: Desk<'a>,
    names: Cells<'a>,
    places: Cells<'a>,
    kinds: Vec<Cell>,
    flags: Vec<(Flags, Cell)>,
    stamp: Stamp,
    row: Row,
    /// Ends of the pieces in `row`.
    ends: Vec<usize>,
    line: Row,
    /// By funder group.
    groups: Vec<i64>,
    pub details: Vec<Section>,
    pub exceptions: Vec<Section>,
    /// Decisions that correct what earlier days settled, since they were last taken away.
    pub corrections: Vec<Decision>,
    pub tally: Tally,
}

/// Who gets a line of a ride, and what it means to each.
pub(crate) struct Receivers {
    list: [(Seat, i64); RECEIVERS_MAX],
    len: usize,
    /// Whether the ride moves money at all.
    pub moves_money: bool,
}

impl Receivers {
    pub const fn nobody() -> Self {
        Self { list: [(Seat::NOBODY, 0); RECEIVERS_MAX], len: 0, moves_money: false }
    }

    /// Adds those of a ride or of a share of one. In place: a list that is written in small pieces and then moved waits for
    /// its own stores.
    #[inline]
    pub fn add_all(&mut self, decision: &Decision, sides: Sides, net_minor: i64, roster: &Roster) {
        self.moves_money = decision.moves_money();
        if decision.flags.has(Flags::SHARE) {
            for discount in decision.discounts.iter().filter(|discount| discount.amount_minor != 0) {
                self.add(roster.seat(discount.funder), -discount.amount_minor);
            }
            self.add(sides.earner, net_minor);
            return;
        }
        self.add(sides.issuer, -decision.charged_minor);
        self.add(sides.earner, net_minor);
        self.add(sides.venue, 0);
        for discount in decision.discounts.iter().filter(|discount| discount.amount_minor != 0 && discount.funder != decision.earner) {
            self.add(roster.seat(discount.funder), -discount.amount_minor);
        }
    }

    pub fn list(&self) -> &[(Seat, i64)] {
        self.list.split_at(self.len).0
    }

    #[inline]
    fn add(&mut self, seat: Seat, net_minor: i64) {
        if !seat.is_somebody() {
            return;
        }
        for (known, net) in self.list.iter_mut().take(self.len) {
            if *known == seat {
                *net += net_minor;
                return;
            }
        }
        if let Some(place) = self.list.get_mut(self.len) {
            *place = (seat, net_minor);
            self.len += 1;
        }
    }
}

impl<'a> Papers<'a> {
    pub fn new(desk: Desk<'a>) -> Self {
        let parties = desk.roster.members().len();
        let sections = || std::iter::repeat_with(Section::default).take(parties).collect();
        Self {
            names: Cells::of_names(desk.symbols),
            places: Cells::of_places(desk.symbols),
            kinds: RecordKind::ALL.iter().map(|kind| Cell::new(kind.name().as_bytes())).collect(),
            flags: Vec::new(),
            stamp: Stamp::default(),
            row: Row::default(),
            ends: Vec::new(),
            line: Row::default(),
            groups: vec![0; desk.layout.groups],
            details: sections(),
            exceptions: sections(),
            corrections: Vec::new(),
            tally: Tally::new(parties),
            desk,
        }
    }

    /// Fetches what writing these decisions will look up all over memory.
    pub fn glance(&self, decisions: &[Decision]) {
        let seen = decisions.iter().fold(0, |seen, decision| seen ^ self.names.glance(decision.record.terminal));
        std::hint::black_box(seen);
    }

    /// Takes one decision: counts it, and writes its lines.
    ///
    /// # Errors
    /// When its money has no party in the house.
    #[inline]
    pub fn take(&mut self, decision: &Decision) -> Result<(), SettleError> {
        let sides = sides(decision, self.desk.roster);
        let outcome = decision.reason.outcome();
        if !decision.flags.has(Flags::CARRIED) {
            self.tally.record(outcome, sides);
        }
        match outcome {
            Outcome::Cleared if decision.flags.has(Flags::RIDE) => self.ride(decision, sides),
            Outcome::Cleared if decision.flags.has(Flags::SHARE) => self.share(decision, sides),
            Outcome::Cleared | Outcome::Duplicate => Ok(()),
            Outcome::Held | Outcome::Rejected => {
                self.exception(decision, outcome, sides);
                Ok(())
            }
        }
    }

    fn ride(&mut self, decision: &Decision, sides: Sides) -> Result<(), SettleError> {
        let roster = self.desk.roster;
        let net_minor = decision.net_minor();
        let mut receivers = Receivers::nobody();
        receivers.add_all(decision, sides, net_minor, roster);
        let corrects = decision.flags.has(Flags::CORRECTS);
        let listed = !corrects && (receivers.moves_money || self.desk.layout.lists_zero_rides);
        if corrects {
            self.corrections.push(*decision);
        }
        self.tally.ride(decision, net_minor, sides, roster, self.desk.symbols, listed)?;
        if listed { self.lines(decision, sides.issuer, &receivers) } else { Ok(()) }
    }

    /// Money of a ride on its way from the operator that earned it to another: a line for each of the two.
    fn share(&mut self, decision: &Decision, sides: Sides) -> Result<(), SettleError> {
        let roster = self.desk.roster;
        let corrects = decision.flags.has(Flags::CORRECTS);
        for discount in decision.discounts.iter().filter(|discount| discount.amount_minor != 0) {
            self.tally.share(decision, discount, (roster.seat(discount.funder), sides.earner), self.desk.symbols, !corrects)?;
        }
        if corrects {
            self.corrections.push(*decision);
            return Ok(());
        }
        let mut receivers = Receivers::nobody();
        receivers.add_all(decision, sides, decision.net_minor(), roster);
        self.lines(decision, sides.issuer, &receivers)
    }

    fn lines(&mut self, decision: &Decision, issuer: Seat, receivers: &Receivers) -> Result<(), SettleError> {
        let layout = self.desk.layout;
        self.row.clear();
        self.ends.clear();
        for piece in &layout.pieces {
            if let Piece::Shared(columns) = piece {
                for &column in columns {
                    self.column(column, decision)?;
                }
            }
            self.ends.push(self.row.len());
        }
        let alike = matches!(layout.pieces.as_slice(), [Piece::Shared(_)]);
        if alike {
            self.row.end();
        }
        for &(seat, net_minor) in receivers.list() {
            if !alike {
                self.own_line(decision, seat, issuer, net_minor);
            }
            let line = if alike { self.row.as_bytes() } else { self.line.as_bytes() };
            let Some(section) = self.details.get_mut(seat.index()) else { continue };
            if layout.numbered {
                section.push_numbered(line);
            } else {
                section.push(line);
            }
            section.sums.add(decision.charged_minor, decision.fee_minor, net_minor);
        }
        Ok(())
    }

    /// Puts the receiver's own fields between the shared ones.
    fn own_line(&mut self, decision: &Decision, seat: Seat, issuer: Seat, net_minor: i64) {
        let line = &mut self.line;
        line.clear();
        let mut start = 0;
        for (piece, &end) in self.desk.layout.pieces.iter().zip(&self.ends) {
            match piece {
                Piece::Shared(_) => line.raw(self.row.as_bytes().get(start..end).expect("pieces follow one another")),
                Piece::Card if seat == issuer => line.short_text(&decision.record.card),
                Piece::Card => match self.desk.roster.member(seat) {
                    Some(member) => member.key.write(line, &decision.record.card),
                    None => line.comma(),
                },
                Piece::Net => line.unsigned(net_minor.unsigned_abs()),
                Piece::Dc => line.fixed(if net_minor < 0 { b"D," } else { b"C," }, 2),
            }
            start = end;
        }
        line.end();
    }

    #[inline]
    fn column(&mut self, column: Column, decision: &Decision) -> Result<(), SettleError> {
        let (row, record) = (&mut self.row, &decision.record);
        match column {
            Column::RideId => record_id(row, &mut self.names, self.desk.symbols, record),
            Column::SourceRef => row.short_text(&record.source_ref),
            Column::Kind => kind(row, &self.kinds, record.kind),
            Column::TerminalId => self.names.write(record.terminal, row),
            Column::TerminalSeq => row.unsigned(record.sequence),
            Column::Card => row.short_text(&record.card),
            Column::Issuer => self.names.write(named(decision.issuer, record.issuer), row),
            Column::Operator => self.names.write(named(decision.earner, record.operator), row),
            Column::Location => self.places.write(record.location, row),
            Column::EventTime => self.stamp.time(row, record.time, record.offset_min),
            Column::ServiceDay => self.stamp.day(row, decision.service_day),
            Column::ListMinor => row.signed(decision.list_minor),
            Column::ChargedMinor => row.signed(decision.charged_minor),
            Column::FeeMinor => row.signed(decision.fee_minor),
            Column::Flags => self.flag_names(decision.flags),
            Column::Funders => self.funders(decision)?,
            Column::Line | Column::NetMinor | Column::Dc => unreachable!("not a shared column"),
        }
        Ok(())
    }

    fn funders(&mut self, decision: &Decision) -> Result<(), SettleError> {
        self.groups.fill(0);
        let discounts: &[Discount] = if decision.flags.has(Flags::SHARE) { &[] } else { &decision.discounts };
        for discount in discounts.iter().filter(|discount| discount.amount_minor != 0) {
            let group = self.desk.roster.member(self.desk.roster.seat(discount.funder)).and_then(|member| member.group);
            let Some(sum) = group.and_then(|group| self.groups.get_mut(group)) else {
                return Err(SettleError::UngroupedFunder { party: self.desk.symbols.text(discount.funder).to_string() });
            };
            *sum += discount.amount_minor;
        }
        for &amount_minor in &self.groups {
            self.row.signed(amount_minor);
        }
        Ok(())
    }

    /// Names joined with `+`. Few combinations occur: each is made once.
    fn flag_names(&mut self, flags: Flags) {
        let at = self.flags.iter().position(|(known, _)| *known == flags).unwrap_or_else(|| {
            let names: Vec<&str> = Flags::NAMES.iter().filter(|(flag, _)| flags.has(*flag)).map(|(_, name)| *name).collect();
            self.flags.push((flags, Cell::new(names.join("+").as_bytes())));
            self.flags.len() - 1
        });
        if let Some((_, cell)) = self.flags.get(at) {
            self.row.cell(cell);
        }
    }

    /// A held or rejected record stands with every party it concerns; where that is none, with the hub.
    fn exception(&mut self, decision: &Decision, outcome: Outcome, sides: Sides) {
        let (row, record) = (&mut self.row, &decision.record);
        row.clear();
        record_id(row, &mut self.names, self.desk.symbols, record);
        row.short_text(&record.source_ref);
        kind(row, &self.kinds, record.kind);
        self.names.write(record.terminal, row);
        self.stamp.time(row, record.time, record.offset_min);
        row.signed(record.amount_minor);
        row.text(outcome.name().as_bytes());
        row.unsigned(u64::from(decision.reason.number()));
        row.text(decision.reason.name().as_bytes());
        row.signed(i64::from(self.desk.day.0) - i64::from(decision.held_since.0));
        match outcome {
            Outcome::Held => self.stamp.day(row, Day(decision.held_since.0.saturating_add(i32::from(self.desk.hold_days)))),
            _ => row.comma(),
        }
        // It names no other record.
        (0..4).for_each(|_| row.comma());
        row.end();
        let mut receivers = Receivers::nobody();
        for seat in [sides.issuer, sides.earner, sides.venue] {
            receivers.add(seat, 0);
        }
        if receivers.len == 0 {
            receivers.add(self.desk.roster.hub, 0);
        }
        for &(seat, _) in receivers.list() {
            if let Some(section) = self.exceptions.get_mut(seat.index()) {
                section.push_numbered(self.row.as_bytes());
            }
        }
    }
}

/// The resolved parties; for a record that could not be resolved, those that it names itself.
#[inline]
pub(crate) fn sides(decision: &Decision, roster: &Roster) -> Sides {
    Sides {
        issuer: roster.seat(decision.issuer).or(|| roster.seat(decision.record.issuer)),
        earner: roster.seat(decision.earner).or(|| roster.seat(decision.record.operator)),
        venue: roster.seat(decision.venue),
    }
}

/// The header row of `exceptions.csv`.
pub(crate) const EXCEPTIONS_HEADER: &str = "line,record_id,source_ref,kind,terminal_id,event_time,amount_minor,outcome,reason,reason_name,age_days,held_until,\
     other_record_id,other_day,other_line,evidence\n";

const fn named(resolved: Symbol, stated: Symbol) -> Symbol {
    if resolved.is_none() { stated } else { resolved }
}

fn kind(row: &mut Row, kinds: &[Cell], kind: RecordKind) {
    if let Some(cell) = kinds.get(usize::from(kind.code()) - 1) {
        row.cell(cell);
    }
}

/// As [`domain::RecordId::write`] prints it; the usual shape without formatting machinery.
fn record_id(row: &mut Row, names: &mut Cells<'_>, symbols: &SymbolTable, record: &Record) {
    if record.id_kind == IdKind::Sequence && names.write_plain(record.terminal, row) {
        row.raw(b".");
        row.digits(u64::from(record.epoch));
        row.raw(b".");
        row.unsigned(record.sequence);
        return;
    }
    row.text(record.id().text(&symbols.text(record.terminal)).as_bytes());
}
