//! The captures under `fixtures/`.

use std::fs;
use std::path::{Path, PathBuf};

/// Every capture, in the order of their paths.
pub(crate) fn captures() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for folder in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        found.extend(entries(&folder).into_iter().filter(|path| is_capture(path)));
    }
    found
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.expect("the folder can be listed").path())
        .collect();
    paths.sort();
    paths
}

fn is_capture(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    (name.starts_with("yes-") || name.starts_with("not-")) && name.contains(".pcap")
}
