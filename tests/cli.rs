//! The program from outside: exit codes, messages, and what it does when the world around it is not as it should be.

use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A run of the program that is being put together.
struct Run(Command);

impl Run {
    fn new(arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tlswhy"));
        command.args(arguments).stdin(Stdio::null());
        for name in [
            "NO_COLOR",
            "CLICOLOR",
            "CLICOLOR_FORCE",
            "LC_ALL",
            "LC_CTYPE",
            "LANG",
            "SSL_CERT_FILE",
        ] {
            command.env_remove(name);
        }
        Self(command)
    }

    fn with(mut self, path: &Path) -> Self {
        self.0.arg(path);
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    fn output(mut self) -> Output {
        self.0.output().unwrap()
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn assert_exit(output: &Output, code: i32) {
    assert_eq!(output.status.code(), Some(code), "stderr: {}", stderr(output));
}

/// The first capture of a fixture that yields the cause `id`.
fn fixture(id: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(id);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut captures: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            let name = path.file_name().unwrap().to_string_lossy();
            name.starts_with("yes-") && (name.ends_with(".pcap") || name.ends_with(".pcapng"))
        })
        .collect();
    captures.sort();
    captures
        .into_iter()
        .next()
        .unwrap_or_else(|| panic!("{}: no yes-* capture", folder.display()))
}

/// A file of the test's own, gone when the test is.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn help_and_version_succeed() {
    let help = Run::new(&["--help"]).output();
    assert_exit(&help, 0);
    assert!(stdout(&help).contains("Exit status"));
    assert!(
        !stdout(&help).contains("display-filter"),
        "tshark's options are not offered"
    );
    assert_exit(&Run::new(&["--version"]).output(), 0);
}

#[test]
fn nothing_to_read_is_wrong_usage() {
    let output = Run::new(&[]).output();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("no capture is given"));
    assert_exit(&Run::new(&["--no-such-option"]).output(), 2);
}

#[test]
fn options_of_tshark_are_answered_with_what_to_use() {
    for (arguments, answer) in [
        (["-Y", "tls"], "--host"),
        (["-T", "json"], "--format"),
        (["-w", "out.pcap"], "--output"),
        (["-d", "tcp.port==8888,tls"], "every port"),
        (["-o", "gui.columns:x"], "tls.keylog_file"),
    ] {
        let output = Run::new(&arguments).with(Path::new("missing.pcap")).output();
        assert_exit(&output, 2);
        let told = stderr(&output);
        assert!(
            told.starts_with(&format!("tlswhy: {}:", arguments[0])) && told.contains(answer),
            "{told}"
        );
    }
}

#[test]
fn a_missing_file_is_named() {
    let output = Run::new(&["no/such/file.pcap"]).output();
    assert_exit(&output, 2);
    assert!(
        stderr(&output).contains("tlswhy: no/such/file.pcap: cannot open"),
        "{}",
        stderr(&output)
    );
    assert!(output.stdout.is_empty());
}

#[test]
fn what_is_no_capture_is_named() {
    let text = Scratch::new("notes.txt", b"These are notes, and no packets.\n");
    let output = Run::new(&[]).with(&text.0).output();
    assert_exit(&output, 2);
    let told = stderr(&output);
    assert!(
        told.contains(&text.0.display().to_string()) && told.contains("not a capture"),
        "{told}"
    );
}

#[test]
fn one_unreadable_file_among_others_is_damage() {
    let capture = fixture("version-mismatch");
    let output = Run::new(&["no/such/file.pcap"]).with(&capture).output();
    assert_exit(&output, 3);
    assert!(!output.stdout.is_empty());
}

#[test]
fn the_report_names_the_cause() {
    let capture = fixture("version-mismatch");
    let output = Run::new(&[]).with(&capture).output();
    assert_exit(&output, 0);
    assert!(stdout(&output).contains("✗ version-mismatch"), "{}", stdout(&output));
    let line = Run::new(&["--format", "line"]).with(&capture).output();
    assert!(stdout(&line).contains(" failed version-mismatch "), "{}", stdout(&line));
    let read = Run::new(&["-r"]).with(&capture).output();
    assert_eq!(stdout(&read), stdout(&output));
}

