//! One connection in every link type, tunnel and kind of fragment that is read: the same is said of it each time.
//!
//! The captures are made by `fixtures/make/links.py`. Where tshark is installed, its numbering is asked as well.

mod support {
    pub(crate) mod program;
    pub(crate) mod variants;
}

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use serde_json::Value;
use support::variants;

/// Each capture with what the connection in it was wrapped in.
const CAPTURES: &[(&str, &str)] = &[
    ("atm", ""),
    ("avs", ""),
    ("avs-as-prism", ""),
    ("capwap", "capwap"),
    ("capwap-ethernet", "capwap"),
    ("cisco-hdlc", ""),
    ("cisco-metadata", "cisco-metadata"),
    ("eight-encapsulations", "gre, ip, gre, ip, gre, ip, gre 5, ip"),
    ("enc", ""),
    ("erspan-1", "erspan"),
    ("erspan-2", "erspan 77"),
    ("erspan-3", "erspan 77"),
    ("ethernet-llc", ""),
    ("ethernet-tag-9200", "vlan 7"),
    ("ethernet-two-tags", "vlan 7"),
    ("ethernet-two-tags-9100", "vlan 7"),
    ("ethernet-vlan", "vlan 7"),
    ("fragments", ""),
    ("fragments-around-vxlan", "vxlan 42"),
    ("fragments-contradicted", ""),
    ("fragments-in-gre", "gre"),
    ("fragments-in-the-header", ""),
    ("fragments-in-vlan", "vlan 7"),
    ("fragments-in-vxlan", "vxlan 42"),
    ("fragments-interleaved", ""),
    ("fragments-ipv6", "ip"),
    ("fragments-ipv6-atomic", "ip"),
    ("fragments-ipv6-behind-extension-headers", "ip"),
    ("fragments-ipv6-reversed", "ip"),
    ("fragments-lost-and-resent", ""),
    ("fragments-of-fragments", "ip"),
    ("fragments-overlapping", ""),
    ("fragments-repeated", ""),
    ("fragments-reversed", ""),
    ("frame-relay", ""),
    ("frame-relay-cisco", ""),
    ("frame-relay-snap", ""),
    ("geneve", "geneve 1234"),
    ("gre", "gre"),
    ("gre-ethernet", "gre 5"),
    ("gre-in-udp", "gre"),
    ("gre-with-everything", "gre 5"),
    // Numbers that differ between the directions are those of the client's first packet.
    ("gtp", "gtp 4097"),
    ("gtp-extended", "gtp 4097"),
    ("ip-in-ip", "ip"),
    ("ip-in-ipv6", "ip"),
    ("ip-in-ipv6-in-ip", "ip, ip"),
    ("l2tp", "l2tp 7"),
    ("l2tp-3-in-ip", "l2tp 9"),
    ("l2tp-3-in-udp", "l2tp 9"),
    ("linux-cooked", ""),
    ("linux-cooked-2", ""),
    ("loop", ""),
    ("mpls", "mpls 200"),
    ("mpls-pseudowire", "mpls 300"),
    ("nflog", ""),
    ("null", ""),
    ("null-big-endian", ""),
    ("pflog", ""),
    ("pktap", ""),
    ("pktap-as-user2", ""),
    ("ppi", ""),
    ("ppp", "ppp"),
    ("ppp-compressed", "ppp"),
    ("ppp-hdlc", "ppp"),
    ("pppoe", "vlan 7, pppoe 18"),
    ("pppoe-alone", "pppoe 18"),
    ("pptp", "gre 5, ppp"),
    ("prism", ""),
    ("radiotap", ""),
    ("radiotap-aggregate", ""),
    ("radiotap-padded", ""),
    ("radiotap-with-check-sequence", ""),
    ("raw", ""),
    ("raw-ipv4", ""),
    ("raw-of-bsd", ""),
    ("slip", ""),
    ("teredo", "teredo, ip"),
    ("vxlan", "vxlan 42"),
    ("vxlan-at-the-port-of-linux", "vxlan 42"),
    ("vxlan-gpe", "vxlan 43"),
    ("vxlan-with-tags", "vlan 7, vxlan 42"),
    ("wccp", "gre"),
    ("wifi", ""),
    ("wifi-four-addresses", ""),
];

/// Captures that tshark 4.0 does not read down to TCP by default, so that the connection has no number.
const NOT_NUMBERED: &[&str] = &[
    // It does not know this tag.
    "ethernet-tag-9200",
    // It expects this port to be something else.
    "vxlan-at-the-port-of-linux",
    // It learns from control messages what a session of L2TP's third version holds.
    "l2tp-3-in-ip",
    "l2tp-3-in-udp",
    // It has no dissector for this link type.
    "slip",
];

