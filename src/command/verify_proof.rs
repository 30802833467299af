//! `verify-proof`: whether seals, proofs and published files lead up to the clearing house's signature and do not speak
//! against each other. It needs no ledger.

use crate::cli::{Shown, VerifyProofArgs};
use crate::failure::Failure;
use crate::output;
use serde_json::json;
use settlement::{Copies, PublicKey};

/// # Errors
/// When something does not hold, or cannot be read.
pub fn run(args: &VerifyProofArgs, shown: Shown) -> Result<u8, Failure> {
    let key = PublicKey::of_text(&args.key).ok_or_else(|| {
        Failure::refused("the public key cannot be one").hint("64 hexadecimal digits for Ed25519, 130 that begin with 04 for SM2, in lower case")
    })?;
    let mut copies = Copies::new(key);
    let (mut held, mut wrong) = (0u64, Vec::new());
    for path in &args.files {
        let mut one = |place: String, result: Result<(), String>| match result {
            Ok(()) => held += 1,
            Err(why) => wrong.push(format!("{place}: {why}")),
        };
        if path.is_dir() {
            one(path.display().to_string(), copies.folder(path).map_err(|error| error.to_string()));
            continue;
        }
        match std::fs::read(path) {
            Err(error) => one(path.display().to_string(), Err(error.to_string())),
            Ok(bytes) => {
                for (number, line) in (1..).zip(bytes.strip_suffix(b"\n").unwrap_or(&bytes).split(|&byte| byte == b'\n')) {
                    one(format!("{}:{number}", path.display()), copies.add(line).map_err(|error| error.to_string()));
                }
            }
        }
    }
    wrong.extend(copies.apart().iter().map(|days| format!("day {days} of the log: nothing shows that it goes on from the days before")));
    if !wrong.is_empty() {
        let all = held + wrong.len() as u64;
        return Err(Failure::refused(format!("{} of {all} do not hold", wrong.len()))
            .listing(wrong)
            .hint("seals come before what they are for; a gap between days is closed by `tapclear prove --from … --to …`; compare the key"));
    }
    let days: Vec<_> = copies.seals().values().map(|seal| json!({ "party": seal.party, "day": seal.checkpoint.day, "days": seal.checkpoint.days })).collect();
    if shown.json {
        output::json(&json!({ "holds": true, "count": held, "seals": days }))?;
    } else {
        output::line(&format!("{}: {held}", shown.lang.pick("all of it holds", "全部成立")))?;
    }
    Ok(0)
}
