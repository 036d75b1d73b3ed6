//! Tells how the drill goes: a bar on a terminal, plain lines in a log. Decides nothing.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Tells how the drill goes.
pub(crate) struct Teller {
    bar: Option<ProgressBar>,
}

impl Teller {
    pub(crate) fn new() -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{prefix:.bold} {bar:40.yellow/dim} {msg}");
            let bar = ProgressBar::new(100);
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar
        });
        Self { bar }
    }

    /// A line that stays.
    #[expect(clippy::print_stderr, reason = "this is the drill's display")]
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }

    /// A line with the scenario's time before it.
    pub(crate) fn at(&self, zone: &TimeZone, at: Timestamp, line: &str) {
        let time = at
            .to_zoned_datetime(zone.clone())
            .strftime("%-I:%M:%S %p")
            .to_string();
        self.say(&format!("  {time:>11}  {line}"));
    }

    /// How far a part is; nothing in a log.
    pub(crate) fn progress(&self, part: &str, done: u64, all: u64, words: &str) {
        if let Some(bar) = &self.bar {
            bar.set_prefix(part.to_owned());
            bar.set_length(all.max(1));
            bar.set_position(done);
            bar.set_message(words.to_owned());
        }
    }

    /// Takes the bar away.
    pub(crate) fn done(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
