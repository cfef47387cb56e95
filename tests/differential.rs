//! Our numbering against tshark's: the stream and the frame of every ClientHello.
//!
//! Needs tshark; runs over the fixtures, and over the corpus where it is there. Captures where the two differ for a known reason are
//! listed with that reason in `data/tshark-exceptions.txt`.

mod support {
    pub(crate) mod corpus;
    pub(crate) mod fixtures;
    pub(crate) mod program;
}

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use support::{corpus, fixtures, program};

/// A stream and a frame.
type Place = (u64, u64);

/// What tshark says; None where there is no tshark.
fn tshark(capture: &Path) -> Option<BTreeSet<Place>> {
    let output = Command::new("tshark")
        .args([
            "-n",
            "-o",
            "tcp.reassemble_out_of_order:TRUE",
            "-Y",
            "tcp && tls.handshake.type==1",
            "-T",
            "fields",
        ])
        .args(["-e", "tcp.stream", "-e", "frame.number", "-r"])
        .arg(capture)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let place = |line: &str| {
        // a packet inside a tunnel, or an ICMP message, lists the streams of all its layers: ours is the last
        let (streams, frame) = line.split_once('\t')?;
        Some((streams.rsplit(',').next()?.parse().ok()?, frame.parse().ok()?))
    };
    Some(text.lines().filter_map(place).collect())
}

/// What our timelines say.
fn ours(capture: &Path) -> BTreeSet<Place> {
    let arguments = ["--format", "json", "--all", "--color", "never"].map(PathBuf::from);
    let output = program::run(arguments.into_iter().chain([capture.to_owned()]));
    let report: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{}: no JSON ({error}), {}", capture.display(), output.status));
    let mut places = BTreeSet::new();
    for connection in report["connections"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["transport"] == "tcp")
    {
        for event in connection["timeline"].as_array().into_iter().flatten() {
            if event["what"] == "client-hello"
                && let (Some(stream), Some(frame)) = (connection["stream"].as_u64(), event["frame"].as_u64())
            {
                places.insert((stream, frame));
            }
        }
    }
    places
}

/// The captures that are known to differ, each with the reason.
fn exceptions() -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tshark-exceptions.txt");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (name, reason) = line
                .split_once(' ')
                .unwrap_or_else(|| panic!("{line}: no reason is given"));
            (name.to_owned(), reason.trim().to_owned())
        })
        .collect()
}

fn compare(captures: &[PathBuf]) {
    let exceptions = exceptions();
    let mut differences = Vec::new();
    for capture in captures {
        let Some(theirs) = tshark(capture) else {
            println!("skipped: tshark is not installed");
            return;
        };
        let name = capture.file_name().unwrap_or_default().to_string_lossy();
        let ours = ours(capture);
        if ours != theirs && !exceptions.contains_key(name.as_ref()) {
            let only_ours: Vec<&Place> = ours.difference(&theirs).collect();
            let only_theirs: Vec<&Place> = theirs.difference(&ours).collect();
            differences.push(format!(
                "{name}: only ours {only_ours:?}, only tshark's {only_theirs:?}"
            ));
        }
    }
    assert!(
        differences.is_empty(),
        "(stream, frame) of the ClientHellos differ:\n{}",
        differences.join("\n")
    );
}

#[test]
fn client_hellos_of_the_fixtures_are_where_tshark_sees_them() {
    compare(&fixtures::captures());
}

#[test]
fn client_hellos_of_the_corpus_are_where_tshark_sees_them() {
    let Some(folder) = corpus::captures() else {
        println!("skipped: no corpus beside the project, and TLSWHY_CORPUS names none");
        return;
    };
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut captures: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    captures.sort();
    compare(&captures);
}
