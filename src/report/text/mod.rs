//! The report for people: what was read, then each cause with the server it concerns, its proof, and what to do.
//!
//! Connections with the same cause at the same server under the same name are one group, told by its clearest connection. A group keeps that
//! connection's index, not the connection: it is rendered again when its turn comes, so the report's size does not show in memory.
//!
//! Whatever a capture holds may stand in a text, so every text passes `printable` before it reaches a terminal.

mod entry;
mod group;
mod header;
mod inventory;
mod paper;

use std::io::{self, Write};

use super::{Filter, Report, Times};
use group::{Groups, Kind};
use paper::{Ink, Paper};

pub use inventory::write_inventory;
pub(crate) use paper::{count, printable};

/// How the text report is laid out.
#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns that a line may take.
    pub width: usize,
    /// Whether to colour it with ANSI sequences.
    pub color: bool,
    /// Whether to keep to ASCII.
    pub ascii: bool,
    /// How moments are shown.
    pub times: Times,
    /// How many groups are shown; 0 shows them all.
    pub limit: usize,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            width: 110,
            color: false,
            ascii: false,
            times: Times::Utc,
            limit: 20,
        }
    }
}

/// Writes the report for people, with the connections that `filter` lets through.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, filter: &Filter, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let groups = Groups::of(report, filter);
    let mut paper = Paper::new(layout, out);
    header::write(report, &groups, &mut paper)?;
    let limit = if layout.limit == 0 { usize::MAX } else { layout.limit };
    let (told, sound): (Vec<_>, Vec<_>) = groups.sorted.iter().partition(|group| group.kind() != Kind::Sound);
    for group in told.iter().take(limit) {
        paper.blank()?;
        entry::write(report, group, &mut paper)?;
    }
    if !sound.is_empty() {
        paper.blank()?;
    }
    for group in sound.iter().take(limit) {
        entry::sound(group, &mut paper)?;
    }
    let left: Vec<_> = told.iter().skip(limit).chain(sound.iter().skip(limit)).collect();
    if !left.is_empty() {
        let connections = left.iter().map(|group| group.connections).sum();
        paper.blank()?;
        paper.paragraph(
            0,
            &format!(
                "{} with {} not shown: --limit 0 shows them all.",
                count(left.len() as u64, "more group"),
                count(connections, "connection")
            ),
        )?;
    }
    if groups.sorted.is_empty() && groups.not_attempted.is_empty() && !filter.is_open() {
        paper.blank()?;
        paper.block(0, "", Ink::Plain, "Nothing matches the filters.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
