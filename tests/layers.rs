//! The direction of imports, and what stays pure. Reads `src/` as text; unit tests and the files that belong to them are left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The layers from the bottom up. A folder may use itself and any folder on a lower line; folders on one line do not use each other.
const LAYERS: &[&[&str]] = &[
    &["error"],
    &["evidence", "registry"],
    &["capture", "net", "tls", "x509"],
    &["stream", "preamble"],
    &["connection"],
    &["why"],
    &["report"],
    &["pipeline"],
];

/// The program: it uses the library's public names only, and `lib.rs` may name every folder.
const ABOVE: &[&str] = &["cli", "main", "lib"];

/// What reaches out of the program.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::thread",
    "std::time",
    "std::process",
    "std::env",
    "std::net::Tcp",
    "std::net::Udp",
    "println!",
    "print!",
    "eprintln!",
    "eprint!",
    "dbg!",
    "SystemTime",
    "Instant::now",
    "File::open",
    "stdin()",
    "stdout()",
    "stderr()",
];

/// Where reaching out is the purpose: the sources of captures, the pipeline, the program.
const EDGE: &[&str] = &[
    "capture/source.rs",
    "capture/folder.rs",
    "capture/decoder.rs",
    "pipeline/",
    "cli/",
    "main.rs",
];

/// A source file without comments and without its tests.
struct File {
    /// Relative to `src/`, with slashes.
    path: String,
    code: String,
}

impl File {
    /// The module's path: `why/choose.rs` is `why`, `choose`; `why/mod.rs` is `why`.
    fn module(&self) -> Vec<&str> {
        let stem = self.path.trim_end_matches(".rs");
        let mut parts: Vec<&str> = stem.split('/').collect();
        if parts.last() == Some(&"mod") {
            parts.pop();
        }
        parts
    }

    fn folder(&self) -> &str {
        self.module().first().copied().unwrap_or_default()
    }
}

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every file under `src/` that is not there for tests only.
fn files() -> Vec<File> {
    let mut paths = Vec::new();
    walk(&source(), &mut paths);
    paths.sort();
    let mut tests_only = BTreeSet::new();
    let mut files = Vec::new();
    for path in &paths {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for module in test_modules(&text) {
            let folder = children_of(path);
            tests_only.insert(folder.join(format!("{module}.rs")));
            tests_only.insert(folder.join(&module));
        }
        files.push((path, without_tests_and_comments(&text)));
    }
    assert!(!files.is_empty(), "no sources were found");
    let for_tests = |path: &Path| path.ancestors().any(|part| tests_only.contains(part));
    let relative = |path: &Path| {
        path.strip_prefix(source())
            .expect("under src")
            .to_string_lossy()
            .replace('\\', "/")
    };
    files
        .into_iter()
        .filter(|(path, _)| !for_tests(path))
        .map(|(path, code)| File {
            path: relative(path),
            code,
        })
        .collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("the folder can be listed").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The folder in which the submodules of this file lie.
fn children_of(path: &Path) -> PathBuf {
    let folder = path.parent().expect("a file lies in a folder");
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if matches!(stem.as_ref(), "mod" | "lib" | "main") {
        folder.to_owned()
    } else {
        folder.join(stem.as_ref())
    }
}

/// The names of the modules that are compiled for tests only and lie in files of their own.
fn test_modules(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .filter(|pair| pair.first() == Some(&"#[cfg(test)]"))
        .filter_map(|pair| {
            pair.get(1)?
                .strip_suffix(';')?
                .rsplit_once("mod ")
                .map(|(_, name)| name.to_owned())
        })
        .collect()
}

/// Unit tests stand at the end of a file; what follows their attribute is left out, and so are line comments.
fn without_tests_and_comments(text: &str) -> String {
    let mut code = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        let next = lines.peek().map_or("", |next| next.trim());
        if line.trim() == "#[cfg(test)]" {
            if next.starts_with("mod ") && next.ends_with('{') {
                break;
            }
            // a declaration or an import that only tests see
            if next.ends_with(';') {
                lines.next();
            }
            continue;
        }
        if !line.trim_start().starts_with("//") {
            code.push_str(line.split(" // ").next().unwrap_or_default());
            code.push('\n');
        }
    }
    code
}

