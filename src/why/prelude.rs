//! What every cause uses.

pub(super) use crate::connection::{Act, ClientReply, First, Observed, Rejection, Sign, Winner};
pub(super) use crate::evidence::{Mark, Seen, Side};
pub(super) use crate::registry::AlertDescription;
pub(super) use crate::stream::EndingKind;
pub(super) use crate::why::{AbortedBy, AtFault, Cause, CauseId, Context, Finding, Outcome};

use std::fmt::Display;

/// Seconds of silence up to which a handshake may simply be waiting.
pub(super) const STILL_GOING: f64 = 5.0;

/// `a, b and c`; the first `limit` values, then how many more there are.
pub(crate) fn list<T: Display>(values: impl IntoIterator<Item = T>, limit: usize) -> String {
    let all: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
    if all.len() > limit {
        let shown = all
            .iter()
            .take(limit)
            .map(String::as_str)
            .collect::<Vec<_>>()
            .join(", ");
        return format!("{shown} and {} more", all.len() - limit);
    }
    match all.split_last() {
        None => "nothing".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// `0.15 ms`, `35 µs`, `2.4 s`, `3 days`: a duration with the unit in which people think of it.
pub(super) fn span_of_time(seconds: f64) -> String {
    let seconds = seconds.abs();
    if seconds < 0.001 {
        format!("{:.0} µs", seconds * 1e6)
    } else if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1e3)
    } else if seconds < 120.0 {
        format!("{seconds:.1} s")
    } else if seconds < 7_200.0 {
        format!("{:.0} minutes", seconds / 60.0)
    } else if seconds < 172_800.0 {
        format!("{:.0} hours", seconds / 3_600.0)
    } else {
        format!("{:.0} days", seconds / 86_400.0)
    }
}

/// How an alert is told: level, name and number.
pub(super) fn told(alert: &crate::connection::AlertSeen) -> String {
    format!("alert, {}: {}", alert.level, alert.description)
}

/// `name (address:port)`, or the address alone where the client asked for no name.
pub(super) fn server_called(seen: &Observed) -> String {
    match seen.server_name() {
        Some(name) => format!("{name} ({})", seen.server),
        None => seen.server.to_string(),
    }
}

/// A word of a command line, quoted for the shell where it has to be. Names come from captured bytes, and commands are there to be pasted.
pub(super) fn shell(word: &str) -> String {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-:/,@%+=[]".contains(character);
    if !word.is_empty() && !word.starts_with('-') && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The line that lets a person try the same handshake.
pub(super) fn s_client(seen: &Observed, more: &str) -> String {
    let name = seen
        .server_name()
        .map(|name| format!(" -servername {}", shell(name)))
        .unwrap_or_default();
    let more = if more.is_empty() {
        String::new()
    } else {
        format!(" {more}")
    };
    format!("openssl s_client -connect {}{name}{more}", seen.server)
}

/// Seconds between two packets, where both have a time.
pub(super) fn between(earlier: &Mark, later: &Mark) -> Option<f64> {
    Some(later.time?.since(earlier.time?))
}

/// Adds the connection that the client kept instead of this one as proof.
pub(super) fn prove_winner(finding: Finding, seen: &Observed, winner: &Winner) -> Finding {
    let apart = seen
        .opening()
        .time
        .map_or(0.0, |began| winner.arrival.began.since(began));
    let began = match apart {
        0.0 => "with this one".to_owned(),
        ..0.0 => format!("{} before this one", span_of_time(apart)),
        _ => format!("{} after this one", span_of_time(apart)),
    };
    finding.prove_elsewhere(
        winner.arrival.through,
        format!(
            "the client's Finished of the connection to {}, begun {began}; data followed",
            winner.server
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_shell_would_act_on_is_quoted() {
        assert_eq!(shell("shop.example"), "shop.example");
        assert_eq!(shell("x;reboot"), "'x;reboot'");
        assert_eq!(shell("$(reboot)"), "'$(reboot)'");
        assert_eq!(shell("a'b"), r"'a'\''b'");
        assert_eq!(shell("-x"), "'-x'");
        assert_eq!(shell(""), "''");
    }
}
