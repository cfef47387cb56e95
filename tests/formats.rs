//! The same conversation in every format, variant, compression and archive: what is said of it must not differ. `fixtures/make/formats.py`
//! made the files.

mod support {
    pub(crate) mod program;
    pub(crate) mod variants;
}

use std::collections::BTreeSet;

use serde_json::{Value, json};
use support::variants;

/// Each file, what it is in a few words, and the format that the report names.
const FILES: &[(&str, &str, &str)] = &[
    ("pcap-big-endian.pcap", "pcap, the other byte order", "pcap"),
    ("pcap-nanoseconds.pcap", "pcap, nanoseconds", "pcap"),
    (
        "pcap-nanoseconds-big-endian.pcap",
        "pcap, nanoseconds, the other byte order",
        "pcap",
    ),
    ("pcap-kuznetzov.pcap", "pcap, Kuznetzov's longer record headers", "pcap"),
    (
        "pcap-kuznetzov-big-endian.pcap",
        "the same, the other byte order",
        "pcap",
    ),
    (
        "pcap-red-hat-6.pcap",
        "pcap of Red Hat 6.1: longer record headers, untold",
        "pcap",
    ),
    (
        "pcap-suse-6.pcap",
        "pcap of SuSE 6.3: still longer ones, untold",
        "pcap",
    ),
    (
        "pcap-nokia.pcap",
        "pcap of Nokia's systems: longer record headers, untold",
        "pcap",
    ),
    (
        "pcap-aix.pcap",
        "pcap of AIX: nanoseconds, interface types for links",
        "pcap",
    ),
    ("pcap-ixia-hardware.pcap", "pcap of Ixia's hardware", "pcap"),
    ("pcap-ixia-software.pcap", "pcap of Ixia's software", "pcap"),
    (
        "pcap-version-2.2-lengths-swapped.pcap",
        "pcap 2.2, whose lengths are swapped",
        "pcap",
    ),
    (
        "pcap-version-2.3-lengths-swapped.pcap",
        "pcap 2.3 with swapped lengths",
        "pcap",
    ),
    ("pcap-version-2.3.pcap", "pcap 2.3 without", "pcap"),
    (
        "pcap-frame-check-sequence.pcap",
        "pcap, frame check sequences told by the link type",
        "pcap",
    ),
    ("pcapng.pcapng", "pcapng, enhanced packet blocks", "pcapng"),
    ("pcapng-big-endian.pcapng", "pcapng, the other byte order", "pcapng"),
    (
        "pcapng-obsolete-packets.pcapng",
        "pcapng, obsolete packet blocks",
        "pcapng",
    ),
    (
        "pcapng-simple-packets.pcapng",
        "pcapng, simple packet blocks: no times",
        "pcapng",
    ),
    (
        "pcapng-nanoseconds.pcapng",
        "pcapng, if_tsresol of nanoseconds",
        "pcapng",
    ),
    (
        "pcapng-resolution-of-2.pcapng",
        "pcapng, if_tsresol of a power of 2",
        "pcapng",
    ),
    ("pcapng-time-offset.pcapng", "pcapng, if_tsoffset", "pcapng"),
    (
        "pcapng-time-offset-big-endian.pcapng",
        "pcapng, if_tsoffset, the other byte order",
        "pcapng",
    ),
    ("pcapng-fcs-of-the-interface.pcapng", "pcapng, if_fcslen", "pcapng"),
    (
        "pcapng-fcs-of-the-packet.pcapng",
        "pcapng, the same by the packets' flags",
        "pcapng",
    ),
    (
        "pcapng-sections-of-both-orders.pcapng",
        "pcapng, two sections, their interfaces numbered anew",
        "pcapng",
    ),
    (
        "pcapng-link-types-mixed.pcapng",
        "pcapng, three link types, interfaces described in mid-file",
        "pcapng",
    ),
    (
        "pcapng-comments-names-secrets.pcapng",
        "pcapng, comments, names, secrets, statistics",
        "pcapng",
    ),
    (
        "pcapng-unknown-blocks.pcapng",
        "pcapng, blocks of unknown types",
        "pcapng",
    ),
    (
        "pcapng-blocks-that-count-as-frames.pcapng",
        "pcapng, journal and custom blocks",
        "pcapng",
    ),
    ("snoop.snoop", "snoop (RFC 1761)", "snoop"),
    ("erf-ethernet.erf", "ERF, Ethernet", "erf"),
    (
        "erf-ethernet-extension-headers.erf",
        "ERF, Ethernet with extension headers",
        "erf",
    ),
    (
        "erf-ethernet-colour.erf",
        "ERF, coloured Ethernet, a filling record",
        "erf",
    ),
    ("erf-ethernet-dsm.erf", "ERF, Ethernet coloured by DSM", "erf"),
    ("erf-hdlc.erf", "ERF, Cisco HDLC over SONET", "erf"),
    ("erf-hdlc-colour.erf", "the same, coloured", "erf"),
    ("erf-hdlc-dsm-ppp.erf", "ERF, PPP over SONET, coloured by DSM", "erf"),
    ("erf-ipv4.erf", "ERF, IPv4 without a link", "erf"),
    ("gzip.pcap.gz", "gzip", "pcap"),
    ("gzip-members.pcap.gz", "gzip, two members", "pcap"),
    ("gzip-of-pcapng.pcapng.gz", "gzip of pcapng", "pcapng"),
    ("zstd.pcap.zst", "zstd", "pcap"),
    ("zstd-frames.pcap.zst", "zstd, a skippable frame and two others", "pcap"),
    ("bzip2.pcap.bz2", "bzip2", "pcap"),
    ("bzip2-streams.pcap.bz2", "bzip2, two streams", "pcap"),
    ("xz.pcap.xz", "xz", "pcap"),
    ("xz-streams.pcap.xz", "xz, two streams and padding", "pcap"),
    ("lz4.pcap.lz4", "LZ4", "pcap"),
    ("lz4-frames.pcap.lz4", "LZ4, two frames", "pcap"),
    ("tar.tar", "tar, among other entries", "pcap"),
    ("tar-gnu-long-name.tar", "tar, GNU's long name", "pcap"),
    ("tar-pax-long-name.tar", "tar, pax's long name", "pcap"),
    ("tar.tar.gz", "tar in gzip", "pcap"),
    ("tar.tar.zst", "tar in zstd", "pcap"),
    ("tar.tar.bz2", "tar in bzip2", "pcap"),
    ("tar.tar.xz", "tar in xz", "pcap"),
    ("tar.tar.lz4", "tar in LZ4", "pcap"),
    ("tar-of-a-gzip.tar", "tar of a compressed capture", "pcap"),
    ("zip-stored.zip", "zip, stored", "pcap"),
    ("zip-deflate.zip", "zip, deflated", "pcap"),
    ("zip-deflate-lengths-behind.zip", "zip, as written into a pipe", "pcap"),
    ("zip-bzip2.zip", "zip, bzip2", "pcap"),
    ("zip-deflate64.zip", "zip, deflate64", "pcap"),
    ("zip-zstd.zip", "zip, zstd", "pcap"),
    ("zip-xz.zip", "zip, xz", "pcap"),
    ("zip-of-a-zstd.zip", "zip of a compressed capture", "pcap"),
    ("zip-in-a-tar.tar.gz", "zip in tar in gzip", "pcap"),
];

