//! What tshark 4.0 says of a capture: as a program, or from a record of its output.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::facts::Facts;

/// The columns that are read of its output, by the names of its fields.
const COLUMNS: [&str; 9] = [
    "frame.number",
    "tcp.stream",
    "tls.handshake.type",
    "tls.alert_message.desc",
    "tls.handshake.extensions_server_name",
    "tls.handshake.version",
    "tls.handshake.ciphersuite",
    "tls.handshake.ja3",
    "tls.handshake.ja3s",
];

/// Runs tshark on a capture; None where it is not installed.
pub(crate) fn run(capture: &Path) -> Option<Facts> {
    let output = Command::new("tshark")
        .args(["-n", "-o", "tcp.reassemble_out_of_order:TRUE"])
        .args(["-Y", "tcp && (tls.handshake.type || tls.alert_message.desc)"])
        .args(["-T", "fields", "-E", "header=y"])
        .args(COLUMNS.iter().flat_map(|column| ["-e", column]))
        .arg("-r")
        .arg(capture)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    Some(read(&String::from_utf8_lossy(&output.stdout)))
}

/// A folder of captures with what tshark printed for each: `SOURCES.tsv` has their packet counts, `expected/` the rest.
pub(crate) struct Record {
    folder: PathBuf,
    /// Packets by file; empty where tshark could not read the whole file.
    packets: BTreeMap<String, String>,
}

impl Record {
    /// The folder that `$TLSWHY_CAPTURES` names, or the one beside the project.
    pub(crate) fn find() -> Option<Self> {
        let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/captures");
        let folder = env::var_os("TLSWHY_CAPTURES").map_or_else(beside, PathBuf::from);
        let sources = fs::read_to_string(folder.join("SOURCES.tsv")).ok()?;
        let packets = sources
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut cells = line.split('\t');
                let name = cells.next()?;
                Some((name.to_owned(), cells.next_back()?.to_owned()))
            })
            .collect();
        Some(Self { folder, packets })
    }

    /// The captures of the record.
    pub(crate) fn captures(&self) -> Vec<PathBuf> {
        self.packets.keys().map(|name| self.folder.join(name)).collect()
    }

    /// What tshark saw in a capture.
    pub(crate) fn of(&self, capture: &Path) -> Facts {
        let name = capture.file_name().unwrap_or_default().to_string_lossy();
        let path = self.folder.join("expected").join(format!("{name}.tsv"));
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut facts = read(&text);
        facts.add("frames", "all", &self.packets[name.as_ref()]);
        facts
    }
}

/// Reads a table with a line of names and a row for each packet.
fn read(table: &str) -> Facts {
    let mut lines = table.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    let mut facts = Facts::default();
    let mut connections: BTreeMap<u64, Connection> = BTreeMap::new();
    for line in lines {
        let row = Row {
            names: &names,
            cells: line.split('\t').collect(),
        };
        // Inside a tunnel the streams of all layers are listed; the last is that of the TLS. Without one it is not TCP.
        if let Some(stream) = row.list("tcp.stream").last().and_then(|stream| stream.parse().ok()) {
            connections.entry(stream).or_default().take(stream, &row, &mut facts);
        }
    }
    connections
        .into_values()
        .for_each(|connection| connection.tell(&mut facts));
    facts
}

/// What is known of a stream after some of its packets.
#[derive(Default)]
struct Connection {
    /// The frame of its first hello.
    first: Option<u64>,
    /// The values of its hellos, by field.
    values: BTreeMap<&'static str, String>,
}

impl Connection {
    fn take(&mut self, stream: u64, row: &Row<'_>, facts: &mut Facts) {
        let frame = row.cell("frame.number").parse().expect("a frame has a number");
        let types = row.list("tls.handshake.type");
        for (number, field) in [("1", "client-hello"), ("2", "server-hello"), ("11", "certificate")] {
            for _ in types.iter().filter(|kind| **kind == number) {
                facts.add_place(field, stream, frame, None);
            }
        }
        for code in row.list("tls.alert_message.desc") {
            facts.add_place("alert", stream, frame, code.parse().ok());
        }
        let value = |column| row.list(column).first().copied().unwrap_or_default().to_owned();
        if types.contains(&"1") {
            self.first.get_or_insert(frame);
            // Of two ClientHellos the first is reported.
            for (field, column) in [
                ("server-name", "tls.handshake.extensions_server_name"),
                ("ja3", "tls.handshake.ja3"),
            ] {
                self.values.entry(field).or_insert_with(|| value(column));
            }
        } else if types.contains(&"2") {
            self.first.get_or_insert(frame);
            // Of two ServerHellos the last is reported: the one before it asked for another ClientHello.
            self.values.insert("version", value("tls.handshake.version"));
            self.values.insert("cipher-suite", value("tls.handshake.ciphersuite"));
            self.values.insert("ja3s", value("tls.handshake.ja3s"));
        }
    }

    fn tell(self, facts: &mut Facts) {
        let Some(first) = self.first else { return };
        for (field, value) in self.values {
            facts.add(field, first, value);
        }
    }
}

/// A row of the table.
struct Row<'a> {
    names: &'a [&'a str],
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn cell(&self, column: &str) -> &'a str {
        let place = self.names.iter().position(|name| *name == column);
        let place = place.unwrap_or_else(|| panic!("the table has no column {column}"));
        self.cells.get(place).copied().unwrap_or_default()
    }

    fn list(&self, column: &str) -> Vec<&'a str> {
        self.cell(column).split(',').filter(|value| !value.is_empty()).collect()
    }
}
