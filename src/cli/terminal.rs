//! What the terminal can do, and the progress that is shown on it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

use anstream::{AutoStream, ColorChoice};
use tlswhy::Progress;
use tlswhy::report::{Times, Timestamp, Zone};

use super::args::{Clock, Color};

/// Columns of a line where there is no terminal to ask.
const WIDTH: usize = 110;
/// How often progress is written.
const PROGRESS_EVERY: Duration = Duration::from_millis(200);

/// Whether to colour standard output: as asked, or where it is a terminal that can and `NO_COLOR` is not set.
pub(crate) fn color(asked: Color) -> bool {
    match asked {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => AutoStream::choice(&io::stdout()) != ColorChoice::Never,
    }
}

/// Columns of a line on standard output.
pub(crate) fn width() -> usize {
    // Very long lines are hard to read, however wide the window is.
    terminal_size::terminal_size().map_or(WIDTH, |(columns, _)| usize::from(columns.0).clamp(60, 140))
}

/// Whether standard output is a terminal that does not show UTF-8.
pub(crate) fn ascii_only() -> bool {
    if cfg!(windows) || !io::stdout().is_terminal() {
        return false;
    }
    // The first of these that is set decides (POSIX, "Environment Variables").
    let set = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .filter_map(std::env::var_os)
        .find(|value| !value.is_empty());
    let locale = set
        .map(|value| value.to_string_lossy().to_ascii_lowercase())
        .unwrap_or_default();
    !(locale.contains("utf-8") || locale.contains("utf8"))
}

/// How times are shown. The zone is that of this machine.
pub(crate) fn times(clock: Clock) -> Times {
    match clock {
        Clock::Utc => Times::Utc,
        Clock::Relative => Times::Relative,
        Clock::Local => {
            let zone = jiff::tz::TimeZone::system();
            Times::Zone(Zone::new(move |moment: Timestamp| {
                jiff::Timestamp::from_nanosecond(i128::from(moment.nanos()))
                    .map_or(0, |at| zone.to_offset(at).seconds())
            }))
        }
    }
}

/// Shows how far the reading has come, on one line of standard error that overwrites itself.
pub(crate) fn progress() -> impl FnMut(&Progress) + Send + 'static {
    let mut last: Option<Instant> = None;
    move |progress| {
        if last.is_some_and(|last| last.elapsed() < PROGRESS_EVERY) {
            return;
        }
        last = Some(Instant::now());
        let name: String = progress.capture.chars().filter(|c| !c.is_control()).collect();
        let skip = name.chars().count().saturating_sub(40);
        let name: String = name.chars().skip(skip).collect();
        let text = format!(
            "{:.1} MB, {} packets  {name}",
            progress.bytes as f64 / 1e6,
            progress.packets
        );
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(io::stderr(), "\r{text}\u{1b}[K");
    }
}

/// Takes the line of progress away.
pub(crate) fn clear_progress() {
    let _ = write!(io::stderr(), "\r\u{1b}[K");
}

/// Whether progress can be shown.
pub(crate) fn shows_progress() -> bool {
    io::stderr().is_terminal()
}