#[test]
fn what_is_not_read_yet_is_said_to_be_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/unread");
    let output = Run::new(&[]).with(&folder).output();
    assert_exit(&output, 0);
    let text = stdout(&output);
    assert!(
        text.contains("also  1 DTLS connection to UDP port 4433, 1 QUIC connection to UDP port 443: not read yet"),
        "{text}"
    );
    // To capture more would not help.
    assert!(!text.contains("see more"), "{text}");
    let output = Run::new(&["--json"]).with(&folder.join("quic.pcap")).output();
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        report["captures"][0]["unread"],
        serde_json::json!([{"protocol": "quic", "port": 443, "connections": 1, "first_frame": 1}])
    );
}

#[test]
fn a_capture_can_come_through_a_pipe() {
    let mut run = Run::new(&["--format", "line", "-"]);
    let file = fs::File::open(fixture("version-mismatch")).unwrap();
    run.0.stdin(file);
    let output = run.output();
    assert_exit(&output, 0);
    assert!(
        stdout(&output).contains(" failed version-mismatch "),
        "{}",
        stdout(&output)
    );
}

#[test]
fn fail_on_counts_whatever_is_shown() {
    let capture = fixture("version-mismatch");
    for (condition, code) in [
        ("failed", 1),
        ("version-mismatch", 1),
        ("failed>0.1%", 1),
        ("failed>1000", 0),
        ("missing-intermediate", 0),
    ] {
        let output = Run::new(&["--fail-on", condition]).with(&capture).output();
        assert_exit(&output, code);
    }
    assert_exit(
        &Run::new(&["--fail-on", "failed", "--port", "1"])
            .with(&capture)
            .output(),
        1,
    );
    assert_exit(
        &Run::new(&["--fail-on", "failed", "no/such/file.pcap"])
            .with(&capture)
            .output(),
        1,
    );
}

#[test]
fn conditions_and_filters_on_unknown_causes_are_wrong_usage() {
    for option in ["--fail-on", "--cause"] {
        let output = Run::new(&[option, "no-such-cause", "missing.pcap"]).output();
        assert_exit(&output, 2);
        assert!(stderr(&output).contains("no-such-cause"), "{}", stderr(&output));
    }
}

#[test]
fn the_number_of_threads_does_not_show() {
    let capture = fixture("version-mismatch");
    let one = Run::new(&["--json", "--all", "-j", "1"]).with(&capture).output();
    let seven = Run::new(&["--json", "--all", "-j", "7"]).with(&capture).output();
    let (one, seven): (serde_json::Value, serde_json::Value) = (
        serde_json::from_slice(&one.stdout).unwrap(),
        serde_json::from_slice(&seven.stdout).unwrap(),
    );
    assert_eq!(one["connections"], seven["connections"]);
    assert_eq!(one["summary"], seven["summary"]);
}

#[test]
fn a_key_log_is_accepted_with_a_word_about_it() {
    let capture = fixture("version-mismatch");
    for option in [["--keylog", "keys.log"], ["-o", "tls.keylog_file:keys.log"]] {
        let output = Run::new(&option).with(&capture).output();
        assert_exit(&output, 0);
        assert!(stderr(&output).contains("does not decrypt yet"), "{}", stderr(&output));
    }
}

#[test]
fn colours_are_for_terminals_or_for_those_who_ask() {
    let capture = fixture("version-mismatch");
    let piped = Run::new(&[]).with(&capture).output();
    assert!(!piped.stdout.contains(&0x1b));
    let asked = Run::new(&["--color", "always"]).with(&capture).output();
    assert!(asked.stdout.contains(&0x1b));
    let refused = Run::new(&["--color", "auto"])
        .with(&capture)
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output();
    assert!(!refused.stdout.contains(&0x1b), "NO_COLOR is honoured");
}

