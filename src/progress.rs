//! Progress: bars on a terminal, plain lines in a log, silence with `--json`'s reader in mind. Always on stderr.

use crate::words::{Lang, count};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::IsTerminal;
use std::path::Path;
use std::time::Instant;

pub struct Progress {
    bar: Option<ProgressBar>,
    lang: Lang,
    started: Instant,
}

impl Progress {
    #[must_use]
    pub fn new(lang: Lang) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(8));
            let style = ProgressStyle::with_template("{spinner} {msg}  {human_pos}  {per_sec}").unwrap_or_else(|_| ProgressStyle::default_spinner());
            bar.set_style(style);
            bar
        });
        Self { bar, lang, started: Instant::now() }
    }

    /// Says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { bar: Some(ProgressBar::hidden()), lang: Lang::default(), started: Instant::now() }
    }

    /// A new file is being taken in.
    pub fn file(&self, path: &Path, bytes: u64) {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = format!("{} {name} ({} MiB)", self.lang.pick("taking in", "接收"), count(bytes >> 20));
        self.say(&text);
    }

    /// A step of the work has begun.
    pub fn step(&self, en: &str, zh: &str) {
        self.say(self.lang.pick(en, zh));
    }

    pub fn records(&self, records: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(records);
        }
    }

    /// Clears the bar.
    pub fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    /// Something to know about what was just done.
    pub fn note(&self, text: &str) {
        let note = format!("{}: {text}", self.lang.pick("note", "注意"));
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{note}")),
            None => eprintln!("{note}"),
        }
    }

    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.set_message(text.to_owned()),
            None => eprintln!("{:>8.3} s  {text}", self.started.elapsed().as_secs_f64()),
        }
    }
}
