//! What the program writes as JSON is what the published schema promises: over every fixture, and over a connection with nothing to say.

use std::fs;
use std::path::Path;
use std::process::Command;

use jsonschema::Validator;
use serde_json::{Value, json};
use tlswhy::report::Connection;

fn schema() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema/tlswhy-1.schema.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// A validator for one of the schema's definitions.
fn definition(name: &str) -> Validator {
    let defs = schema()["$defs"].clone();
    assert!(defs.get(name).is_some(), "the schema does not define {name}");
    jsonschema::validator_for(&json!({ "$ref": format!("#/$defs/{name}"), "$defs": defs })).unwrap()
}

/// Panics with every way in which `value` breaks the schema.
fn assert_valid(validator: &Validator, value: &Value, what: &str) {
    let errors: Vec<String> = validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{what}:\n{}", errors.join("\n"));
}

/// What the program says of all fixtures together.
fn tlswhy(arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_tlswhy"))
        .args(arguments)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"))
        .output()
        .unwrap();
    // 3: a fixture may be damaged on purpose.
    assert!(
        matches!(output.status.code(), Some(0 | 3)),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}

#[test]
fn every_fixture_stands_in_a_document_of_the_schema() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let document: Value = serde_json::from_slice(&tlswhy(&["--json", "--all", "--hash"])).unwrap();
    assert!(
        document["captures"]
            .as_array()
            .is_some_and(|captures| captures.len() > 100)
    );
    assert_valid(&validator, &document, "the document");
}

#[test]
fn every_fixture_gives_lines_of_the_schema() {
    let [capture, connection, summary] = ["capture", "connection", "summary"].map(definition);
    let lines = String::from_utf8(tlswhy(&["--format", "ndjson", "--all"])).unwrap();
    for (number, line) in lines.lines().enumerate() {
        let mut line: Value = serde_json::from_str(line).unwrap();
        let kind = line.as_object_mut().unwrap().remove("type").unwrap();
        let validator = match kind.as_str().unwrap() {
            "header" => continue,
            "capture" => &capture,
            "connection" => &connection,
            "summary" => &summary,
            other => panic!("a line of type {other}"),
        };
        assert_valid(validator, &line, &format!("line {}", number + 1));
    }
}

#[test]
fn a_connection_with_nothing_to_say_has_every_key() {
    let mut connection = serde_json::to_value(Connection::default()).unwrap();
    connection["id"] = json!("x");
    assert_valid(&definition("connection"), &connection, "the empty connection");
}

#[test]
fn a_key_that_is_missing_or_unknown_is_refused() {
    let validator = definition("connection");
    let mut connection = serde_json::to_value(Connection::default()).unwrap();
    connection["id"] = json!("x");
    connection["extra"] = json!(1);
    assert!(!validator.is_valid(&connection));
    connection.as_object_mut().unwrap().remove("extra");
    connection.as_object_mut().unwrap().remove("cause");
    assert!(!validator.is_valid(&connection));
}

#[test]
fn every_object_of_the_schema_is_closed() {
    fn check(value: &Value, path: &str) {
        match value {
            Value::Object(object) => {
                if let Some(properties) = object.get("properties").and_then(Value::as_object)
                    && object.get("type") == Some(&json!("object"))
                {
                    let required: Vec<&str> = object["required"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .filter_map(Value::as_str)
                        .collect();
                    assert!(
                        properties.keys().all(|key| required.contains(&key.as_str())),
                        "{path}: a key is not required"
                    );
                    assert_eq!(object["additionalProperties"], json!(false), "{path} is open");
                }
                for (key, inner) in object {
                    check(inner, &format!("{path}/{key}"));
                }
            }
            Value::Array(items) => items.iter().for_each(|item| check(item, path)),
            _ => {}
        }
    }
    check(&schema(), "");
}
