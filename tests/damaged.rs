//! Damaged input gets a message, what could be read of it, and the right exit code; never a panic. `data/make.py` made the files.

mod support {
    pub(crate) mod program;
}

use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use support::program;

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)
}

/// Runs the program on files of `data/`, after these options.
fn run(options: &[&str], names: &[&str]) -> Output {
    let mut arguments: Vec<PathBuf> = ["--format", "json", "--all"]
        .iter()
        .chain(options)
        .map(PathBuf::from)
        .collect();
    arguments.extend(names.iter().map(|name| data(name)));
    let output = program::run(arguments);
    assert!(!said(&output).contains("panicked"), "{names:?}: {}", said(&output));
    output
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn report(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("no JSON: {error}; {}", said(output)))
}

/// What the report says of its only capture.
fn problems(report: &Value) -> &Vec<Value> {
    report["captures"][0]["problems"]
        .as_array()
        .expect("every capture lists its problems")
}

fn assert_shows_the_refusal(report: &Value) {
    assert_eq!(
        report["connections"][0]["cause"]["id"], "version-mismatch",
        "what lies before the damage is judged"
    );
}

#[test]
fn an_empty_file_is_no_capture() {
    let output = run(&[], &["empty.pcap"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("empty.pcap"), "{}", said(&output));
}

#[test]
fn a_text_file_is_no_capture() {
    let output = run(&[], &["text.pcap"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("text.pcap"), "{}", said(&output));
}

#[test]
fn a_long_text_file_is_called_what_it_is() {
    let output = run(&[], &["make.py"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("not a capture: a text file"),
        "{}",
        said(&output)
    );
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let output = run(&[], &["no-such.pcap"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("no-such.pcap"), "{}", said(&output));
}

#[test]
fn one_unreadable_file_among_others_does_not_keep_them_from_being_read() {
    let output = run(&[], &["text.pcap", "cut-in-a-packet.pcap"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(said(&output).contains("text.pcap"), "{}", said(&output));
    assert_shows_the_refusal(&report(&output));
}

#[test]
fn a_header_alone_is_a_capture_without_packets() {
    let output = run(&[], &["header-only.pcap"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = report(&output);
    assert_eq!(report["captures"][0]["packets"], 0);
    assert_eq!(report["connections"].as_array().map(Vec::len), Some(0));
}

#[test]
fn a_cut_last_packet_is_a_note() {
    let output = run(&[], &["cut-in-a-packet.pcap"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = report(&output);
    assert_shows_the_refusal(&report);
    assert_eq!(problems(&report).len(), 1, "{report:#}");
}

#[test]
fn a_cut_last_packet_is_damage_if_asked_so() {
    assert_eq!(run(&["--strict"], &["cut-in-a-packet.pcap"]).status.code(), Some(3));
}

#[test]
fn a_length_beyond_all_measure_is_damage() {
    let output = run(&[], &["lying-caplen.pcap"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = report(&output);
    assert_shows_the_refusal(&report);
    assert!(!problems(&report).is_empty());
}

#[test]
fn a_cut_gzip_stream_gives_what_it_held() {
    let output = run(&[], &["cut-in-gzip.pcap.gz"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let cut = report(&output);
    assert_shows_the_refusal(&cut);
    assert!(!problems(&cut).is_empty());
    assert_eq!(run(&["--strict"], &["cut-in-gzip.pcap.gz"]).status.code(), Some(3));
}

#[test]
fn a_block_with_an_impossible_length_is_damage() {
    let output = run(&[], &["bad-block.pcapng"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = report(&output);
    assert_shows_the_refusal(&report);
    assert!(!problems(&report).is_empty());
}

#[test]
fn a_problem_says_where_it_lies_and_what_was_done() {
    let report = report(&run(&[], &["lying-caplen.pcap"]));
    for problem in problems(&report) {
        assert!(
            problem["offset"].as_u64().is_some_and(|offset| offset >= 24),
            "{problem}"
        );
        assert!(
            problem["what"].as_str().is_some_and(|what| !what.is_empty()),
            "{problem}"
        );
    }
}

#[test]
fn one_bad_file_in_a_folder_does_not_keep_the_others_from_being_read() {
    let folder = std::env::temp_dir().join(format!("tlswhy-bad-file-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let whole = std::fs::read(data("lying-caplen.pcap")).expect("test data");
    std::fs::write(folder.join("a.pcap"), &whole[..16]).expect("a header that is cut");
    std::fs::write(folder.join("b.pcap"), &whole).expect("a capture");
    let output = program::run(["--format".into(), "json".into(), folder.clone()].to_vec());
    std::fs::remove_dir_all(&folder).expect("the folder again");
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = report(&output);
    let paths: Vec<&str> = report["captures"]
        .as_array()
        .expect("captures")
        .iter()
        .filter_map(|one| one["path"].as_str())
        .collect();
    assert!(paths.iter().any(|path| path.ends_with("a.pcap")) && paths.iter().any(|path| path.ends_with("b.pcap")));
    assert!(!report["connections"].as_array().expect("connections").is_empty());
}
