//! The verdicts on the captures under `fixtures/`, and the rules that hold for all of them. `fixtures/README.md` tells the fields.

mod support {
    pub(crate) mod fixtures;
    pub(crate) mod program;
}

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde_json::Value;
use support::{fixtures, program};

/// Causes that are told beside the verdict only.
const REMARKS: &[&str] = &["contradictory-copies", "starttls-injection", "unprotected-session"];

/// What the clients of the fixtures log in with: as it is, in base64 (alone, and as PLAIN and Basic have it).
const SECRETS: &[&str] = &[
    "correct-horse",
    "Y29ycmVjdC1ob3JzZS",
    "AG1pcmEAY29ycmVjdC1ob3JzZS",
    "bWlyYTpjb3JyZWN0LWhvcnNl",
];

/// One capture, what is expected of it, and what the program says.
struct Fixture {
    /// The folder: a cause, or `sound`.
    folder: String,
    /// The file's name up to the first dot.
    stem: String,
    expected: Value,
    report: Value,
}

impl Fixture {
    fn load(capture: &Path) -> Self {
        let name = capture.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let stem = name.split('.').next().unwrap_or_default().to_owned();
        let folder = capture.parent().expect("a fixture lies in a folder");
        let expectation = folder.join(format!("{stem}.json"));
        let text =
            fs::read_to_string(&expectation).unwrap_or_else(|error| panic!("{}: {error}", expectation.display()));
        let expected: Value =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", expectation.display()));

        let mut arguments: Vec<PathBuf> = ["--format", "json", "--all", "--color", "never"]
            .map(PathBuf::from)
            .into();
        if let Some(trust) = expected["trust"].as_str() {
            arguments.extend([PathBuf::from("--ca-file"), folder.join(trust)]);
        }
        arguments.push(capture.to_owned());
        let output = program::run(arguments);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            panic!("{}: no JSON ({error}), {}: {said}", capture.display(), output.status)
        });
        let folder = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self {
            folder,
            stem,
            expected,
            report,
        }
    }

    fn name(&self) -> String {
        format!("{}/{}", self.folder, self.stem)
    }

    fn connections(&self) -> &[Value] {
        self.report["connections"].as_array().map_or(&[], Vec::as_slice)
    }

    fn connection(&self, stream: &Value) -> Option<&Value> {
        self.connections()
            .iter()
            .find(|one| one["transport"] == "tcp" && one["stream"] == *stream)
    }

    fn has(&self, cause: &str) -> bool {
        let is_verdict = |one: &Value| one["cause"]["id"] == cause;
        let is_remark = |one: &Value| {
            let findings = one["findings"].as_array().map_or(&[][..], Vec::as_slice);
            REMARKS.contains(&cause) && findings.iter().any(|finding| finding["id"] == cause)
        };
        self.connections().iter().any(|one| is_verdict(one) || is_remark(one))
    }
}

/// All fixtures, each run once.
fn all() -> &'static [Fixture] {
    static ALL: OnceLock<Vec<Fixture>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        fixtures::captures()
            .iter()
            .map(|capture| Fixture::load(capture))
            .collect()
    });
    assert!(!all.is_empty(), "there are no fixtures");
    all
}

/// The causes of the catalogue, as the program lists them.
fn catalogue() -> BTreeSet<String> {
    let output = program::run(["causes"]);
    let text = String::from_utf8(output.stdout).expect("the list is UTF-8");
    let ids: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .map(str::to_owned)
        .collect();
    assert!(!ids.is_empty(), "the program lists no causes");
    ids
}

fn assert_none(mismatches: &[String]) {
    assert!(
        mismatches.is_empty(),
        "{} of them:\n{}",
        mismatches.len(),
        mismatches.join("\n")
    );
}

/// Whether the value is the expected one, or among those that are accepted beside it.
fn fits(got: &Value, expected: &Value, accepted: &Value) -> bool {
    got == expected || accepted.as_array().is_some_and(|accepted| accepted.contains(got))
}

/// What differs in one connection, in words.
fn differences(got: &Value, expected: &Value) -> Vec<String> {
    let mut differences = Vec::new();
    let mut compare = |what: &str, got: &Value, accepted: &str| {
        if !fits(got, &expected[what], &expected[accepted]) {
            differences.push(format!("{what} is {got}, not {}", expected[what]));
        }
    };
    compare("cause", &got["cause"]["id"], "accept");
    compare("outcome", &got["outcome"], "accept_outcome");
    if !expected["aborted_by"].is_null() {
        compare("aborted_by", &got["aborted_by"], "accept_aborted_by");
    }
    if let Some(spoken) = expected["preamble"].as_array() {
        let told = got["preamble"].as_array().map_or(&[][..], Vec::as_slice);
        let told: Vec<&Value> = told.iter().map(|one| &one["protocol"]).collect();
        if told != spoken.iter().collect::<Vec<_>>() {
            differences.push(format!("before TLS {told:?} was spoken, not {spoken:?}"));
        }
    }
    differences
}

/// Every string in a value, one after the other, in lower case and with plain spaces between the words.
fn words(value: &Value) -> String {
    fn walk(value: &Value, text: &mut String) {
        match value {
            Value::String(string) => {
                text.push(' ');
                text.push_str(string);
            }
            Value::Array(values) => values.iter().for_each(|value| walk(value, text)),
            Value::Object(fields) => fields.values().for_each(|value| walk(value, text)),
            _ => {}
        }
    }
    let mut text = String::new();
    walk(value, &mut text);
    plain(&text)
}

