//! Damaged input gets a message, what could be read of it, and the right exit code; never a panic. `data/make.py` made the files.

mod support {
    pub(crate) mod program;
}

use std::fs;
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
    fs::create_dir_all(&folder).expect("a folder");
    let whole = fs::read(data("lying-caplen.pcap")).expect("test data");
    fs::write(folder.join("a.pcap"), &whole[..16]).expect("a header that is cut");
    fs::write(folder.join("b.pcap"), &whole).expect("a capture");
    let output = program::run(["--format".into(), "json".into(), folder.clone()].to_vec());
    fs::remove_dir_all(&folder).expect("the folder again");
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

/// The bytes of a file under `fixtures/formats/`.
fn sound(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/formats")
        .join(name);
    fs::read(path).expect("a fixture")
}

/// Runs the program on these bytes as a file of this name, after these options.
fn run_on(name: &str, bytes: &[u8], options: &[&str]) -> Output {
    let folder = std::env::temp_dir().join(format!("tlswhy-{name}-{}-{}", options.len(), std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join(name);
    fs::write(&file, bytes).expect("a file");
    let mut arguments: Vec<PathBuf> = ["--format", "json", "--all"]
        .iter()
        .chain(options)
        .map(PathBuf::from)
        .collect();
    arguments.push(file);
    let output = program::run(arguments);
    fs::remove_dir_all(&folder).expect("the folder again");
    assert!(!said(&output).contains("panicked"), "{name}: {}", said(&output));
    output
}

#[test]
fn every_compression_that_is_cut_gives_what_it_has() {
    for (name, least) in [
        ("gzip.pcap.gz", 1),
        ("zstd.pcap.zst", 1),
        // One block of these is the whole file, and it cannot be read without its end.
        ("bzip2.pcap.bz2", 0),
        ("lz4.pcap.lz4", 0),
        ("xz.pcap.xz", 1),
        ("lz4-frames.pcap.lz4", 1),
        ("bzip2-streams.pcap.bz2", 1),
    ] {
        let whole = sound(name);
        let output = run_on(name, &whole[..whole.len() - whole.len() / 4], &[]);
        if least == 0 {
            assert_eq!(output.status.code(), Some(2), "{name}: {}", said(&output));
            assert!(
                said(&output).contains("data that cannot be decompressed"),
                "{name}: {}",
                said(&output)
            );
            continue;
        }
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
        let report = report(&output);
        let packets = report["captures"][0]["packets"].as_u64().unwrap_or(0);
        assert!((least..12).contains(&packets), "{name}: {packets} packets");
        let what = problems(&report)[0]["what"].as_str().unwrap_or_default();
        assert!(what.ends_with("data ends before its time"), "{name}: {what}");
    }
}

#[test]
fn an_archive_that_is_cut_is_a_note_and_gives_what_it_has() {
    for name in ["tar.tar", "tar.tar.xz", "zip-deflate.zip", "zip-stored.zip"] {
        let whole = sound(name);
        // In the middle of the capture.
        let output = run_on(name, &whole[..whole.len() / 3], &[]);
        let report = report(&output);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", said(&output));
        assert_eq!(
            report["connections"].as_array().map(Vec::len),
            Some(1),
            "{name}: {report:#}"
        );
        let what = problems(&report)[0]["what"].as_str().unwrap_or_default();
        assert!(what.ends_with("archive ends before its time"), "{name}: {what}");
        assert_eq!(
            run_on(name, &whole[..whole.len() / 3], &["--strict"]).status.code(),
            Some(3),
            "{name}"
        );
    }
}

#[test]
fn a_damaged_member_of_an_archive_is_told_and_the_others_are_read() {
    let mut archive = sound("tar-of-a-gzip.tar");
    archive[512 + 100] ^= 0xff;
    // Behind it another archive, which many programs would not see.
    let end = archive.len() - 1024;
    archive.truncate(end);
    archive.extend(sound("tar.tar"));
    let output = run_on("both.tar", &archive, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = report(&output);
    let captures = report["captures"].as_array().expect("captures");
    let path = |at: usize| captures[at]["path"].as_str().unwrap_or_default();
    let damaged = (0..captures.len())
        .find(|at| path(*at).ends_with("both.tar/a.pcap.gz"))
        .expect("the damaged one");
    assert!(!captures[damaged]["problems"].as_array().expect("problems").is_empty());
    let sound = (0..captures.len())
        .find(|at| path(*at).ends_with("both.tar/captures/a.pcap"))
        .expect("the other one");
    assert_eq!(
        (&captures[sound]["packets"], &captures[sound]["problems"]),
        (&12.into(), &Value::Array(Vec::new()))
    );
}

#[test]
fn an_encrypted_member_is_said_to_be_so() {
    let mut archive = sound("zip-stored.zip");
    archive[6] |= 1;
    let directory = archive
        .windows(4)
        .position(|bytes| bytes == b"PK\x01\x02")
        .expect("a directory");
    archive[directory + 8] |= 1;
    let output = run_on("secret.zip", &archive, &[]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = report(&output);
    let what = problems(&report)[0]["what"].as_str().unwrap_or_default();
    assert!(
        what.contains("secret.zip/captures/a.pcap") && what.contains("encrypted"),
        "{what}"
    );
}

#[test]
fn an_archive_without_a_capture_is_none() {
    let whole = sound("tar.tar");
    // The entry of the text file that lies beside the capture, and the end of the archive.
    let notes = whole
        .windows(9)
        .rposition(|bytes| bytes == b"notes.txt")
        .expect("the text file");
    let output = run_on("notes.tar", &whole[notes..], &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said(&output).contains("an archive without a capture in it"),
        "{}",
        said(&output)
    );
}

#[test]
fn formats_that_are_not_read_are_answered_with_what_converts_them() {
    let mut trace = vec![0_u8; 1024];
    trace[..4].copy_from_slice(&0x1_0000_u32.to_le_bytes());
    trace[72..76].copy_from_slice(&[2, 0, 2, 0xc0]);
    for (name, bytes, answer) in [
        ("a.etl", trace.as_slice(), "etl2pcapng"),
        ("a.cap", b"GMBU\0\x02\x01\0and more", "editcap"),
        ("b.cap", b"RTSS\x01\x01\x01\0and more", "editcap"),
        ("a.enc", b"TRSNIFF data    \x1a", "editcap"),
    ] {
        let output = run_on(name, bytes, &[]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(said(&output).contains(answer), "{name}: {}", said(&output));
    }
}

#[test]
fn comments_beyond_what_is_kept_are_a_note_and_no_damage() {
    let mut file = sound("pcapng.pcapng");
    let mut block = 6_u32.to_le_bytes().to_vec();
    block.extend(40_u32.to_le_bytes());
    block.extend([0; 20]);
    block.extend([1, 0, 2, 0, b'o', b'k', 0, 0]);
    block.extend(40_u32.to_le_bytes());
    for _ in 0..1_001 {
        file.extend(&block);
    }
    let output = run_on("comments.pcapng", &file, &["--strict"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = report(&output);
    assert_eq!(report["captures"][0]["comments"].as_array().map(Vec::len), Some(1_000));
    let what = problems(&report)[0]["what"].as_str().unwrap_or_default();
    assert!(what.contains("1,000"), "{what}");
}
