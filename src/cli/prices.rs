//! Arguments of the commands that are asked about prices.

use super::{LedgerArg, WorkersArg};
use clap::{Args, Subcommand};
use domain::Day;
use std::path::PathBuf;

#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The scheme of the day; given more than once where it changed between days
    #[arg(long, value_name = "DIR", required = true)]
    pub scheme: Vec<PathBuf>,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The clearing day of lines that are given as numbers
    #[arg(long, value_name = "YYYY-MM-DD", requires = "party")]
    pub day: Option<Day>,
    /// Whose file they stand in
    #[arg(long, value_name = "PARTY", requires = "day")]
    pub party: Option<String>,
    /// Which file
    #[arg(long, value_name = "NAME", default_value = "detail.csv")]
    pub file: String,
    #[command(flatten)]
    pub workers: WorkersArg,
    /// DAY/PARTY/FILE.csv:LINE (a path may stand in front, and a range for the line), a record id, or with --party a line
    #[arg(required = true, value_name = "WHAT")]
    pub what: Vec<String>,
}

#[derive(Debug, Args)]
pub struct CardArgs {
    /// The scheme's folder
    #[arg(long, value_name = "DIR")]
    pub scheme: PathBuf,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The service day that is looked at (the open clearing day unless given)
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub day: Option<Day>,
    /// How many of its last settled rides are shown
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub rides: usize,
    #[command(flatten)]
    pub workers: WorkersArg,
    /// The card's token
    #[arg(value_name = "TOKEN")]
    pub token: String,
}

#[derive(Debug, Args)]
pub struct WhatIfArgs {
    /// The scheme's folder
    #[arg(long, value_name = "DIR")]
    pub scheme: PathBuf,
    #[command(flatten)]
    pub ledger: LedgerArg,
    /// The other tariff: a folder of tariff files, or a scheme's folder
    #[arg(long, value_name = "DIR")]
    pub tariff: PathBuf,
    /// The first service day that is compared
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<Day>,
    /// The last one
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<Day>,
    /// Write all tables to a CSV file
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Plot what operators earn as an SVG file
    #[arg(long, value_name = "FILE")]
    pub svg: Option<PathBuf>,
    /// How many riders are shown who would gain or lose most
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub riders: usize,
    #[command(flatten)]
    pub workers: WorkersArg,
}

#[derive(Debug, Args)]
pub struct TariffArgs {
    #[command(subcommand)]
    pub action: TariffAction,
}

#[derive(Debug, Subcommand)]
pub enum TariffAction {
    /// Price a few taps and show every step; needs no ledger
    Try(TryArgs),
}

#[derive(Debug, Args)]
pub struct TryArgs {
    /// The scheme's folder
    #[arg(long, value_name = "DIR")]
    pub scheme: PathBuf,
    /// Another tariff for it: a folder of tariff files, or another scheme's folder
    #[arg(long, value_name = "DIR")]
    pub tariff: Option<PathBuf>,
    /// Taps as a CSV file: columns named as the keys of typed taps
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// A card of the registry, or any short name for a rider
    #[arg(long, value_name = "TOKEN")]
    pub card: Option<String>,
    /// The rider's class
    #[arg(long, value_name = "WORD")]
    pub class: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub medium: Option<String>,
    /// The rider's date of birth
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub birth: Option<String>,
    /// The card's bank
    #[arg(long, value_name = "PARTY")]
    pub issuer: Option<String>,
    #[arg(long, value_name = "WORD")]
    pub mode: Option<String>,
    #[arg(long, value_name = "PARTY")]
    pub operator: Option<String>,
    /// Taps, such as "2026-03-02 08:20 on 1" "08:55 off 2" "09:10 bus route=5"
    #[arg(value_name = "TAP")]
    pub taps: Vec<String>,
}
