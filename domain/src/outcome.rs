//! Outcomes: every record ends in exactly one of four, and a reason with a fixed number says why.
//!
//! A number is never reused and never changes its meaning: it stands in files that other houses keep.

/// How a record ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Taken into the day: priced, counted, settled.
    Cleared,
    /// Seen before with the same content: answered like the original, whatever became of that.
    Duplicate,
    /// Out of the net until released, rejected by decision or by its time limit.
    Held,
    /// Final; goes back to the sender.
    Rejected,
}

impl Outcome {
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cleared => "cleared",
            Self::Duplicate => "duplicate",
            Self::Held => "held",
            Self::Rejected => "rejected",
        }
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $number:literal, $outcome:ident, $name:literal, $zh:literal;)+) => {
        /// Why a record ended as it did.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u16)]
        pub enum Reason {
            $($(#[$doc])* $variant = $number,)+
        }

        impl Reason {
            pub const ALL: &[Self] = &[$(Self::$variant),+];

            #[must_use]
            pub const fn outcome(self) -> Outcome {
                match self { $(Self::$variant => Outcome::$outcome,)+ }
            }

            /// The name used in files and JSON.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            #[must_use]
            pub const fn name_zh(self) -> &'static str {
                match self { $(Self::$variant => $zh,)+ }
            }

            #[must_use]
            pub const fn from_number(number: u16) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

reasons! {
    /// Nothing against it.
    Cleared = 0, Cleared, "cleared", "已清分";
    /// Same id, same fields as one taken in before.
    Duplicate = 100, Duplicate, "duplicate", "重复";

    /// Terminal or record MAC (TAC) wrong.
    MacWrong = 200, Held, "mac-wrong", "验证码错误";
    /// Same id, other fields, both authentic; policy `hold-all`.
    Conflict = 201, Held, "conflict", "同号异文";
    UnknownTerminal = 202, Held, "unknown-terminal", "未知终端";
    /// The terminal was not in service at the event's time.
    TerminalNotInService = 203, Held, "terminal-not-in-service", "终端未启用";
    /// The terminal is registered for another operator.
    WrongParty = 204, Held, "wrong-party", "机构不符";
    /// The terminal is registered for another mode.
    WrongMode = 205, Held, "wrong-mode", "方式不符";
    /// Same card and card counter from another terminal.
    CloneEvidence = 206, Held, "clone-evidence", "疑似复制卡";
    UnknownIssuer = 207, Held, "unknown-issuer", "未知发卡机构";
    UnknownCard = 208, Held, "unknown-card", "未知卡";
    CardExpired = 209, Held, "card-expired", "卡已过期";
    /// The record's rider class is not the registered one.
    WrongClass = 210, Held, "wrong-class", "卡类型不符";
    /// Later than the clearing day's end by more than the scheme's skew.
    InTheFuture = 211, Held, "in-the-future", "时间超前";
    OverLimit = 212, Held, "over-limit", "金额超限";
    /// Balance before − amount ≠ balance after.
    BalanceMismatch = 213, Held, "balance-mismatch", "余额不符";
    /// Unfinished write on the card, until the card's next record proves it.
    Grey = 214, Held, "grey", "灰记录";
    /// The refund's original is not there yet.
    OriginalMissing = 215, Held, "original-missing", "原交易未到";
    UnknownOperator = 216, Held, "unknown-operator", "未知运营单位";
    UnknownLocation = 217, Held, "unknown-location", "未知地点";

    /// No base rule of the tariff covers the record.
    NoTariff = 218, Held, "no-tariff", "无票价规则";

    /// A row whose fields could not be read; it never became a record.
    Malformed = 300, Rejected, "malformed", "格式错误";
    /// Before the card scheme began, or no date at all.
    ImpossibleDate = 301, Rejected, "impossible-date", "日期无效";
    NegativeAmount = 302, Rejected, "negative-amount", "金额为负";
    /// Zero where the kind of record must have an amount.
    ZeroAmount = 303, Rejected, "zero-amount", "金额为零";
    /// Older than the acceptance window.
    TooOld = 304, Rejected, "too-old", "超过受理期";
    /// The card was on the hotlist that the terminal held.
    Hotlisted = 305, Rejected, "hotlisted", "黑名单卡";
    /// The refund is more than what is left of its original.
    RefundExceeds = 306, Rejected, "refund-exceeds", "退款超额";
    AlreadyReversed = 307, Rejected, "already-reversed", "已撤销";
    /// Held until its time limit ran out.
    HoldExpired = 308, Rejected, "hold-expired", "挂起超期";
    /// Same id, other fields; policy `first-wins`, and another version came first.
    ConflictLost = 309, Rejected, "conflict-lost", "同号异文落选";
    /// Rejected by a person's decision.
    Decided = 310, Rejected, "decided", "人工拒绝";
    /// The file that brought it was taken back after its day had closed, and no other file brought it.
    Withdrawn = 311, Rejected, "withdrawn", "已撤回";
}

impl Reason {
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// Same id with other fields: held or rejected, by the scheme's policy.
    #[must_use]
    pub const fn is_conflict(self) -> bool {
        matches!(self, Self::Conflict | Self::ConflictLost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_found_by_its_number_and_its_hundred_tells_the_outcome() {
        let mut names: Vec<_> = Reason::ALL.iter().map(|reason| reason.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Reason::ALL.len());
        for &reason in Reason::ALL {
            assert_eq!(Reason::from_number(reason.number()), Some(reason));
            let outcome = [Outcome::Cleared, Outcome::Duplicate, Outcome::Held, Outcome::Rejected][usize::from(reason.number() / 100)];
            assert_eq!(reason.outcome(), outcome);
            assert!(!reason.name_zh().is_empty());
            assert_eq!(reason.is_conflict(), reason.name().starts_with("conflict"));
        }
        assert_eq!(Reason::from_number(1), None);
        assert_eq!(Outcome::Held.name(), "held");
    }
}
