//! JSON: one document, a line for each connection. Its schema is `docs/schema/tlswhy-1.schema.json`.

use std::io::{self, Write};

use serde::Serialize;

use super::inventory::{Expiring, ServedChain};
use super::{Filter, Report, SCHEMA};

/// Writes the report as one JSON document, with the connections that `filter` lets through.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, filter: &Filter, out: &mut dyn Write) -> io::Result<()> {
    write!(out, "{{\"schema\":\"{SCHEMA}\"")?;
    field(out, "generator", &report.generator)?;
    field(out, "options", &report.options)?;
    field(out, "trust", &report.trust)?;
    field(out, "partial", &report.partial)?;
    field(out, "captures", &report.captures)?;
    out.write_all(b",\n\"connections\":[")?;
    let mut separator: &[u8] = b"\n";
    report.write_shown(
        filter,
        // Serialising these types into memory cannot fail: their keys are strings, and nothing else is asked of them.
        &|connection| serde_json::to_vec(connection).unwrap_or_default(),
        &mut |bytes| {
            out.write_all(separator)?;
            separator = b",\n";
            out.write_all(bytes)
        },
    )?;
    out.write_all(b"\n]")?;
    field(out, "summary", &report.summary)?;
    out.write_all(b"}\n")
}

/// The name and version of the inventory's form.
const INVENTORY_SCHEMA: &str = "tlswhy-certs/1";

/// Writes the inventory of certificates as one JSON document, a line for each row. `expiring` chooses the rows, and says from when days are
/// counted.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write_inventory(report: &Report, expiring: &Expiring, out: &mut dyn Write) -> io::Result<()> {
    /// A row with what depends on the moment of asking.
    #[derive(Serialize)]
    struct Row<'a> {
        #[serde(flatten)]
        row: &'a ServedChain,
        /// Whole days from the document's `from` to the end of the certificate that ends first.
        days_left: Option<i64>,
    }

    write!(out, "{{\"schema\":\"{INVENTORY_SCHEMA}\"")?;
    field(out, "generator", &report.generator)?;
    field(out, "options", &report.options)?;
    field(out, "trust", &report.trust)?;
    field(out, "partial", &report.partial)?;
    field(out, "captures", &report.captures)?;
    field(out, "from", &expiring.from)?;
    field(out, "within_days", &expiring.within_days)?;
    let inventory = report.inventory();
    field(out, "left_out", &inventory.map_or(0, |inventory| inventory.left_out))?;
    out.write_all(b",\n\"servers\":[")?;
    let rows = inventory
        .map(|inventory| inventory.chosen(expiring))
        .unwrap_or_default();
    let mut separator: &[u8] = b"\n";
    for row in rows {
        out.write_all(separator)?;
        separator = b",\n";
        let days_left = row.days_left(expiring.from);
        serde_json::to_writer(&mut *out, &Row { row, days_left })?;
    }
    out.write_all(b"\n]}\n")
}

/// One more field of the document, on a line of its own.
fn field(out: &mut dyn Write, name: &str, value: &impl Serialize) -> io::Result<()> {
    write!(out, ",\n\"{name}\":")?;
    Ok(serde_json::to_writer(out, value)?)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::{AddressName, CaptureProblem, Comment, Connection, ProblemKind, Trust, testing};

    fn written(filter: &Filter) -> Value {
        let mut out = Vec::new();
        write(&testing::report(), filter, &mut out).unwrap();
        serde_json::from_slice(&out).unwrap()
    }

    #[test]
    fn the_document_has_its_keys() {
        let document = written(&Filter::default());
        let mut keys: Vec<&String> = document.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(
            keys,
            [
                "captures",
                "connections",
                "generator",
                "options",
                "partial",
                "schema",
                "summary",
                "trust"
            ]
        );
        assert_eq!(document["schema"], "tlswhy/1");
    }

    #[test]
    fn a_filter_chooses_connections_and_leaves_the_counts() {
        let all = written(&Filter {
            all: true,
            ..Filter::default()
        });
        let some = written(&Filter::default());
        assert_eq!(all["connections"].as_array().unwrap().len(), 4);
        assert_eq!(some["connections"].as_array().unwrap().len(), 3);
        assert_eq!(all["summary"], some["summary"]);
    }

    #[test]
    fn serialising_a_report_gives_the_same_document() {
        let all = written(&Filter {
            all: true,
            ..Filter::default()
        });
        assert_eq!(serde_json::to_value(testing::report()).unwrap(), all);
    }

    #[test]
    fn a_connection_with_everything_is_of_the_published_schema() {
        let schema: Value = serde_json::from_str(include_str!("../../docs/schema/tlswhy-1.schema.json")).unwrap();
        let validator = jsonschema::validator_for(&schema).unwrap();
        let mut report = testing::report_on(vec![
            testing::full(),
            testing::probe(2),
            Connection {
                id: "x".to_owned(),
                ..Connection::default()
            },
        ]);
        report.trust = vec![Trust {
            name: "mozilla".to_owned(),
            version: None,
            date: None,
            added: false,
            anchors: 118,
            removed: 125,
            sha256: "00".repeat(32),
        }];
        report.captures[0].problems = vec![CaptureProblem {
            offset: 1,
            what: "x".to_owned(),
            skipped: 2,
            kind: ProblemKind::Damage,
        }];
        report.captures[0].comments = vec![Comment {
            frame: None,
            text: "x".to_owned(),
        }];
        report.captures[0].names = vec![AddressName {
            address: "10.0.0.1".to_owned(),
            name: "x".to_owned(),
        }];
        report.captures[0].interfaces = vec!["eth0".to_owned()];
        let document = serde_json::to_value(&report).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{}", errors.join("\n"));
    }
}
