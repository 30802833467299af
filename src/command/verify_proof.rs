//! `verify-proof`: whether a seal, and a proof of a line, lead up to the clearing house's signature. It needs no ledger.

use crate::cli::{Shown, VerifyProofArgs};
use crate::failure::Failure;
use crate::output;
use serde_json::json;
use settlement::{LineProof, PartySeal, ProofError};
use std::path::Path;

/// # Errors
/// When something does not hold, or cannot be read.
pub fn run(args: &VerifyProofArgs, shown: Shown) -> Result<u8, Failure> {
    let refused = |path: &Path, error: ProofError| {
        Failure::refused(format!("{} does not hold", path.display())).because(&error).hint("compare the key with the one that the clearing house published")
    };
    let seal = PartySeal::of_json(&read(&args.seal)?).map_err(|error| refused(&args.seal, error))?;
    seal.check(&args.key).map_err(|error| refused(&args.seal, error))?;
    if let Some(path) = &args.proof {
        let proof = LineProof::of_json(&read(path)?).map_err(|error| refused(path, error))?;
        proof.check(&seal).map_err(|error| refused(path, error))?;
    }
    if shown.json {
        output::json(&json!({ "holds": true, "party": seal.party, "day": seal.day, "lines": seal.lines, "days": seal.days, "log_root": seal.log_root }))?;
    } else {
        output::line(&format!("{}: {} {}", shown.lang.pick("it holds", "成立"), seal.party, seal.day))?;
    }
    Ok(0)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|error| Failure::refused(format!("{} cannot be read", path.display())).because(&error).hint("check the path"))
}