fn plain(text: &str) -> String {
    let text = text.to_lowercase();
    let separated = text.split(|c: char| c.is_whitespace() || "_-\"'".contains(c));
    separated.filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

#[test]
fn credentials_are_never_shown() {
    let captured = |secret: &str| {
        let holds = |capture: &Path| {
            let bytes = fs::read(capture).expect("a fixture can be read");
            bytes.windows(secret.len()).any(|window| window == secret.as_bytes())
        };
        fixtures::captures().iter().any(|capture| holds(capture))
    };
    for secret in SECRETS {
        assert!(captured(secret), "{secret} is in no capture");
        for fixture in all() {
            assert!(!fixture.report.to_string().contains(secret), "{}", fixture.name());
        }
    }
}

#[test]
fn every_fixture_gets_its_verdict() {
    let mut mismatches = Vec::new();
    for fixture in all() {
        let expected = fixture.expected["connections"]
            .as_array()
            .expect("a list of connections");
        for expected in expected {
            let at = format!("{} stream {}", fixture.name(), expected["stream"]);
            let Some(got) = fixture.connection(&expected["stream"]) else {
                if expected["may_be_absent"] != true {
                    mismatches.push(format!("{at}: not in the report; it should be {}", expected["cause"]));
                }
                continue;
            };
            let differences = differences(got, expected);
            if !differences.is_empty() {
                mismatches.push(format!(
                    "{at}: {}; it says {}",
                    differences.join(", "),
                    got["cause"]["sentence"]
                ));
            }
        }
    }
    assert_none(&mismatches);
}

#[test]
fn explanations_mention_what_matters() {
    let mut mismatches = Vec::new();
    for fixture in all() {
        let expected = fixture.expected["connections"]
            .as_array()
            .expect("a list of connections");
        // words belong to the first-named cause; another answer that is accepted has its own
        let first_named = |expected: &Value| {
            fixture
                .connection(&expected["stream"])
                .is_some_and(|got| got["cause"]["id"] == expected["cause"])
        };
        if !expected.iter().filter(|one| !one["cause"].is_null()).all(first_named) {
            continue;
        }
        let text: String = fixture.connections().iter().map(|one| words(&one["cause"])).collect();
        let mentions = fixture.expected["mentions"].as_array().expect("a list of words");
        for mention in mentions.iter().filter_map(Value::as_str) {
            if !text.contains(&plain(mention)) {
                mismatches.push(format!("{}: does not mention {mention:?}", fixture.name()));
            }
        }
    }
    assert_none(&mismatches);
}

#[test]
fn a_yes_shows_its_cause_and_a_not_does_not() {
    let mut mismatches = Vec::new();
    for fixture in all().iter().filter(|fixture| fixture.folder != "sound") {
        let wanted = fixture.stem.starts_with("yes-");
        if fixture.has(&fixture.folder) != wanted {
            let causes: Vec<&Value> = fixture.connections().iter().map(|one| &one["cause"]["id"]).collect();
            mismatches.push(format!("{}: {causes:?}", fixture.name()));
        }
    }
    assert_none(&mismatches);
}

#[test]
fn nothing_is_said_against_sound_connections() {
    let mut mismatches = Vec::new();
    for fixture in all().iter().filter(|fixture| fixture.folder == "sound") {
        for one in fixture.connections().iter().filter(|one| !one["cause"].is_null()) {
            mismatches.push(format!(
                "{} stream {}: {}",
                fixture.name(),
                one["stream"],
                one["cause"]["sentence"]
            ));
        }
    }
    assert_none(&mismatches);
}

#[test]
fn every_cause_rests_on_frames_of_its_capture() {
    let mut mismatches = Vec::new();
    for fixture in all() {
        let packets = fixture.report["captures"][0]["packets"]
            .as_u64()
            .expect("a number of packets");
        for one in fixture.connections().iter().filter(|one| !one["cause"].is_null()) {
            let evidence = one["cause"]["evidence"].as_array().map_or(&[][..], Vec::as_slice);
            let frames: Vec<&Value> = evidence
                .iter()
                .filter_map(|evidence| evidence["frames"].as_array())
                .flatten()
                .collect();
            let inside = |frame: &&Value| frame.as_u64().is_some_and(|frame| (1..=packets).contains(&frame));
            if frames.is_empty() || !frames.iter().all(inside) {
                let at = format!("{} stream {}", fixture.name(), one["stream"]);
                mismatches.push(format!(
                    "{at}: {} rests on frames {frames:?} of {packets}",
                    one["cause"]["id"]
                ));
            }
        }
    }
    assert_none(&mismatches);
}

#[test]
fn every_cause_has_a_fixture_that_shows_it_and_one_that_only_looks_like_it() {
    let mut mismatches = Vec::new();
    for cause in catalogue() {
        for kind in ["yes-", "not-"] {
            if !all()
                .iter()
                .any(|fixture| fixture.folder == cause && fixture.stem.starts_with(kind))
            {
                mismatches.push(format!("fixtures/{cause}/{kind}*: there is none"));
            }
        }
    }
    assert_none(&mismatches);
}

#[test]
fn every_folder_is_a_cause_or_holds_sound_connections() {
    let catalogue = catalogue();
    let folders: BTreeSet<&str> = all().iter().map(|fixture| fixture.folder.as_str()).collect();
    let strange: Vec<String> = folders
        .into_iter()
        .filter(|folder| *folder != "sound" && !catalogue.contains(*folder))
        .map(|folder| format!("fixtures/{folder}: no cause has this name"))
        .collect();
    assert_none(&strange);
}