/// Packets of the base capture.
const PACKETS: u64 = 12;

/// The name of a file under `formats/`.
fn name(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn report(file: &str) -> Value {
    let path = variants::captures("formats")
        .into_iter()
        .find(|path| name(path) == file);
    variants::report(&path.unwrap_or_else(|| panic!("{file} is not there")))
}

#[test]
fn every_file_is_listed_with_what_it_is() {
    let there: BTreeSet<String> = variants::captures("formats").iter().map(|path| name(path)).collect();
    let listed: BTreeSet<String> = FILES.iter().map(|(file, ..)| (*file).to_owned()).collect();
    assert_eq!(there, listed);
    assert_eq!(listed.len(), FILES.len(), "a file is listed twice");
}

#[test]
fn the_same_is_said_of_the_same_connection() {
    let base = variants::base();
    let mut differ = Vec::new();
    for (file, what, format) in FILES {
        let report = report(file);
        let captures = report["captures"].as_array().map_or(&[][..], Vec::as_slice);
        let [capture] = captures else {
            differ.push(format!("{file} ({what}): {} captures", captures.len()));
            continue;
        };
        // Journal entries and custom blocks are frames, too.
        let frames = PACKETS + if file.contains("count-as-frames") { 3 } else { 0 };
        for (key, expected) in [
            ("packets", json!(frames)),
            ("format", json!(format)),
            ("problems", json!([])),
        ] {
            if capture[key] != expected {
                differ.push(format!("{file} ({what}): {key} is {}", capture[key]));
            }
        }
        let told = variants::told(&report);
        if told != base {
            differ.push(format!("{file} ({what}): {told:#?}"));
        }
    }
    assert!(
        differ.is_empty(),
        "{} differences:\n{}",
        differ.len(),
        differ.join("\n")
    );
}

#[test]
fn times_are_the_same_whatever_they_are_counted_in() {
    let base = report("pcapng.pcapng");
    for (file, ..) in FILES.iter().filter(|(file, ..)| !file.contains("simple")) {
        let capture = &report(file)["captures"][0];
        for key in ["first", "last"] {
            let (got, expected) = (
                capture[key].as_str().unwrap_or("?"),
                base["captures"][0][key].as_str().unwrap(),
            );
            // A power of 2 cannot say every microsecond.
            let same = if file.contains("resolution-of-2") || file.starts_with("erf") {
                got.get(..23) == expected.get(..23)
            } else {
                got == expected
            };
            assert!(same, "{file}: {key} is {got}, not {expected}");
        }
    }
}

#[test]
fn a_member_of_an_archive_is_named_by_its_path_in_it() {
    for (file, member) in [
        ("tar.tar.gz", "tar.tar.gz/captures/a.pcap"),
        ("zip-deflate.zip", "zip-deflate.zip/captures/a.pcap"),
        ("zip-in-a-tar.tar.gz", "zip-in-a-tar.tar.gz/inner.zip/captures/a.pcap"),
        ("tar-of-a-gzip.tar", "tar-of-a-gzip.tar/a.pcap.gz"),
    ] {
        let report = report(file);
        let path = report["captures"][0]["path"].as_str().unwrap_or_default();
        assert!(path.ends_with(&format!("formats/{member}")), "{path}");
        assert_eq!(report["connections"][0]["capture"], *path);
    }
    for (file, ..) in FILES.iter().filter(|(file, ..)| file.contains("long-name")) {
        let path = report(file)["captures"][0]["path"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let name = "of-a-sensor-with-a-long-name/".repeat(6);
        assert!(path.ends_with(&format!("/captures/{name}a.pcap")), "{path}");
    }
}

#[test]
fn comments_names_and_the_number_of_secrets_reach_the_report() {
    let capture = &report("pcapng-comments-names-secrets.pcapng")["captures"][0];
    assert_eq!(
        capture["comments"],
        json!([
            {"frame": null, "text": "the base capture, with everything that pcapng can say beside it"},
            {"frame": null, "text": "towards the clients"},
            {"frame": 4, "text": "the hello"},
            {"frame": 10, "text": "here the client gives up"},
            {"frame": 10, "text": "für Bob"},
        ])
    );
    assert_eq!(
        capture["names"],
        json!([{"address": "10.20.0.1", "name": "shop.example"}, {"address": "::1", "name": "gateway"}])
    );
    assert_eq!(capture["interfaces"], json!(["eth0"]));
    assert_eq!(capture["secrets"], 1);
}
