//! JSON: one document. Its schema is `docs/schema/tlswhy-1.schema.json`.

use std::io::{self, Write};

use super::{Document, Filter, Report};

/// Writes the report as one JSON document, with the connections that `filter` lets through.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, filter: &Filter, out: &mut dyn Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, &Document { report, filter })?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::testing;

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
            ["captures", "connections", "generator", "options", "partial", "schema", "summary", "trust"]
        );
        assert_eq!(document["schema"], "tlswhy/1");
    }

    #[test]
    fn a_filter_chooses_connections_and_leaves_the_counts() {
        let all = written(&Filter { all: true, ..Filter::default() });
        let some = written(&Filter::default());
        assert_eq!(all["connections"].as_array().unwrap().len(), 4);
        assert_eq!(some["connections"].as_array().unwrap().len(), 3);
        assert_eq!(all["summary"], some["summary"]);
    }

    #[test]
    fn serialising_a_report_gives_the_same_document() {
        let all = written(&Filter { all: true, ..Filter::default() });
        assert_eq!(serde_json::to_value(testing::report()).unwrap(), all);
    }
}
