//! One TLS connection in TCP streams that fight back: what is said of it stays the same.
//!
//! `fixtures/make/streams.py` makes the captures, and says of each what happens in it. Here stands where a situation has to change a part of
//! the answer, and where tshark sees it otherwise.

mod support {
    pub(crate) mod program;
    pub(crate) mod variants;
}

use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tlswhy::{Analysis, Options, Source};

use support::variants::{base, captures, report, told};

/// Captures with more than one connection of TLS, each of them like the base.
const SEVERAL: &[(&str, usize)] = &[
    ("ports-used-again", 3),
    ("ports-used-again-with-the-same-number", 2),
    ("ports-used-again-without-a-syn", 2),
    ("ports-used-again-without-an-end", 2),
];

/// Captures of which something else has to be said, each in a test of its own.
const OTHERWISE: &[&str] = &[
    "acknowledged-late",
    "address-translation",
    "address-translation-of-another",
    "client-only",
    "lost-by-the-capture",
    "lost-by-the-network",
    "server-only",
    "snaplen-96",
];

/// Captures in which tshark sees TLS elsewhere.
const TSHARK_DIFFERS: &[(&str, &str)] = &[
    (
        "address-translation",
        "Wireshark tells each side of the translation by itself",
    ),
    (
        "data-behind-the-fin",
        "Wireshark reads bytes behind a FIN; no host does",
    ),
    (
        "ports-used-again-with-the-same-number",
        "Wireshark takes the second connection for repetitions of the first",
    ),
    (
        "ports-used-again-without-a-syn",
        "Wireshark takes the second connection for bytes out of order of the first",
    ),
    ("snaplen-96", "Wireshark reads no record behind one that was cut"),
];

