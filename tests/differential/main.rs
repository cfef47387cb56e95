//! What we see of TLS held against what tshark sees: places of messages, and the values in hellos.
//!
//! tshark comes as a program where it is installed, for the fixtures and the corpus, and as a record of what version 4.0 printed for a
//! collection of public captures, where that is there (`TLSWHY_CAPTURES`, or beside the project). Whatever differs is written down in
//! `data/tshark-exceptions.txt`, each with its number and its reason; an exception that is not needed any more fails the test.

#[path = "../support"]
mod support {
    pub(crate) mod corpus;
    pub(crate) mod fixtures;
    pub(crate) mod program;
}

mod comparison;
mod exceptions;
mod facts;
mod ours;
mod tshark;

use std::fs;
use std::path::{Path, PathBuf};

use comparison::Comparison;
use facts::Facts;
use support::{corpus, fixtures};

/// Compares what both say of each capture; `theirs` is None where there is no tshark.
fn compare(title: &str, captures: &[PathBuf], theirs: impl Fn(&Path) -> Option<Facts>) {
    let mut comparison = Comparison::default();
    for capture in captures {
        let Some(theirs) = theirs(capture) else {
            println!("skipped: tshark is not installed");
            return;
        };
        let name = capture.file_name().unwrap_or_default().to_string_lossy();
        comparison.add(&name, &theirs, &ours::facts(capture));
    }
    println!("{title}, {} captures\n{comparison}", captures.len());
    comparison.assert_explained();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut captures: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    captures.sort();
    captures
}

#[test]
fn the_fixtures_are_seen_as_tshark_sees_them() {
    compare("fixtures", &fixtures::captures(), tshark::run);
}

#[test]
fn the_corpus_is_seen_as_tshark_sees_it() {
    match corpus::captures() {
        Some(folder) => compare("corpus", &files(&folder), tshark::run),
        None => println!("skipped: no corpus beside the project, and TLSWHY_CORPUS names none"),
    }
}

#[test]
fn the_public_captures_are_seen_as_tshark_saw_them() {
    match tshark::Record::find() {
        Some(record) => compare("public captures", &record.captures(), |capture| {
            Some(record.of(capture))
        }),
        None => println!("skipped: no public captures beside the project, and TLSWHY_CAPTURES names none"),
    }
}
