//! The command line as typed. What it means is each command's business.

mod prices;

pub use prices::{CardArgs, ExplainArgs, TariffAction, TariffArgs, TryArgs, WhatIfArgs};

use crate::words::Lang;
use clap::{Args, Parser, Subcommand};
use domain::Day;
use std::path::PathBuf;

/// Clears a one-card programme: terminal records in, a double-entry ledger and settlement files out.
#[derive(Debug, Parser)]
#[command(name = "tapclear", version, about, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub shown: Shown,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Args)]
pub struct Shown {
    /// Print one JSON object on stdout
    #[arg(long, global = true)]
    pub json: bool,
    /// The language of words (data stay as they are)
    #[arg(long, global = true, value_enum, default_value = "en")]
    pub lang: Lang,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Take in files, close the day and publish its settlement files
    Clear(ClearArgs),
    /// The same on a generated day of the bundled scheme, in a fresh folder
    Demo(DemoArgs),
    /// Make a realistic day of records from a seed, with faults
    Generate(GenerateArgs),
    /// Take in files of terminal records
    Ingest(IngestArgs),
    /// Decide and post the open day
    Close(CloseArgs),
    /// Publish the settlement files of a closed day
    Settle(SettleArgs),
    /// Decide on a held record, or supply the end of a journey
    Resolve(ResolveArgs),
    /// Take back a wrongly ingested file; of a closed day, the differences are settled in the open one
    Withdraw(WithdrawArgs),
    /// Compare the ledger with what its journal says, by a second path
    Verify(VerifyArgs),
    /// Make a ledger and all settlement files anew from a journal alone
    Rebuild(RebuildArgs),
    /// Commit to a settled day's files: a signed tree over all lines
    Seal(SettleArgs),
    /// Prove that lines are in a sealed day, or that one day goes on from another
    Prove(ProveArgs),
    /// Check seals, proofs and published files against each other and the house's key
    VerifyProof(VerifyProofArgs),
    /// Write down where the journal ends, to be kept elsewhere
    Checkpoint(CheckpointArgs),
    /// Move journal days that are older than the scheme keeps into a verified archive
    Archive(ArchiveArgs),
    /// Destroy the key of a card's number: nobody can read it again, and the ledger's money stays
    Forget(ForgetArgs),
    /// Copy the ledger, also while it is written to; only what is new, read back and checked
    Backup(BackupArgs),
    /// Make a ledger from a backup
    Restore(RestoreArgs),
    /// Look at the journal, the trial balance or held records
    Inspect(InspectArgs),
    /// Days, files and what is complete
    Status(StatusArgs),
    /// Show why lines of published files say what they say, down to the source files' rows
    Explain(ExplainArgs),
    /// Show what a card may still use, and its last rides
    Card(CardArgs),
    /// Replay cleared days under another tariff, without touching the ledger
    WhatIf(WhatIfArgs),
    /// Work on a scheme
    Scheme(SchemeArgs),
    /// Work on a tariff
    Tariff(TariffArgs),
}

#[derive(Clone, Debug, Args)]
pub struct LedgerArg {
    /// The ledger's folder
    #[arg(long, value_name = "DIR")]
    pub ledger: PathBuf,
    /// Refuse a ledger that does not go on from this checkpoint (or published `anchor.json`)
    #[arg(long, value_name = "FILE")]
    pub checkpoint: Option<PathBuf>,
}

#[derive(Clone, Debug, Args)]
pub struct SchemeArg {
    /// The scheme's folder
    #[arg(long, value_name = "DIR")]
    pub scheme: PathBuf,
    /// Go on under a scheme that has changed since the day was opened
    #[arg(long)]
    pub adopt_scheme: bool,
}

#[derive(Clone, Copy, Debug, Default, Args)]
pub struct WorkersArg {
    /// Threads that work (as many as processors unless given)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: Option<u16>,
}

impl WorkersArg {
    #[must_use]
    pub fn count(self) -> usize {
        self.workers.map_or_else(|| std::thread::available_parallelism().map_or(1, usize::from), usize::from)
    }
}

/// A reason that the journal keeps: some words.
fn reason(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() { Err("say why in some words: the journal keeps them") } else { Ok(text.to_owned()) }
}