fn stem(capture: &Path) -> String {
    capture.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn capture(name: &str) -> PathBuf {
    let found = captures("streams").into_iter().find(|capture| stem(capture) == name);
    found.unwrap_or_else(|| panic!("{name}: no such capture"))
}

/// The connections of TLS in a report.
fn connections(report: &Value) -> Vec<&Value> {
    let all = report["connections"].as_array().into_iter().flatten();
    all.filter(|connection| connection["protocol"] == "tls").collect()
}

/// What is said of the TLS connections of a capture.
fn said(report: &Value) -> Vec<Value> {
    told(report)
        .into_iter()
        .filter(|told| told["protocol"] == "tls")
        .collect()
}

/// What is said of the only TLS connection of a capture, beside what is the same as in the base capture.
fn changed(name: &str) -> Value {
    let said = said(&report(&capture(name)));
    let [connection] = &said[..] else {
        panic!("{name}: {} connections", said.len())
    };
    let base = base();
    let differs = |(key, _): &(&String, &Value)| connection[*key] != base[0][*key];
    let fields = connection.as_object().into_iter().flatten().filter(differs);
    fields.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// The texts of a capture's first connection that tell of such an event.
fn events(name: &str, what: &str) -> Vec<(u64, String)> {
    let report = report(&capture(name));
    let events = connections(&report)[0]["timeline"].as_array().into_iter().flatten();
    let such = events.filter(|event| event["what"] == what);
    such.map(|event| {
        let text = event["text"].as_str().unwrap_or_default();
        (event["frame"].as_u64().unwrap_or_default(), text.to_owned())
    })
    .collect()
}

#[test]
fn the_same_is_said_of_every_stream() {
    let base = base();
    let mut differences = Vec::new();
    for capture in captures("streams") {
        let name = stem(&capture);
        if OTHERWISE.contains(&name.as_str()) {
            continue;
        }
        let count = SEVERAL
            .iter()
            .find(|(several, _)| *several == name)
            .map_or(1, |(_, count)| *count);
        let said = said(&report(&capture));
        if said.len() != count {
            differences.push(format!("{name}: {} connections, not {count}", said.len()));
        }
        for connection in said {
            for (key, value) in connection.as_object().into_iter().flatten() {
                if *value != base[0][key] {
                    differences.push(format!("{name}: {key} is {value}"));
                }
            }
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn second_copies_are_no_retransmissions() {
    for name in [
        "any-interface",
        "bridge-without-identification",
        "mirror-copies-late",
        "mirror-of-both-directions",
        "router-in-and-out",
        "router-without-identification",
        "two-interfaces-in-batches",
        "two-interfaces-with-skewed-clocks",
    ] {
        let report = report(&capture(name));
        let tcp = &connections(&report)[0]["tcp"];
        assert_eq!(
            (&tcp["retransmissions"], &tcp["gaps"]),
            (&json!(0), &json!(0)),
            "{name}"
        );
    }
}

#[test]
fn what_is_sent_again_is_counted_and_leaves_no_gap() {
    for (name, times) in [
        ("retransmitted", 3),
        ("retransmitted-with-other-boundaries", 3),
        ("retransmission-longer-than-the-original", 2),
        ("fast-open-refused", 1),
    ] {
        let report = report(&capture(name));
        let tcp = &connections(&report)[0]["tcp"];
        assert_eq!(
            (&tcp["retransmissions"], &tcp["gaps"]),
            (&json!(times), &json!(0)),
            "{name}"
        );
    }
}

#[test]
fn copies_that_differ_are_told_and_others_are_not() {
    let text = |at: &str, whose: &str, frame: u64| {
        format!("bytes {at} of the {whose}'s stream once more, and not the same: they count as in frame {frame}")
    };
    let differing = [
        ("overlap-with-another-name", 5, text("120 to 120", "client", 4)),
        ("overlap-among-what-waits", 7, text("1548 to 1597", "server", 6)),
    ];
    for (name, frame, text) in &differing {
        assert_eq!(events(name, "overlap"), [(*frame, text.clone())], "{name}");
        // What was read in spite of it is told with that doubt.
        let report = report(&capture(name));
        let evidence = connections(&report)[0]["cause"]["evidence"].as_array();
        let tells = |one: &Value| one["text"] == json!(text) && one["frames"] == json!([frame]);
        assert!(evidence.is_some_and(|evidence| evidence.iter().any(tells)), "{name}");
    }
    for capture in captures("streams") {
        let name = stem(&capture);
        if differing.iter().all(|(other, ..)| *other != name) {
            assert_eq!(events(&name, "overlap"), [], "{name}");
        }
    }
}

#[test]
fn what_is_odd_is_told() {
    assert_eq!(events("urgent-data", "urgent").len(), 1);
}

#[test]
fn why_a_connection_was_reset_is_told_where_somebody_says_it() {
    const BY_DEVICE: &str = "\"SSL handshake timeout exceeded\", flow 0x560012345600, its other side 0x560012347700";
    let says = [
        (
            "reset-with-a-reason",
            "\"[0x1a2b3c:1234] Peer closed during the handshake\"",
        ),
        ("trailers-of-a-load-balancer", BY_DEVICE),
        ("trailers-of-a-load-balancer-with-magic", BY_DEVICE),
    ];
    for (name, words) in says {
        let (_, text) = &events(name, "rst")[0];
        assert!(text.ends_with(&format!("; it says {words}")), "{name}: {text}");
    }
    for capture in captures("streams") {
        let name = stem(&capture);
        let report = report(&capture);
        let evidence = connections(&report)[0]["cause"]["evidence"].as_array();
        let texts: Vec<&str> = evidence
            .into_iter()
            .flatten()
            .filter_map(|one| one["text"].as_str())
            .collect();
        let said = texts.iter().find(|text| text.starts_with("the reset says"));
        let words = says.iter().find(|(known, _)| *known == name);
        let expected = words.map(|(_, words)| format!("the reset says {words}"));
        assert_eq!(said.map(ToString::to_string), expected, "{name}");
    }
}

#[test]
fn bytes_that_no_window_reaches_leave_no_gap() {
    let report = report(&capture("far-ahead"));
    assert_eq!(connections(&report)[0]["tcp"]["gaps"], 0);
}

#[test]
fn the_clients_packets_alone_tell_its_alert_and_nothing_of_the_server() {
    let changed = changed("client-only");
    let fields: Vec<&String> = changed.as_object().into_iter().flatten().map(|(key, _)| key).collect();
    assert_eq!(
        fields,
        ["answer", "cause", "not_visible", "server_certificates", "step"]
    );
    assert_eq!(changed["cause"][0], "untrusted-root");
    assert_eq!(changed["cause"][1], "possible");
    assert_eq!(changed["step"], "client-hello");
    assert_eq!(changed["not_visible"][0], json!({"path": "answer", "why": "one-sided"}));
}

#[test]
fn the_servers_packets_alone_tell_no_cause() {
    let changed = changed("server-only");
    assert_eq!(changed["cause"][0], "one-sided-capture");
    assert_eq!(changed["outcome"], "undetermined");
    assert_eq!(changed["not_visible"][0], json!({"path": "offer", "why": "one-sided"}));
}

#[test]
fn of_packets_that_were_cut_the_alert_is_read_and_nothing_is_certain() {
    let changed = changed("snaplen-96");
    assert_eq!(changed["cause"][0], "untrusted-root");
    assert_eq!(changed["cause"][1], "possible");
    let hidden = changed["not_visible"].as_array().expect("a list");
    assert!(hidden.iter().all(|hidden| hidden["why"] == "snaplen"), "{hidden:?}");
    assert_eq!(hidden.len(), 4);
}

#[test]
fn what_the_capture_lost_is_told_from_what_the_network_lost() {
    let verdict = |name: &str| {
        let changed = changed(name);
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        (
            text(&changed["cause"][0]),
            text(&changed["outcome"]),
            text(&changed["cause"][2]),
        )
    };
    for name in ["lost-by-the-capture", "acknowledged-late"] {
        let (cause, outcome, sentence) = verdict(name);
        assert_eq!((&*cause, &*outcome), ("capture-gap", "undetermined"), "{name}");
        assert!(
            sentence.contains("though the other side received them"),
            "{name}: {sentence}"
        );
    }
    // A full segment is missing, shorter ones came again and again, and the client acknowledged nothing: that is no matter of the capture.
    // The outcome, a failure, is that of the original, and so not among what has changed.
    let (cause, outcome, sentence) = verdict("lost-by-the-network");
    assert_eq!((&*cause, &*outcome), ("server-flight-lost", ""));
    assert!(
        sentence.contains("1448 bytes") && sentence.contains("never arrived"),
        "{sentence}"
    );
}

/// The same packets before and behind the translation are one connection, told as those that came first have it.
#[test]
fn before_and_behind_address_translation_is_one_connection() {
    let changed = changed("address-translation");
    assert_eq!(changed, json!({"client": {"address": "192.168.7.5", "port": 40_123}}));
    let report = report(&capture("address-translation"));
    assert_eq!(report["summary"]["connections"], 1);
    let connection = connections(&report)[0];
    let place = |place: &Value| [&place["stream"], &place["first_frame"], &place["last_frame"]].map(Value::as_u64);
    let places: Vec<_> = connection["places"]
        .as_array()
        .into_iter()
        .flatten()
        .map(place)
        .collect();
    assert_eq!(places, [[Some(0), Some(1), Some(23)], [Some(1), Some(2), Some(24)]]);
    assert_eq!(connection["wireshark_filter"], "tcp.stream in {0, 1}");
    assert_eq!(
        events("address-translation", "translated"),
        [(
            2,
            "the same packets under other addresses: 10.20.0.5:58743 to 10.20.0.1:443".to_owned()
        )]
    );
}

#[test]
fn equal_numbers_and_another_hello_are_another_connection() {
    let report = report(&capture("address-translation-of-another"));
    assert_eq!(report["summary"]["connections"], 2);
    let places = |connection: &&Value| connection["places"].as_array().map_or(0, Vec::len);
    let places: Vec<usize> = connections(&report).iter().map(places).collect();
    assert_eq!(places, [1, 1]);
}

/// A capture of a sound connection, each packet of it once more under another address of the client.
fn translated(capture: &Path) -> Vec<u8> {
    let bytes = fs::read(capture).expect("the capture can be read");
    let (header, mut rest) = bytes.split_at(24);
    let mut client = None;
    let mut translated = header.to_vec();
    while let Some((record, _)) = rest.split_at_checked(16) {
        let len = u32::from_le_bytes([record[8], record[9], record[10], record[11]]) as usize;
        let (packet, behind) = rest.split_at(16 + len);
        let client: [u8; 4] = *client.get_or_insert([packet[42], packet[43], packet[44], packet[45]]);
        let mut copy = packet.to_vec();
        let at = if packet[42..46] == client { 42 } else { 46 };
        copy[at..at + 4].copy_from_slice(&[192, 168, 7, 5]);
        translated.extend(packet);
        translated.extend(copy);
        rest = behind;
    }
    translated
}

#[test]
fn a_sound_connection_is_counted_once_before_and_behind_address_translation() {
    let sound = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sound");
    for name in ["not-tls12.pcap", "not-tls13.pcap", "not-tls13-resumed.pcap"] {
        let counts = |bytes: Vec<u8>| {
            let mut analysis = Analysis::new(Options::default());
            let source = Source::Reader {
                name: name.to_owned(),
                reader: Box::new(Cursor::new(bytes)),
            };
            analysis.read(source).expect("it is a capture");
            let summary = analysis.finish().summary().clone();
            (summary.connections, summary.completed)
        };
        let capture = sound.join(name);
        let once = counts(fs::read(&capture).expect("the capture can be read"));
        assert!(once.0 > 0 && once.0 == once.1, "{name}: {once:?}");
        assert_eq!(counts(translated(&capture)), once, "{name}");
    }
}

/// Stream, frame, and the type of a handshake message or `alert`.
type Place = (u64, u64, String);

/// Where tshark sees hellos, certificates and alerts; None where there is no tshark.
fn tshark(capture: &Path) -> Option<BTreeSet<Place>> {
    let output = Command::new("tshark")
        .args(["-n", "-o", "tcp.reassemble_out_of_order:TRUE"])
        .args(["-Y", "tls.handshake.type || tls.alert_message.desc", "-T", "fields"])
        .args(["-e", "tcp.stream", "-e", "frame.number"])
        .args(["-e", "tls.handshake.type", "-e", "tls.alert_message.desc", "-r"])
        .arg(capture)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let mut places = BTreeSet::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [stream, frame, types, alert] = fields[..] else {
            panic!("{line}")
        };
        let (stream, frame) = (stream.parse().ok()?, frame.parse().ok()?);
        for kind in types.split(',').filter(|kind| ["1", "2", "11"].contains(kind)) {
            places.insert((stream, frame, kind.to_owned()));
        }
        if !alert.is_empty() {
            places.insert((stream, frame, "alert".to_owned()));
        }
    }
    Some(places)
}

/// Where our timelines have them.
fn ours(capture: &Path) -> BTreeSet<Place> {
    let report = report(capture);
    let mut places = BTreeSet::new();
    for connection in connections(&report) {
        for event in connection["timeline"].as_array().into_iter().flatten() {
            let kind = match event["what"].as_str() {
                Some("client-hello") => "1",
                Some("server-hello") => "2",
                Some("certificate") => "11",
                Some("alert") => "alert",
                _ => continue,
            };
            if let (Some(stream), Some(frame)) = (connection["stream"].as_u64(), event["frame"].as_u64()) {
                places.insert((stream, frame, kind.to_owned()));
            }
        }
    }
    places
}

#[test]
fn streams_and_frames_are_tsharks() {
    let mut differences = Vec::new();
    for capture in captures("streams") {
        let name = stem(&capture);
        let Some(theirs) = tshark(&capture) else {
            println!("skipped: tshark is not installed");
            return;
        };
        let (ours, known) = (ours(&capture), TSHARK_DIFFERS.iter().find(|(known, _)| *known == name));
        match (ours == theirs, known) {
            (false, None) => differences.push(format!("{name}: ours {ours:?}, tshark's {theirs:?}")),
            (true, Some((_, reason))) => differences.push(format!("{name}: no difference any more ({reason})")),
            _ => {}
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
