//! Captures that hold one and the same connection, packed in many ways: what is said of it has to be the same.
//!
//! All of them are made from [`BASE`] by the scripts in `fixtures/make/`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::program;

/// The capture that the others are made from, under `fixtures/`.
const BASE: &str = "untrusted-root/yes-root-sent-along.pcap";

/// What is compared: everything but places, times and counts of packets.
const TOLD: &[&str] = &[
    "transport",
    "protocol",
    "client",
    "server",
    "outcome",
    "aborted_by",
    "step",
    "offer",
    "answer",
    "server_certificates",
    "not_visible",
];

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The files of a folder under `fixtures/`, in the order of their names.
pub(crate) fn captures(folder: &str) -> Vec<PathBuf> {
    let folder = fixtures().join(folder);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{}: no captures", folder.display());
    paths
}

/// The report on a capture as JSON.
pub(crate) fn report(capture: &Path) -> Value {
    let arguments = ["--format", "json", "--all", "--color", "never"].map(PathBuf::from);
    let output = program::run(arguments.into_iter().chain([capture.to_owned()]));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        let said = String::from_utf8_lossy(&output.stderr);
        panic!("{}: no JSON ({error}), {}: {said}", capture.display(), output.status)
    })
}

/// What a report says of each of its connections, without where in the capture they are.
pub(crate) fn told(report: &Value) -> Vec<Value> {
    let connections = report["connections"].as_array().map_or(&[][..], Vec::as_slice);
    let told_one = |connection: &Value| {
        let mut told: serde_json::Map<String, Value> = TOLD
            .iter()
            .map(|key| ((*key).to_owned(), connection[*key].clone()))
            .collect();
        let cause = &connection["cause"];
        told.insert(
            "cause".to_owned(),
            json!([cause["id"], cause["confidence"], cause["sentence"]]),
        );
        if let Some(certificates) = told.get_mut("server_certificates").and_then(Value::as_object_mut) {
            certificates.remove("from");
        }
        let alerts = connection["alerts"].as_array().into_iter().flatten();
        told.insert(
            "alerts".to_owned(),
            alerts.map(|alert| json!([alert["from"], alert["code"]])).collect(),
        );
        Value::Object(told)
    };
    connections.iter().map(told_one).collect()
}

/// What is said of the base capture.
pub(crate) fn base() -> Vec<Value> {
    let told = told(&report(&fixtures().join(BASE)));
    assert_eq!(told.len(), 1, "the base capture holds one connection");
    told
}