#[derive(Debug, Args)]
pub struct ClearArgs {
    #[command(flatten)]
    pub scheme: SchemeArg,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Where the day's folder is published
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The clearing day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Day,
    /// The import mapping (tapclear's own columns unless given)
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    #[command(flatten)]
    pub workers: WorkersArg,
    /// Files of terminal records
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct DemoArgs {
    /// The bundled scheme's folder
    #[arg(long, value_name = "DIR", default_value = "replay-data/sichuan")]
    pub scheme: PathBuf,
    /// A folder that does not exist yet (`demo`, or `demo-2`… unless given)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// How many records to make
    #[arg(long, value_name = "N", default_value_t = 60_000)]
    pub records: u32,
    #[arg(long, value_name = "N", default_value_t = 20_260_302)]
    pub seed: u64,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
pub struct IngestArgs {
    #[command(flatten)]
    pub scheme: SchemeArg,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The clearing day: opens the first one, must be the open one afterwards
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<Day>,
    #[arg(long, value_name = "FILE")]
    pub map: Option<PathBuf>,
    /// Append a line for every durable group and every booked file
    #[arg(long, value_name = "FILE")]
    pub acks: Option<PathBuf>,
    #[command(flatten)]
    pub workers: WorkersArg,
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CloseArgs {
    #[command(flatten)]
    pub scheme: SchemeArg,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Must be the open day; may open the first one. Needed where the day has taken in nothing
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<Day>,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
pub struct SettleArgs {
    #[command(flatten)]
    pub scheme: SchemeArg,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Where days are published, and their seals beside them
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Day,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("decision").required(true).args(["release", "reject", "tap_off"]))]
pub struct ResolveArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The record's id, as files print it; `ID@VERSION` where several versions are held (see `inspect --held`)
    #[arg(value_name = "RECORD")]
    pub record: String,
    /// Clear the held record, at its event time
    #[arg(long)]
    pub release: bool,
    /// Reject the held record
    #[arg(long)]
    pub reject: bool,
    /// Where the rider of this tap-on got out: a location, `kind:code`
    #[arg(long, value_name = "LOCATION", requires_all = ["at", "scheme"])]
    pub tap_off: Option<String>,
    /// When the rider got out, in local time
    #[arg(long, value_name = "YYYY-MM-DDTHH:MM:SS", requires = "tap_off")]
    pub at: Option<String>,
    /// The scheme's folder, for a tap-off
    #[arg(long, value_name = "DIR")]
    pub scheme: Option<PathBuf>,
    /// Why it is decided so; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub why: String,
}

#[derive(Debug, Args)]
pub struct WithdrawArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The file's name, its number, or the first digits of its digest (see `status`)
    #[arg(value_name = "FILE")]
    pub file: String,
    /// Why it is taken back; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub why: String,
}

#[derive(Debug, Args)]
pub struct VerifyArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// Hold every settled day that is published here against the ledger too, file by file
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct RebuildArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The folder of the new ledger; it must not exist
    #[arg(long, value_name = "DIR")]
    pub into: PathBuf,
    /// Where the settlement files of all settled days are written anew
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// The scheme of every closed day; given more than once where it changed between days
    #[arg(long, value_name = "DIR", required = true)]
    pub scheme: Vec<PathBuf>,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
pub struct ProveArgs {
    /// Where days are published and sealed
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Prove lines of this day
    #[arg(long, value_name = "YYYY-MM-DD", requires = "party", conflicts_with_all = ["from", "to"], required_unless_present = "from")]
    pub day: Option<Day>,
    #[arg(long, value_name = "PARTY", requires = "lines", conflicts_with_all = ["from", "to"])]
    pub party: Option<String>,
    /// Which of the party's files
    #[arg(long, value_name = "NAME", default_value = "detail.csv")]
    pub file: String,
    /// Prove that the log of a later day goes on from this day's
    #[arg(long, value_name = "YYYY-MM-DD", requires = "to")]
    pub from: Option<Day>,
    /// The later day
    #[arg(long, value_name = "YYYY-MM-DD", requires = "from")]
    pub to: Option<Day>,
    /// Lines by number, from 1 behind the header row: `17`, or `17-40`; a proof each, one per line of output
    #[arg(value_name = "LINE", conflicts_with_all = ["from", "to"])]
    pub lines: Vec<LineRange>,
}

/// Lines of a file next to each other.
#[derive(Clone, Copy, Debug)]
pub struct LineRange {
    pub first: u64,
    pub last: u64,
}

impl std::str::FromStr for LineRange {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (first.parse(), last.parse()) {
            (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(Self { first, last }),
            _ => Err("a line's number from 1, or two with a hyphen between them"),
        }
    }
}

#[derive(Debug, Args)]
pub struct VerifyProofArgs {
    /// The clearing house's public key in hexadecimal digits, from a source that you trust
    #[arg(long, value_name = "HEX")]
    pub key: String,
    /// Seals, proofs (a JSON object per line) and folders of a party's published files; seals before what they are for
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub struct CheckpointArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// A file to write it to, besides showing it
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct ArchiveArgs {
    /// The scheme's folder: its retention says which days
    #[arg(long, value_name = "DIR")]
    pub scheme: PathBuf,
    #[command(flatten)]
    pub ledger: LedgerArg,
}

#[derive(Debug, Args)]
pub struct ForgetArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The card's token; `-` reads its number from standard input (with --scheme), so that it stands in no list of processes
    #[arg(value_name = "TOKEN")]
    pub token: String,
    /// The scheme's folder: its token key makes a token of a number
    #[arg(long, value_name = "DIR")]
    pub scheme: Option<PathBuf>,
    /// Why; kept in the journal
    #[arg(long, value_name = "TEXT", value_parser = reason)]
    pub why: String,
}

#[derive(Debug, Args)]
pub struct BackupArgs {
    /// The ledger's folder
    #[arg(long, value_name = "DIR")]
    pub ledger: PathBuf,
    /// The folder of its backups, best on another disk
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Then remove all but the newest N
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub keep: Option<u16>,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
pub struct RestoreArgs {
    /// The folder of backups
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// Which one (the newest unless given)
    #[arg(long, value_name = "N")]
    pub backup: Option<u64>,
    /// The folder of the ledger that is made; it must not exist
    #[command(flatten)]
    pub ledger: LedgerArg,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
pub struct InspectArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The scheme's folder: amounts are shown in its currency, and in minor units where it is not given
    #[arg(long, value_name = "DIR")]
    pub scheme: Option<PathBuf>,
    /// A journal block by its height
    #[arg(long, value_name = "HEIGHT", group = "what")]
    pub block: Option<u64>,
    /// Only this day's movements in the trial balance
    #[arg(long, value_name = "YYYY-MM-DD", group = "what")]
    pub day: Option<Day>,
    /// The records that the last close held
    #[arg(long, group = "what")]
    pub held: bool,
    /// Sequences that are missing between the first and the last record of each terminal
    #[arg(long, group = "what")]
    pub gaps: bool,
}

#[derive(Debug, Args)]
pub struct StatusArgs {
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The scheme's folder: amounts are shown in its currency, and in minor units where it is not given
    #[arg(long, value_name = "DIR")]
    pub scheme: Option<PathBuf>,
    /// Show only this day
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<Day>,
    /// With the folder of published files: which parties have theirs (of one --day)
    #[arg(long, value_name = "DIR", requires = "day")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct GenerateArgs {
    #[arg(long, value_name = "DIR", default_value = "replay-data/sichuan")]
    pub scheme: PathBuf,
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Day,
    #[arg(long, value_name = "N")]
    pub records: u32,
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// The usual rates of faults times so many hundredths; 0 for none
    #[arg(long, value_name = "PERCENT", default_value_t = 100)]
    pub faults_percent: u32,
    /// A .csv or .tap file
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, Args)]
pub struct SchemeArgs {
    #[command(subcommand)]
    pub action: SchemeAction,
}

#[derive(Debug, Subcommand)]
pub enum SchemeAction {
    /// Report all mistakes of a scheme at once
    Check {
        #[arg(value_name = "DIR")]
        scheme: PathBuf,
        /// Check an import mapping too
        #[arg(long, value_name = "FILE")]
        map: Option<PathBuf>,
    },
    /// Make a scheme of a GTFS feed's fares, and say what could not be carried over
    ImportGtfs {
        /// A feed: a folder of .txt files, or a .zip of them
        #[arg(value_name = "FEED")]
        feed: PathBuf,
        /// The new scheme's folder
        #[arg(long, value_name = "DIR")]
        out: PathBuf,
    },
}
