//! One line for each connection, made for `grep`, `sort` and `awk`.
//!
//! Ten columns, separated by one space, `-` where there is nothing to say:
//! time, client, `>`, server, name, outcome, cause, confidence, whose side, and capture`#`frame. The time is that of the failure, or else of the
//! beginning. The frame is the last one of the proof within the connection, or else the connection's first.

use std::collections::BTreeMap;
use std::io::{self, Write};

use super::text::printable;
use super::{Connection, Filter, Report, Times, Timestamp};

/// Writes a line for each connection that `filter` lets through.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, filter: &Filter, times: &Times, out: &mut dyn Write) -> io::Result<()> {
    let starts: BTreeMap<&str, Option<Timestamp>> = report
        .captures
        .iter()
        .map(|capture| (capture.path.as_str(), capture.first))
        .collect();
    report.write_shown(
        filter,
        &|connection| {
            let start = starts.get(connection.capture.as_str()).copied().flatten();
            format!("{}\n", line(connection, times, start)).into_bytes()
        },
        &mut |bytes| out.write_all(bytes),
    )
}

fn line(connection: &Connection, times: &Times, start: Option<Timestamp>) -> String {
    let moment = connection
        .moment()
        .map_or_else(|| "-".to_owned(), |moment| times.full(moment, start));
    let cause = connection.cause.as_ref();
    format!(
        "{moment} {} > {} {} {} {} {} {} {}#{}",
        word(&connection.client.to_string()),
        word(&connection.server.to_string()),
        word(connection.server_name().unwrap_or_default()),
        connection.outcome,
        word(cause.map_or("", |cause| &cause.id)),
        cause.map_or("-", |cause| cause.confidence.as_str()),
        cause.map_or("-", |cause| cause.at_fault.as_str()),
        word(&connection.capture),
        frame(connection).map_or_else(|| "-".to_owned(), |frame| frame.to_string()),
    )
}

/// The frame to look at.
fn frame(connection: &Connection) -> Option<u64> {
    let evidence = connection.cause.iter().flat_map(|cause| &cause.evidence);
    let own = evidence.filter(|proof| proof.capture == connection.capture && proof.stream == connection.stream);
    let last = own.flat_map(|proof| &proof.frames).copied().max();
    last.or_else(|| connection.places.first().map(|place| place.first_frame))
}

/// One column: never empty, never a space in it.
fn word(text: &str) -> String {
    if text.is_empty() {
        return "-".to_owned();
    }
    printable(text)
        .chars()
        .map(|c| if c.is_whitespace() { '_' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing;

    fn written(times: &Times) -> String {
        let mut out = Vec::new();
        write(
            &testing::report(),
            &Filter {
                all: true,
                ..Filter::default()
            },
            times,
            &mut out,
        )
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_connection_is_one_line_of_columns() {
        assert_eq!(
            written(&Times::Utc),
            "2026-11-23T12:03:01.160Z 10.0.0.5:51234 > 10.90.0.1:443 shop.example failed missing-intermediate certain server incident.pcapng#8\n\
             2026-11-23T12:03:01.120Z 10.0.0.5:51234 > 10.90.0.1:443 - undetermined started-mid-connection certain capture incident.pcapng#1\n\
             2026-11-23T12:03:01.120Z 10.0.0.5:51234 > 10.90.0.1:443 - not-attempted tcp-probe certain nobody incident.pcapng#1\n\
             2026-11-23T12:03:01.120Z 10.0.0.5:51234 > 10.90.0.1:443 shop.example completed - - - incident.pcapng#1\n"
        );
    }

    #[test]
    fn relative_times_count_from_the_capture() {
        assert!(written(&Times::Relative).starts_with("0.060000 10.0.0.5:51234 > "));
    }

    #[test]
    fn a_name_cannot_break_the_columns_or_the_terminal() {
        assert_eq!(word("a b\u{1b}[31m"), "a_b\\u{1b}[31m");
        assert_eq!(word(""), "-");
    }
}
