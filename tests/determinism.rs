//! Same input, same output, byte for byte, for any number of threads.

mod support {
    pub(crate) mod corpus;
    pub(crate) mod program;
}

use std::path::{Path, PathBuf};

use support::{corpus, program};

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// Runs the program on the folder with different numbers of threads, twice with the same, and compares what it writes.
fn assert_same_for_any_number_of_threads(folder: &Path, format: &str) {
    let folder = folder.to_str().expect("the path is UTF-8");
    let output = |threads: &str| {
        let output = program::run([
            "--format", format, "--all", "--color", "never", "--limit", "0", threads, folder,
        ]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{threads}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(!output.stdout.is_empty(), "{threads} wrote nothing");
        output.stdout
    };
    let one = output("-j1");
    for threads in ["-j2", "-j7", "-j7"] {
        let other = output(threads);
        if one != other {
            let differs = one
                .split(|&byte| byte == b'\n')
                .zip(other.split(|&byte| byte == b'\n'))
                .find(|(left, right)| left != right);
            let (left, right) = differs.unwrap_or_default();
            panic!(
                "{format} of {folder}: -j1 and {threads} differ, first here:\n{}\n{}",
                String::from_utf8_lossy(left),
                String::from_utf8_lossy(right)
            );
        }
    }
}

#[test]
fn json_of_the_fixtures_does_not_depend_on_the_number_of_threads() {
    assert_same_for_any_number_of_threads(&fixtures(), "json");
}

#[test]
fn text_of_the_fixtures_does_not_depend_on_the_number_of_threads() {
    assert_same_for_any_number_of_threads(&fixtures(), "text");
}

#[test]
fn json_of_the_corpus_does_not_depend_on_the_number_of_threads() {
    match corpus::captures() {
        Some(folder) => assert_same_for_any_number_of_threads(&folder, "json"),
        None => println!("skipped: no corpus beside the project, and TLSWHY_CORPUS names none"),
    }
}
