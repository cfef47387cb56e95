//! NDJSON: a `header` line, then one line for each capture and each connection, then a `summary` line, each an object with its `type`.
//!
//! But for `type` the objects are those of the JSON document.

use std::io::{self, Write};

use serde::Serialize;

use super::{Filter, Generator, Report, SCHEMA, Trust};

/// One line: an object, and what it is.
#[derive(Serialize)]
struct Line<'a, T> {
    r#type: &'static str,
    #[serde(flatten)]
    value: &'a T,
}

/// What the first line says.
#[derive(Serialize)]
struct Header<'a> {
    schema: &'static str,
    generator: &'a Generator,
    options: &'a serde_json::Value,
    trust: &'a [Trust],
    partial: bool,
}

/// Writes the report as lines of JSON, with the connections that `filter` lets through.
///
/// # Errors
/// Where `out` cannot be written.
pub fn write(report: &Report, filter: &Filter, out: &mut dyn Write) -> io::Result<()> {
    let header = Header {
        schema: SCHEMA,
        generator: &report.generator,
        options: &report.options,
        trust: &report.trust,
        partial: report.partial,
    };
    line(out, "header", &header)?;
    for capture in &report.captures {
        line(out, "capture", capture)?;
    }
    report.write_shown(
        filter,
        &|connection| {
            let line = Line {
                r#type: "connection",
                value: connection,
            };
            let mut bytes = serde_json::to_vec(&line).unwrap_or_default();
            bytes.push(b'\n');
            bytes
        },
        &mut |bytes| out.write_all(bytes),
    )?;
    line(out, "summary", &report.summary)
}

fn line<T: Serialize>(out: &mut dyn Write, kind: &'static str, value: &T) -> io::Result<()> {
    serde_json::to_writer(&mut *out, &Line { r#type: kind, value })?;
    out.write_all(b"\n")
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::report::testing;

    #[test]
    fn every_line_tells_what_it_is() {
        let mut out = Vec::new();
        write(&testing::report(), &Filter::default(), &mut out).unwrap();
        let lines: Vec<Value> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let kinds: Vec<&str> = lines.iter().map(|line| line["type"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            ["header", "capture", "connection", "connection", "connection", "summary"]
        );
        assert_eq!(lines[0]["schema"], "tlswhy/1");
        assert_eq!(lines[2]["cause"]["id"], "missing-intermediate");
    }
}
