//! What looks like one thing and is another, where it takes a capture to show it: copies, ports used again, cut packets, checksums. The
//! rest, and what is left out and why, is in `src/why/fooled/`.

mod support {
    pub(crate) mod program;
    pub(crate) mod variants;
}

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use support::variants::{base, captures, report, told};

/// A capture under `fixtures/`.
fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Outcome and cause of each connection in the report on a fixture.
fn verdicts(name: &str) -> Vec<(String, String)> {
    let report = report(&fixture(name));
    let connections = report["connections"].as_array().into_iter().flatten();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    connections
        .map(|connection| (text(&connection["outcome"]), text(&connection["cause"]["id"])))
        .collect()
}

/// All connections of a fixture are completed, and nothing is held against them.
fn is_sound(name: &str) -> bool {
    let verdicts = verdicts(name);
    !verdicts.is_empty()
        && verdicts
            .iter()
            .all(|(outcome, cause)| outcome == "completed" && cause.is_empty())
}

/// What is said of the TLS in a capture that was made from the base capture is what is said of that.
fn is_as_the_base(name: &str) -> bool {
    let all = captures("streams");
    let capture = all
        .iter()
        .find(|capture| capture.file_stem().is_some_and(|stem| stem == name));
    let told = told(&report(capture.unwrap_or_else(|| panic!("{name}: no such capture"))));
    let of_tls: Vec<&Value> = told.iter().filter(|one| one["protocol"] == "tls").collect();
    !of_tls.is_empty() && of_tls.iter().all(|one| **one == base()[0])
}

#[test]
fn packets_that_were_captured_twice_are_no_retransmissions() {
    assert!(is_as_the_base("any-interface"));
    assert!(is_as_the_base("mirror-of-both-directions"));
}

#[test]
fn one_direction_is_no_server_that_never_answers() {
    let [(outcome, cause)] = &verdicts("one-sided-capture/yes-client-side-only.pcap")[..] else {
        panic!("one connection")
    };
    assert_eq!(
        (outcome.as_str(), cause.as_str()),
        ("undetermined", "one-sided-capture")
    );
}

#[test]
fn early_data_is_no_failure_taken_or_not() {
    assert!(is_sound("sound/not-early-data.pcap"));
}

#[test]
fn tls_to_a_proxy_hides_tls_through_it() {
    assert!(is_sound("sound/not-https-proxy.pcap"));
}

#[test]
fn ports_that_are_used_again_make_a_new_connection() {
    assert!(is_as_the_base("ports-used-again"));
    assert_eq!(verdicts("streams/ports-used-again.pcap").len(), 3);
}

#[test]
fn keep_alive_probes_are_no_data_without_an_answer() {
    assert!(is_as_the_base("keep-alives"));
}

#[test]
fn checks_of_a_load_balancer_are_no_failures() {
    assert!(is_sound("sound/not-health-check.pcap"));
    let probes = verdicts("tcp-probe/yes-three-ways.pcap");
    assert!(
        probes
            .iter()
            .all(|(outcome, cause)| outcome == "not-attempted" && cause == "tcp-probe")
    );
    let hellos = verdicts("client-abandoned/yes-checks-of-the-hello.pcap");
    assert!(hellos.len() == 5 && hellos.iter().all(|(outcome, _)| outcome == "not-attempted"));
}

#[test]
fn connections_that_lost_a_race_are_no_failures_and_first_attempts_are() {
    let outcomes = |name: &str| -> Vec<String> {
        let verdicts = verdicts(&format!("client-abandoned/{name}.pcap"));
        verdicts.into_iter().map(|(outcome, _)| outcome).collect()
    };
    for name in [
        "yes-lost-to-ipv6",
        "yes-lost-to-another-address",
        "yes-spare-connection",
    ] {
        assert_eq!(outcomes(name), ["not-attempted", "completed"], "{name}");
    }
    assert_eq!(outcomes("yes-comes-back"), ["failed", "completed"]);
}

#[test]
fn a_balancers_backend_that_is_down_is_told_where_it_shows() {
    // Of the three connections through proxies one was taken by the proxy itself: its client saw nothing of the backend.
    let verdicts = verdicts("closed-after-client-hello/yes-backend-down.pcapng");
    let outcomes: Vec<&str> = verdicts.iter().map(|(outcome, _)| outcome.as_str()).collect();
    assert_eq!(outcomes, ["failed", "failed", "completed"]);
}

#[test]
fn wrong_checksums_are_the_capturing_hosts_offload() {
    // Classic pcap, Ethernet, IPv4: the TCP checksum stands 16 bytes into its header.
    let mut capture = fs::read(fixture("untrusted-root/yes-root-sent-along.pcap")).expect("the base capture");
    let mut at = 24;
    let mut broken = 0;
    while let Some(header) = capture.get(at..at + 16) {
        let len = u32::from_le_bytes(header[8..12].try_into().expect("four bytes")) as usize;
        let frame = at + 16;
        let ip_len = usize::from(capture[frame + 14] & 0x0f) * 4;
        let checksum = frame + 14 + ip_len + 16;
        capture[checksum] ^= 0xff;
        broken += 1;
        at = frame + len;
    }
    assert!(broken > 10);
    let path = std::env::temp_dir().join(format!("tlswhy-checksums-{}.pcap", std::process::id()));
    fs::write(&path, &capture).expect("a temporary file");
    let told = told(&report(&path));
    fs::remove_file(&path).expect("the temporary file");
    assert_eq!(told, base());
}

#[test]
fn of_packets_that_were_cut_no_more_is_said_than_is_left() {
    let report = report(&fixture("streams/snaplen-96.pcap"));
    let connection = &report["connections"][0];
    assert_eq!(connection["offer"], Value::Null);
    assert_eq!(connection["cause"]["confidence"], "possible");
    let hidden = connection["not_visible"].as_array().into_iter().flatten();
    assert!(hidden.clone().any(|hidden| hidden["path"] == "offer"), "{hidden:?}");
}

#[test]
fn a_hello_in_the_syn_is_read() {
    assert!(is_as_the_base("fast-open"));
}
