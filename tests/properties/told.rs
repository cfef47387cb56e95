//! What the report says of connections, apart from where and when.

use std::io::Cursor;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::{Value, json};
use tlswhy::{Analysis, Options, Source, TrustStore};

use crate::wire;

/// What is compared: everything but places, times and what TCP did.
const TOLD: [&str; 9] = [
    "protocol",
    "outcome",
    "aborted_by",
    "step",
    "offer",
    "answer",
    "server_certificates",
    "client_certificates",
    "not_visible",
];

static MOZILLA: LazyLock<TrustStore> = LazyLock::new(TrustStore::mozilla);

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/tlswhy-1.schema.json");
    let text = std::fs::read_to_string(path).expect("the schema is there");
    jsonschema::validator_for(&serde_json::from_str(&text).expect("the schema is JSON")).expect("the schema is one")
});

/// The report on a capture. Null where it is none.
pub(crate) fn analyse(capture: &[u8], threads: usize) -> Value {
    let mut options = Options::default();
    options.trust = vec![MOZILLA.clone()];
    options.all = true;
    options.threads = threads;
    let mut analysis = Analysis::new(options);
    let source = Source::Reader {
        name: "property".to_owned(),
        reader: Box::new(Cursor::new(capture.to_vec())),
    };
    if analysis.read(source).is_err() {
        return Value::Null;
    }
    serde_json::to_value(analysis.finish()).expect("a report is JSON")
}

/// The connections of a report.
pub(crate) fn connections(report: &Value) -> impl Iterator<Item = &Value> {
    report["connections"].as_array().into_iter().flatten()
}

/// How a report breaks the published schema.
pub(crate) fn breaches(report: &Value) -> Vec<String> {
    if report.is_null() {
        return Vec::new();
    }
    let errors = SCHEMA.iter_errors(report);
    errors
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

/// What is said of each connection that is not noise, as text without addresses, ports, frames and times; in the order of the clients' ports.
pub(crate) fn told(report: &Value) -> Vec<String> {
    let mut all: Vec<(u64, String)> = connections(report)
        .filter(|one| one["server"]["port"] == wire::SERVER_PORT)
        .map(|one| (one["client"]["port"].as_u64().unwrap_or_default(), told_one(one)))
        .collect();
    all.sort();
    all.into_iter().map(|(_, text)| text).collect()
}

fn told_one(connection: &Value) -> String {
    let mut told: serde_json::Map<String, Value> = TOLD
        .iter()
        .map(|key| ((*key).to_owned(), connection[*key].clone()))
        .collect();
    for chain in ["server_certificates", "client_certificates"] {
        told[chain]["from"] = Value::Null;
    }
    let causes = connection["findings"].as_array().into_iter().flatten();
    let causes = causes.chain([&connection["cause"]]).map(|cause| {
        let keys = ["id", "confidence", "weight", "at_fault", "sentence", "inferred"];
        Value::from_iter(keys.map(|key| (key, cause[key].clone())))
    });
    told.insert("causes".to_owned(), causes.collect());
    let alerts = connection["alerts"].as_array().into_iter().flatten();
    let alerts = alerts.map(|alert| json!([alert["from"], alert["code"], alert["visibility"]]));
    told.insert("alerts".to_owned(), alerts.collect());
    // Of the timeline the messages, without those of TCP.
    let events = connection["timeline"].as_array().into_iter().flatten();
    let of_tls = events.filter(|event| {
        !["syn", "syn-ack", "fin", "rst"]
            .iter()
            .any(|what| event["what"] == *what)
    });
    let mut events: Vec<String> = of_tls
        .map(|event| format!("{} {}", event["from"], event["text"]))
        .collect();
    // Messages of one frame may become those of two, and come in another order.
    events.sort();
    told.insert("events".to_owned(), json!(events));
    let mut text = serde_json::to_string_pretty(&told).expect("a map is JSON");
    for end in ["client", "server"] {
        let address = connection[end]["address"].as_str().unwrap_or_default();
        let port = connection[end]["port"].to_string();
        for written in [
            format!("[{address}]:{port}"),
            format!("{address}:{port}"),
            address.to_owned(),
        ] {
            text = text.replace(&written, &format!("the {end}'s address"));
        }
    }
    text
}

/// The lines that only one of two reports has.
pub(crate) fn difference(left: &[String], right: &[String]) -> Vec<String> {
    let mut lines = vec![format!("{} connections, {} connections", left.len(), right.len())];
    lines.retain(|_| left.len() != right.len());
    for (left, right) in left.iter().zip(right) {
        let (of_left, of_right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
        let only_left = of_left
            .iter()
            .filter(|line| !of_right.contains(line))
            .map(|line| format!("- {line}"));
        let only_right = of_right
            .iter()
            .filter(|line| !of_left.contains(line))
            .map(|line| format!("+ {line}"));
        lines.extend(only_left.chain(only_right));
        if lines.is_empty() && left != right {
            lines.push("other order of lines".to_owned());
        }
    }
    lines
}