#[test]
fn the_report_can_go_to_a_file_but_not_over_its_input() {
    let capture = fixture("version-mismatch");
    let target = Scratch::new("report.json", b"");
    let output = Run::new(&["--json", "--output", target.0.to_str().unwrap()])
        .with(&capture)
        .output();
    assert_exit(&output, 0);
    assert!(output.stdout.is_empty());
    let document: serde_json::Value = serde_json::from_slice(&fs::read(&target.0).unwrap()).unwrap();
    assert_eq!(document["schema"], "tlswhy/1");

    let input = Scratch::new("input.pcap", b"anything");
    let output = Run::new(&["--output", input.0.to_str().unwrap()])
        .with(&input.0)
        .output();
    assert_exit(&output, 2);
    assert_eq!(fs::read(&input.0).unwrap(), b"anything");
}

#[test]
fn trust_that_holds_no_certificate_is_wrong_usage() {
    let text = Scratch::new("ca.pem", b"nothing of use\n");
    let output = Run::new(&["--ca-file", text.0.to_str().unwrap(), "missing.pcap"]).output();
    assert_exit(&output, 2);
    assert!(
        stderr(&output).contains("no usable certificates"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn what_a_file_of_trust_holds_besides_is_told_unless_quiet() {
    let mut pem = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/trust/northwind-root.pem")).unwrap();
    pem.extend(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    let bundle = Scratch::new("bundle.pem", &pem);
    let capture = fixture("certificate-expired");
    let run = |more: &[&str]| {
        let arguments = [&["--ca-file", bundle.0.to_str().unwrap()], more].concat();
        let output = Run::new(&arguments).with(&capture).output();
        assert_exit(&output, 0);
        stderr(&output)
    };
    let told = run(&[]);
    assert!(told.contains("bundle.pem: certificate 2: "), "{told}");
    assert_eq!(run(&["--quiet"]), "");
}

#[test]
fn each_store_is_tried_by_itself_under_its_name() {
    let trust = |name: &str| format!("{}/fixtures/trust/{name}", env!("CARGO_MANIFEST_DIR"));
    let java = format!("java={}", trust("stores/java.jks"));
    let capture = fixture("certificate-expired");
    let run = |more: &[&str]| Run::new(more).with(&capture).output();

    let output = run(&[
        "--json",
        "--trust-store",
        &java,
        "--ca-file",
        &trust("tailspin-root.pem"),
    ]);
    assert_exit(&output, 0);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let told: Vec<_> = document["trust"].as_array().unwrap().iter().collect();
    assert_eq!(told.len(), 3);
    assert_eq!(
        (&told[0]["name"], told[0]["added"].as_bool()),
        (&"mozilla".into(), Some(false))
    );
    assert!(told[0]["removed"].as_u64() > Some(100) && told[0]["date"].is_string());
    assert_eq!(
        (&told[1]["name"], told[1]["anchors"].as_u64()),
        (&"java".into(), Some(2))
    );
    assert_eq!(told[2]["added"], true);

    for wrong in [
        &["--trust", "none", "--trust", "mozilla"][..],
        &["--trust-store", &java, "--trust-store", &java],
        &["--trust-store", "java"],
        &["--trust-store", &format!("java={}", trust("stores/encrypted.p12"))],
    ] {
        assert_exit(&run(wrong), 2);
    }
}

#[test]
fn an_intermediate_that_is_given_completes_a_chain() {
    let folder = format!("{}/fixtures/trust", env!("CARGO_MANIFEST_DIR"));
    let capture = fixture("certificate-expired");
    let output = Run::new(&["--json", "--intermediates", &folder])
        .with(&capture)
        .output();
    assert_exit(&output, 0);
    let document: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!document["options"]["intermediates"].as_array().unwrap().is_empty());
    let missing = Run::new(&["--intermediates", "missing.pem"]).with(&capture).output();
    assert_exit(&missing, 2);
}

#[test]
fn causes_are_listed_and_explained() {
    let list = Run::new(&["causes"]).output();
    assert_exit(&list, 0);
    let ids: Vec<String> = stdout(&list)
        .lines()
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    assert!(ids.contains(&"missing-intermediate".to_owned()));
    for id in ids {
        let page = Run::new(&["explain", &id]).output();
        assert_exit(&page, 0);
        assert!(!page.stdout.is_empty(), "{id} has no page");
    }
}

#[test]
fn an_unknown_cause_is_answered_with_those_near_it() {
    let output = Run::new(&["explain", "intermediate-missing"]).output();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("missing-intermediate"), "{}", stderr(&output));
}

#[test]
fn a_file_called_like_a_command_is_reached_by_its_path() {
    let output = Run::new(&["./causes"]).output();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("./causes: cannot open"), "{}", stderr(&output));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    for arguments in [&["causes"][..], &["--help"][..]] {
        let mut child = Run::new(arguments);
        let mut child = child.0.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut told = String::new();
        child.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0), "{told}");
        assert_eq!(told, "");
    }
    let mut run = Run::new(&["--json"]).with(&fixture("version-mismatch"));
    let mut child = run.0.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_stream_that_ends_before_a_capture_begins_is_named() {
    let mut run = Run::new(&["-"]);
    let mut child = run
        .0
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(b"no").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_exit(&output, 2);
    assert!(
        stderr(&output).contains("tlswhy: -: not a capture"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn filters_that_make_no_sense_are_refused() {
    for arguments in [
        ["--client", "shop.example"],
        ["--since", "yesterday"],
        ["--at", "soon"],
        ["--fail-on", "failed>lots"],
        ["--host", "10.0.0.0/99"],
        ["-t", "x"],
    ] {
        assert_exit(&Run::new(&arguments).with(Path::new("missing.pcap")).output(), 2);
    }
}

/// A file under `fixtures/formats/`.
fn format(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/formats")
        .join(name)
}

#[test]
fn an_archive_can_come_through_a_pipe() {
    for name in [
        "tar.tar.gz",
        "zip-deflate.zip",
        "zip-deflate-lengths-behind.zip",
        "zip-in-a-tar.tar.gz",
    ] {
        let mut run = Run::new(&["--format", "line", "-"]);
        let mut child = run.0.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(&fs::read(format(name)).unwrap())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{name}");
        let told = stdout(&output);
        assert!(
            told.contains(" failed untrusted-root ") && told.contains("captures/a.pcap#10"),
            "{name}: {told}"
        );
    }
}

#[test]
fn a_pattern_chooses_among_the_files_of_a_folder() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let chosen = |patterns: &[&str]| {
        let mut arguments = vec!["--json", "--limit", "1"];
        patterns
            .iter()
            .for_each(|pattern| arguments.extend(["--glob", pattern]));
        let output = Run::new(&arguments).with(&folder).output();
        assert_exit(&output, 0);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["options"]["glob"], serde_json::json!(patterns));
        report["captures"].as_array().unwrap().len()
    };
    assert_eq!(chosen(&["snoop.*"]), 1);
    assert_eq!(chosen(&["formats/snoop*", "formats/pcap-aix.*"]), 2);
    assert_eq!(chosen(&["snoop/*"]), 0);
    let output = Run::new(&["--glob", "[a"]).with(&folder).output();
    assert_exit(&output, 2);
    assert!(stderr(&output).contains("is no pattern"), "{}", stderr(&output));
}

#[test]
fn an_archive_of_other_things_in_a_folder_is_passed_over() {
    let whole = fs::read(format("tar.tar")).unwrap();
    let notes = whole.windows(9).rposition(|bytes| bytes == b"notes.txt").unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-archives", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("notes.tar"), &whole[notes..]).unwrap();
    fs::write(folder.join("text.txt"), "text").unwrap();
    fs::copy(format("snoop.snoop"), folder.join("a.snoop")).unwrap();
    let output = Run::new(&[]).with(&folder).output();
    fs::remove_dir_all(&folder).unwrap();
    assert_exit(&output, 0);
    assert!(
        stdout(&output).contains("2 files are no captures and were passed over"),
        "{}",
        stdout(&output)
    );
}

#[test]
fn each_named_file_that_is_no_capture_gets_its_message_and_the_rest_is_read() {
    let text = Scratch::new("words.txt", b"These are words.\n");
    let output = Run::new(&["--format", "line", "no/such/file"])
        .with(&text.0)
        .with(&format("snoop.snoop"))
        .output();
    assert_exit(&output, 3);
    let told = stderr(&output);
    assert!(
        told.contains("no/such/file: cannot open") && told.contains("words.txt: not a capture: a text file"),
        "{told}"
    );
    assert!(
        stdout(&output).contains(" failed untrusted-root "),
        "{}",
        stdout(&output)
    );
}