/// The first names after a prefix such as `crate::`: one, or several in braces.
fn names_after(text: &str) -> Vec<String> {
    let name = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    let Some(group) = text.strip_prefix('{') else {
        return vec![name(text)];
    };
    let mut names = Vec::new();
    let mut depth = 1;
    let mut at_start = true;
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 1 => at_start = true,
            c if c.is_whitespace() => {}
            _ if at_start => {
                names.push(name(&group[index..]));
                at_start = false;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
    }
    names
}

/// The folders that a file names, as `crate::folder` or by climbing with `super::`.
fn folders_used(file: &File) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for (at, _) in file.code.match_indices("crate::") {
        let before = file.code[..at].chars().next_back();
        // `pub(in crate::why)` says who may look, it does not import
        let visibility = file.code[..at].ends_with("pub(in ");
        if !visibility && !before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':' || c == '$') {
            used.extend(names_after(&file.code[at + "crate::".len()..]));
        }
    }
    let depth = file.module().len();
    for (at, _) in file.code.match_indices("super::") {
        if file.code[..at].ends_with("super::") {
            continue;
        }
        let mut rest = &file.code[at..];
        let mut climbed = 0;
        while let Some(after) = rest.strip_prefix("super::") {
            climbed += 1;
            rest = after;
        }
        if climbed >= depth {
            used.extend(names_after(rest));
        }
    }
    used
}

fn layer(folder: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&folder))
}

#[test]
fn imports_run_one_way() {
    let mut violations = Vec::new();
    for file in files() {
        let folder = file.folder().to_owned();
        if ABOVE.contains(&folder.as_str()) {
            continue;
        }
        let Some(own) = layer(&folder) else {
            violations.push(format!("src/{}: {folder} is in no layer", file.path));
            continue;
        };
        for used in folders_used(&file) {
            // the one name of the crate's root that every layer may use
            if used == folder || used == "Error" {
                continue;
            }
            match layer(&used) {
                Some(other) if other < own => {}
                Some(_) => violations.push(format!(
                    "src/{}: {folder} uses {used}, which is not below it",
                    file.path
                )),
                None => violations.push(format!(
                    "src/{}: crate::{used} is no folder; name the folder",
                    file.path
                )),
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn only_the_edge_reaches_out() {
    let mut violations = Vec::new();
    for file in files() {
        if EDGE.iter().any(|edge| file.path.starts_with(edge)) {
            continue;
        }
        for (number, line) in file.code.lines().enumerate() {
            let grouped = line.contains("std::{")
                && ["fs", "thread", "time", "process", "env"]
                    .iter()
                    .any(|name| has_word(line, name));
            for word in IMPURE
                .iter()
                .filter(|word| line.contains(*word) && !inside_longer_name(line, word))
            {
                violations.push(format!("src/{} (code line {}): {word}", file.path, number + 1));
            }
            if grouped {
                violations.push(format!("src/{} (code line {}): {}", file.path, number + 1, line.trim()));
            }
        }
    }
    assert!(
        violations.is_empty(),
        "below the edge everything is pure:\n{}",
        violations.join("\n")
    );
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !(c.is_alphanumeric() || c == '_'))
        .any(|part| part == word)
}

/// `println!` is in `eprintln!`, which is listed itself.
fn inside_longer_name(line: &str, word: &str) -> bool {
    line.match_indices(word).all(|(at, _)| {
        line[..at]
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_')
    })
}

#[test]
fn every_folder_of_the_library_has_its_layer() {
    let known: BTreeSet<&str> = LAYERS.iter().copied().flatten().chain(ABOVE).copied().collect();
    let unknown: BTreeSet<String> = files()
        .iter()
        .map(|file| file.folder().to_owned())
        .filter(|folder| !known.contains(folder.as_str()))
        .collect();
    assert!(unknown.is_empty(), "in no layer: {unknown:?}");
}
