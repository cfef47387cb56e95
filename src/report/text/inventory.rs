//! The inventory for people: what ends first stands first, what nobody could see comes last.

use std::io::{self, Write};

use super::Layout;
use super::paper::{Ink, Paper, count};
use crate::report::inventory::{Expiring, Inventory, ServedChain};
use crate::report::{CertificateInfo, Report, Times, Timestamp};

/// Writes the inventory of certificates that a report holds. `expiring` chooses the rows, and says from when days are counted.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_inventory(report: &Report, expiring: &Expiring, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    let nothing = Inventory::default();
    let inventory = report.inventory().unwrap_or(&nothing);
    let mut paper = Paper::new(layout, out);
    let rows = inventory.chosen(expiring);
    let (clear, hidden): (Vec<_>, Vec<_>) = rows.into_iter().partition(|row| !row.chain.is_empty());
    paper.paragraph(0, &summary(inventory, expiring, clear.len()))?;
    for row in clear {
        paper.blank()?;
        entry(row, expiring.from, &mut paper)?;
    }
    if !hidden.is_empty() {
        paper.blank()?;
        paper.paragraph(0, "Not visible, since TLS 1.3 hides certificates:")?;
        for row in hidden {
            paper.block(2, &format!("{}  ", row.server), Ink::Plain, &asked_for(row))?;
        }
    }
    Ok(())
}

fn summary(inventory: &Inventory, expiring: &Expiring, shown: usize) -> String {
    let clear = inventory.servers.iter().filter(|row| !row.chain.is_empty()).count();
    let mut text = format!(
        "{} served by {}",
        count(clear as u64, "list") + " of certificates",
        count(inventory.addresses() as u64, "server")
    );
    if let Some(days) = expiring.within_days {
        text += &format!(
            "; {shown} with an end within {} of {}",
            count(days, "day"),
            date(expiring.from)
        );
    }
    if inventory.left_out > 0 {
        text += &format!(
            "; {} found no room in this inventory",
            count(inventory.left_out, "connection")
        );
    }
    text + "."
}

fn entry(row: &ServedChain, now: Timestamp, paper: &mut Paper<'_>) -> io::Result<()> {
    let (ink, left) = match row.days_left(now) {
        Some(days) if days < 0 => (Ink::Bad, format!("ended {} ago", count(days.unsigned_abs(), "day"))),
        Some(days) if days < 30 => (Ink::Doubt, format!("{} left", count(days.unsigned_abs(), "day"))),
        Some(days) => (Ink::Good, format!("{} left", count(days.unsigned_abs(), "day"))),
        None => (Ink::Bad, "cannot be read".to_owned()),
    };
    paper.heading(ink, &row.server.to_string(), &asked_for(row), &left)?;
    for certificate in &row.chain {
        paper.block(2, "- ", Ink::Plain, &one(certificate))?;
    }
    let verdict = match (row.trusted_by.as_slice(), row.defects.as_slice()) {
        ([], []) => "leads to no root that is known here".to_owned(),
        ([], defects) => defects.join("; "),
        (stores, []) => format!("leads to a root of {}", stores.join(", ")),
        (stores, defects) => format!("leads to a root of {}; {}", stores.join(", "), defects.join("; ")),
    };
    let ink = if row.trusted_by.is_empty() || !row.defects.is_empty() {
        Ink::Doubt
    } else {
        Ink::Good
    };
    paper.block(2, "chain  ", ink, &verdict)?;
    if !row.names_not_covered.is_empty() {
        let text = format!("it does not cover {}", row.names_not_covered.join(", "));
        paper.block(2, "names  ", Ink::Doubt, &text)?;
    }
    paper.block(2, "seen   ", Ink::Label, &seen(row))
}

fn asked_for(row: &ServedChain) -> String {
    if row.names.is_empty() {
        "(no name asked for)".to_owned()
    } else {
        row.names.join(", ")
    }
}

fn one(certificate: &CertificateInfo) -> String {
    let text = |value: &Option<String>| value.clone().unwrap_or_else(|| "?".to_owned());
    let day = |value: &Option<String>| {
        value
            .as_deref()
            .and_then(|time| time.get(..10))
            .unwrap_or("?")
            .to_owned()
    };
    let names = match certificate.dns_names.as_slice() {
        [] => String::new(),
        names if names.len() <= 4 => format!(", for {}", names.join(", ")),
        names => format!(
            ", for {} and {} more",
            names.iter().take(3).cloned().collect::<Vec<_>>().join(", "),
            names.len() - 3
        ),
    };
    format!(
        "{}{names}; issued by {}; {} – {}; {}, {}; SHA-256 {}…",
        text(&certificate.subject),
        text(&certificate.issuer),
        day(&certificate.not_before),
        day(&certificate.not_after),
        text(&certificate.key),
        text(&certificate.signature),
        // The JSON and the files' names have all of it.
        certificate.sha256.get(..16).unwrap_or_default()
    )
}

fn seen(row: &ServedChain) -> String {
    let when = match (row.first_seen, row.last_seen) {
        (Some(first), Some(last)) if first != last => {
            format!("{} to {}", Times::Utc.full(first, None), Times::Utc.full(last, None))
        }
        (Some(once), _) | (None, Some(once)) => Times::Utc.full(once, None),
        (None, None) => "without a time".to_owned(),
    };
    let left = row.days_left_when_seen.map_or_else(String::new, |days| match days {
        0.. => format!(", {} before its end", count(days.unsigned_abs(), "day")),
        _ => format!(", {} after its end", count(days.unsigned_abs(), "day")),
    });
    let places: Vec<String> = row
        .places
        .iter()
        .take(4)
        .map(|place| {
            let streams: Vec<String> = place.streams.iter().take(8).map(u64::to_string).collect();
            match streams.as_slice() {
                [] => format!("{}, frame {}", place.capture, place.frame),
                [one] => format!("{}, frame {}, stream {one}", place.capture, place.frame),
                _ => format!(
                    "{}, frame {}, streams {}",
                    place.capture,
                    place.frame,
                    streams.join(", ")
                ),
            }
        })
        .collect();
    let more = match row.places.len().saturating_sub(4) {
        0 => String::new(),
        more => format!("; and in {}", count(more as u64, "more capture")),
    };
    format!(
        "{}, {when}{left}; {}{more}",
        count(row.connections, "connection"),
        places.join("; ")
    )
}

fn date(moment: Timestamp) -> String {
    moment.to_string().chars().take(10).collect()
}
