//! The entry points of the fuzz targets, fed with what the fuzzers once found and with the bytes of the fixtures: they assert more than that
//! nothing panics.
//!
//! `data/fuzzed/TARGET-what-it-was` holds inputs that broke something. The fuzzers themselves are in `fuzz/`.

mod support {
    pub(crate) mod fixtures;
}

use std::fs;
use std::path::Path;

use support::fixtures;
use tlswhy::internal;

/// Bytes of a fixture that are taken for one input where a whole file is none.
const PIECE: usize = 600;

/// Every input that was found for a target.
fn found(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fuzzed");
    let Ok(entries) = fs::read_dir(&folder) else {
        return Vec::new();
    };
    let mut paths: Vec<_> = entries
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    paths.sort();
    let is_of_target = |path: &Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.strip_prefix(target).is_some_and(|rest| rest.starts_with('-'))
    };
    paths.retain(|path| is_of_target(path));
    paths
        .iter()
        .map(|path| fs::read(path).expect("it can be read"))
        .collect()
}

/// The files of the fixtures.
fn fixtures() -> impl Iterator<Item = Vec<u8>> {
    fixtures::captures()
        .into_iter()
        .map(|path| fs::read(path).expect("it can be read"))
}

/// What was found for a target, and the fixtures in pieces that begin anywhere.
fn feed(target: &str, entry_point: fn(&[u8])) {
    found(target).iter().for_each(|input| entry_point(input));
    for fixture in fixtures() {
        fixture.chunks(PIECE).for_each(entry_point);
    }
}

#[test]
fn captures_are_read_the_same_in_reads_of_any_size() {
    found("capture").iter().for_each(|input| internal::fuzz_capture(input));
    // Every reading takes a window of megabytes.
    for fixture in fixtures().step_by(6) {
        internal::fuzz_capture(&[&[61, 0][..], &fixture].concat());
    }
}

#[test]
fn packets_are_read_the_same_on_both_paths() {
    feed("packet", internal::fuzz_packet);
}

#[test]
fn segments_give_the_bytes_of_the_model() {
    feed("tcp", internal::fuzz_tcp);
}

#[test]
fn streams_give_the_same_items_in_any_pieces() {
    feed("tls_stream", internal::fuzz_tls_stream);
}

#[test]
fn conversations_are_handed_out_where_they_stand() {
    feed("preamble", internal::fuzz_preamble);
}

#[test]
fn certificates_are_examined_the_same_twice() {
    feed("certificate_chain", internal::fuzz_certificates);
}

#[test]
fn nothing_revokes_by_chance() {
    feed("revocation", internal::fuzz_revocation);
}
