//! What can be compared of a capture, whoever saw it.

use std::collections::BTreeMap;

/// What is compared: the capture's frames, the places of four kinds of messages, and five values of hellos.
pub(crate) const FIELDS: [&str; 10] = [
    "frames",
    "client-hello",
    "server-hello",
    "certificate",
    "alert",
    "server-name",
    "version",
    "cipher-suite",
    "ja3",
    "ja3s",
];

/// The fields that are places of messages: each has a stream and a frame, which both have to see.
pub(crate) const PLACES: [&str; 4] = ["client-hello", "server-hello", "certificate", "alert"];

/// What one of the two saw: for each field a list of (key, value).
///
/// The key of a place holds it whole, its value is empty. A value of a hello has as its key the frame of its connection's first hello, so that
/// it is compared also where the streams are numbered otherwise.
#[derive(Debug, Default)]
pub(crate) struct Facts(BTreeMap<&'static str, Vec<(String, String)>>);

impl Facts {
    /// Adds one fact.
    pub(crate) fn add(&mut self, field: &'static str, key: impl ToString, value: impl Into<String>) {
        assert!(FIELDS.contains(&field), "{field} is not a field");
        let facts = self.0.entry(field).or_default();
        facts.push((key.to_string(), value.into()));
    }

    /// Adds the place of a message, or of an alert with its number.
    pub(crate) fn add_place(&mut self, field: &'static str, stream: u64, frame: u64, code: Option<u64>) {
        assert!(PLACES.contains(&field), "{field} has no place");
        let code = code.map(|code| format!(" number {code}")).unwrap_or_default();
        self.add(field, format!("stream {stream} frame {frame}{code}"), "");
    }

    /// The facts of one field.
    pub(crate) fn of(&self, field: &str) -> &[(String, String)] {
        self.0.get(field).map_or(&[], Vec::as_slice)
    }
}
