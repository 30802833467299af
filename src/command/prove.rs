//! `prove`: that lines are in a party's sealed day, or that the log of one day goes on from that of an earlier one. It needs
//! what is published and sealed, nothing else: a party can prove its own lines.

use crate::cli::ProveArgs;
use crate::failure::Failure;
use crate::output;
use domain::Day;
use settlement::{PartySeal, Prover};

/// # Errors
/// When a day is not sealed, has no such line, or its files are not those that were sealed.
pub fn run(args: &ProveArgs) -> Result<u8, Failure> {
    match (&args.day, &args.party, &args.from, &args.to) {
        (Some(day), Some(party), ..) => lines(args, &day.to_string(), party),
        (_, _, Some(from), Some(to)) => growth(args, *from, *to),
        _ => Err(Failure::refused("there is nothing to prove").hint("give --day, --party and a line's number, or --from and --to")),
    }
}

fn lines(args: &ProveArgs, day: &str, party: &str) -> Result<u8, Failure> {
    let refused = || Failure::refused(format!("no line of {} can be proved", args.file)).hint("seal the day first; lines count from 1 per file");
    let path = settlement::seal_path(&args.out, day, party);
    let bytes = std::fs::read(&path).map_err(|error| refused().listing([format!("{}: {error}", path.display())]))?;
    let seal: PartySeal = PartySeal::of_json(&bytes).map_err(|error| refused().because(&error))?;
    let folder = args.out.join(day).join(party);
    let mut prover = Prover::new(&folder, &seal, Some(&path)).map_err(|error| refused().because(&error))?;
    for number in args.lines.iter().flat_map(|range| range.first..=range.last) {
        let proof = prover.prove(&args.file, number).map_err(|error| refused().because(&error))?;
        output::json(&proof)?;
    }
    Ok(0)
}

fn growth(args: &ProveArgs, from: Day, to: Day) -> Result<u8, Failure> {
    let proof = settlement::prove_growth(&args.out, from, to).map_err(|error| {
        Failure::refused(format!("it cannot be proved that {to} goes on from {from}"))
            .because(&error)
            .hint("both days are sealed, and --from is the earlier one")
    })?;
    output::json(&proof).map(|()| 0)
}
