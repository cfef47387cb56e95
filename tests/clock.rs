//! The clock of a capture that was wrong: captures whose times are moved, whole and unchanged otherwise.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

#[path = "support/program.rs"]
mod program;

use program::run;

const DAY: i64 = 86_400;
/// Little-endian pcap with microseconds: the header, then records whose first four bytes are the seconds.
const HEADER: usize = 24;

/// The capture with all its times moved, among this test's files.
fn moved(capture: &str, seconds: i64, name: &str) -> PathBuf {
    let mut bytes = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(capture)).unwrap();
    assert_eq!(bytes[..4], [0xd4, 0xc3, 0xb2, 0xa1], "{capture}");
    let mut at = HEADER;
    while at + 16 <= bytes.len() {
        let word = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap());
        let (time, length) = (word(at), word(at + 8) as usize);
        let time = u32::try_from(i64::from(time) + seconds).unwrap();
        bytes[at..at + 4].copy_from_slice(&time.to_le_bytes());
        at += 16 + length;
    }
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, bytes).unwrap();
    path
}

fn clock(capture: &Path, arguments: &[&str]) -> Value {
    let output = run([&["--json", capture.to_str().unwrap()], arguments].concat());
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    document["captures"][0]["clock"].clone()
}

/// Two plain HTTP servers answer with their `Date`, which is the capture's.
const HTTP: &str = "tests/data/two-http-servers.pcap";

#[test]
fn servers_that_name_another_time_show_how_wrong_the_clock_is() {
    let late = moved(HTTP, -3 * DAY, "clock-late.pcap");
    let told = clock(&late, &[]);
    let suggested = told["suggested_s"].as_i64().unwrap();
    assert!((suggested - 3 * DAY).abs() <= 2, "{told}");
    assert_eq!(told["applied_s"], told["suggested_s"]);
    assert!(told["sign"].as_str().unwrap().starts_with("2 of 2 servers"), "{told}");
    let text = String::from_utf8(run([late.to_str().unwrap()]).stdout).unwrap();
    assert!(
        text.contains("the clock of the capture seems to be 3 days behind"),
        "{text}"
    );
}

#[test]
fn a_clock_that_is_right_is_not_talked_about() {
    assert_eq!(clock(&moved(HTTP, 0, "clock-right.pcap"), &[]), Value::Null);
}

#[test]
fn whoever_gives_an_offset_has_the_last_word() {
    let late = moved(HTTP, -3 * DAY, "clock-given.pcap");
    assert_eq!(clock(&late, &["--clock-offset", "0"])["applied_s"], 0);
    assert_eq!(clock(&late, &["--clock-offset", "-60"])["applied_s"], -60);
}

#[test]
fn certificates_are_judged_by_the_corrected_clock() {
    let expired = |arguments: &[&str]| {
        let capture = "fixtures/certificate-expired/yes-go-yesterday.pcap";
        let output = run([&["--format", "line", capture], arguments].concat());
        String::from_utf8(output.stdout)
            .unwrap()
            .contains(" certificate-expired ")
    };
    assert!(expired(&[]));
    assert!(!expired(&["--clock-offset", "-259200"]));
}

#[test]
fn the_inventory_is_examined_by_the_corrected_clock() {
    let ended = |offset: &str| {
        let capture = "fixtures/certificate-expired/yes-go-yesterday.pcap";
        let output = run(["certs", "--json", "--clock-offset", offset, capture]);
        let document: Value = serde_json::from_slice(&output.stdout).unwrap();
        document["servers"][0]["defects"].to_string().contains("had ended")
    };
    assert!(ended("0"));
    assert!(!ended("-259200"));
}
