//! What the program says of a capture.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::facts::{Facts, PLACES};
use crate::support::program;

/// Runs the program on a capture.
pub(crate) fn facts(capture: &Path) -> Facts {
    let arguments = ["--format", "json", "--all", "--color", "never"].map(PathBuf::from);
    let output = program::run(arguments.into_iter().chain([capture.to_owned()]));
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: no JSON ({error}), {}", capture.display(), output.status));
    let mut facts = Facts::default();
    facts.add("frames", "all", report["captures"][0]["packets"].to_string());
    let connections = report["connections"].as_array().into_iter().flatten();
    for connection in connections.filter(|one| one["transport"] == "tcp") {
        add(&mut facts, connection);
    }
    facts
}

fn add(facts: &mut Facts, connection: &Value) {
    let Some(stream) = connection["stream"].as_u64() else {
        return;
    };
    let mut first = None;
    for event in connection["timeline"].as_array().into_iter().flatten() {
        let Some(field) = PLACES
            .into_iter()
            .find(|place| event["what"] == *place && *place != "alert")
        else {
            continue;
        };
        let frame = event["frame"].as_u64().expect("every event has its frame");
        facts.add_place(field, stream, frame, None);
        if field != "certificate" {
            first.get_or_insert(frame);
        }
    }
    let alerts = connection["alerts"].as_array().into_iter().flatten();
    for alert in alerts.filter(|alert| alert["visibility"] == "clear") {
        let frame = alert["frame"].as_u64().expect("every alert has its frame");
        facts.add_place("alert", stream, frame, alert["code"].as_u64());
    }
    let Some(first) = first else { return };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (offer, answer) = (&connection["offer"], &connection["answer"]);
    if offer.is_object() {
        facts.add("server-name", first, text(&offer["server_name"]));
        facts.add("ja3", first, text(&offer["ja3"]));
    }
    if answer.is_object() {
        let suite = text(&answer["cipher_suite"]["code"]);
        facts.add(
            "version",
            first,
            message_version(&text(&answer["version"]["code"]), &suite),
        );
        facts.add("cipher-suite", first, suite);
        facts.add("ja3s", first, text(&answer["ja3s"]));
    }
}

/// What the version field of the ServerHello says: TLS 1.2 where TLS 1.3, a draft of it from 22 on or Facebook's variant was chosen by the
/// extension supported_versions (RFC 9846 §4.2.3), as its suites show.
fn message_version<'a>(code: &'a str, suite: &str) -> &'a str {
    let by_extension = code == "0x0304" || code.starts_with("0xfb") || ("0x7f16"..="0x7fff").contains(&code);
    if by_extension && suite.starts_with("0x13") {
        "0x0303"
    } else {
        code
    }
}
