//! `forget`: destroy the key of a card's number. The number cannot be read again, by nobody; the card's token, its records and
//! its money stay.

use crate::cli::{ForgetArgs, Shown};
use crate::failure::Failure;
use crate::{opening, output};
use domain::{CardToken, SymbolTable};
use engine::ingest::{DoorKeys, card_token};
use ledger::LedgerError;
use serde_json::json;

/// Where the number comes from standard input.
const STDIN: &str = "-";

/// # Errors
/// When no number of the card is in the vault, or the ledger cannot be written. What was typed is not said again: it may be a
/// card number.
pub fn run(args: &ForgetArgs, shown: Shown) -> Result<u8, Failure> {
    let token = token(args)?;
    let mut ledger = opening::ledger(&args.ledger, false)?;
    let forgotten = ledger.forget(&token, &args.why).map_err(|error| match error {
        LedgerError::NoCard => Failure::refused("the vault holds no number of this card")
            .hint("a token is as files show it to the card's issuer; with `-` and --scheme, the number itself is read from standard input"),
        error => Failure::refused("whether the card was forgotten is unknown").because(&error).hint("run the same command again"),
    })?;
    if shown.json {
        output::json(&json!({ "forgotten": true, "repeated": !forgotten }))?;
    } else {
        output::line(shown.lang.pick("forgotten: the number cannot be read again", "已遗忘：该卡号再也无法读出"))?;
        output::line(shown.lang.pick("backups made before still hold its key: see docs/backups.md", "此前的备份仍含其密钥：见 docs/backups.md"))?;
    }
    Ok(0)
}

fn token(args: &ForgetArgs) -> Result<CardToken, Failure> {
    let no_token = || Failure::refused("this is no card token").hint("a token has at most 24 bytes; `-` and --scheme read a number from standard input");
    if args.token != STDIN {
        return CardToken::new(args.token.as_bytes()).ok_or_else(no_token);
    }
    let scheme = args.scheme.as_deref().ok_or_else(|| Failure::refused("a number needs the scheme's token key").hint("name the scheme with --scheme"))?;
    let scheme = opening::scheme(scheme, &SymbolTable::new())?;
    let number = std::io::read_to_string(std::io::stdin()).map_err(|error| Failure::refused("standard input cannot be read").because(&error))?;
    Ok(card_token(&DoorKeys { token_key: scheme.keys.token }, number.trim().as_bytes()))
}
