//! `prove`: that a line is in a party's sealed day. It needs the published files and the party's seal, nothing else: a party
//! can prove its own lines.

use crate::cli::ProveArgs;
use crate::failure::Failure;
use crate::output;
use settlement::PartySeal;

/// # Errors
/// When the day is not sealed, has no such line, or its files are not those that were sealed.
pub fn run(args: &ProveArgs) -> Result<u8, Failure> {
    let refused =
        || Failure::refused(format!("line {} of {} cannot be proved", args.line, args.file)).hint("seal the day first; `line` counts from 1 per file");
    let day = args.day.to_string();
    let path = settlement::seal_path(&args.out, &day, &args.party);
    let bytes = std::fs::read(&path).map_err(|error| refused().listing([format!("{}: {error}", path.display())]))?;
    let seal = PartySeal::of_json(&bytes).map_err(|error| refused().because(&error))?;
    let folder = args.out.join(&day).join(&args.party);
    let proof = settlement::prove(&folder, &seal, &args.file, args.line).map_err(|error| refused().because(&error))?;
    output::json(&proof).map(|()| 0)
}