/// `vlan 7, vxlan 42`.
fn encapsulation(connection: &Value) -> String {
    let layers = connection["encapsulation"].as_array().into_iter().flatten();
    let told = layers.map(|layer| match layer["id"].as_u64() {
        Some(id) => format!("{} {id}", layer["kind"].as_str().unwrap_or_default()),
        None => layer["kind"].as_str().unwrap_or_default().to_owned(),
    });
    told.collect::<Vec<_>>().join(", ")
}

/// The streams that tshark numbers, and the frames that have one; None where there is no tshark.
fn numbered(capture: &Path) -> Option<[BTreeSet<u64>; 2]> {
    let output = Command::new("tshark")
        .args(["-n", "-T", "fields", "-e", "frame.number", "-e", "tcp.stream", "-r"])
        .arg(capture)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let (mut streams, mut frames) = (BTreeSet::new(), BTreeSet::new());
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let (frame, told) = line.split_once('\t')?;
        let told: Vec<u64> = told.split(',').filter_map(|stream| stream.parse().ok()).collect();
        if !told.is_empty() {
            frames.insert(frame.parse().ok()?);
            streams.extend(told);
        }
    }
    Some([streams, frames])
}

fn stem(capture: &Path) -> &str {
    capture.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default()
}

#[test]
fn every_capture_is_in_the_table() {
    let captures = variants::captures("links");
    let files: Vec<&str> = captures.iter().map(|path| stem(path)).collect();
    let mut table: Vec<&str> = CAPTURES.iter().map(|(name, _)| *name).collect();
    table.sort_unstable();
    let mut files_in_order = files;
    files_in_order.sort_unstable();
    assert_eq!(files_in_order, table);
}

#[test]
fn the_same_is_said_of_the_connection_whatever_it_is_wrapped_in() {
    let base = variants::base();
    let mut differing = Vec::new();
    for capture in variants::captures("links") {
        let name = stem(&capture);
        let report = variants::report(&capture);
        let told = variants::told(&report);
        if told != base {
            differing.push(format!("{name}: {} connections, or other things said", told.len()));
            continue;
        }
        let expected = CAPTURES
            .iter()
            .find(|(one, _)| *one == name)
            .map(|(_, wrapped)| *wrapped);
        let wrapped = encapsulation(&report["connections"][0]);
        if Some(wrapped.as_str()) != expected {
            differing.push(format!("{name}: inside {wrapped}"));
        }
    }
    assert!(differing.is_empty(), "{differing:#?}");
}

/// Where our numbers for a capture differ from tshark's; None where there is no tshark.
fn differs(capture: &Path) -> Option<Option<String>> {
    let name = stem(capture);
    let [streams, frames] = numbered(capture)?;
    let report = variants::report(capture);
    let connection = &report["connections"][0];
    let place = &connection["places"][0];
    let ours = (place["first_frame"].as_u64(), place["last_frame"].as_u64());
    let theirs = (frames.first().copied(), frames.last().copied());
    let as_expected = if NOT_NUMBERED.contains(&name) {
        streams.is_empty() && connection["stream"].is_null() && ours.0.is_some()
    } else {
        streams == BTreeSet::from_iter(connection["stream"].as_u64()) && theirs == ours
    };
    let told = || {
        format!(
            "{name}: {} at {ours:?}; tshark: {streams:?} at {theirs:?}",
            connection["stream"]
        )
    };
    Some((!as_expected).then(told))
}

#[test]
fn streams_and_frames_are_those_of_tshark() {
    let captures = variants::captures("links");
    // tshark takes a second to start: several are started side by side.
    let parts = captures.chunks(captures.len().div_ceil(4));
    let differing: Option<Vec<Option<String>>> = thread::scope(|scope| {
        let running: Vec<_> = parts
            .map(|part| scope.spawn(|| part.iter().map(|capture| differs(capture)).collect::<Vec<_>>()))
            .collect();
        let done = running.into_iter().map(|part| part.join().expect("a capture is read"));
        done.flatten().collect()
    });
    let Some(differing) = differing else {
        eprintln!("skipped: there is no tshark");
        return;
    };
    let differing: Vec<String> = differing.into_iter().flatten().collect();
    assert!(differing.is_empty(), "{differing:#?}");
}

#[test]
fn the_text_tells_what_a_connection_was_inside_of() {
    let text = |name: &str| {
        let capture = variants::captures("links").into_iter().find(|path| stem(path) == name);
        let output = support::program::run([capture.expect("the capture is there")]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(text("vxlan-with-tags").contains("  inside  vlan 7, vxlan 42\n"));
    assert!(text("teredo").contains("  inside  teredo, ip\n"));
    assert!(!text("raw").contains("inside  "));
}
