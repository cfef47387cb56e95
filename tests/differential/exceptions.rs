//! The differences that are known, each with its number and its reason.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::facts::FIELDS;

/// Number and reason of the known differences, by capture and field.
#[derive(Debug)]
pub(crate) struct Exceptions(BTreeMap<(String, String), (usize, String)>);

impl Exceptions {
    /// Reads the list: a line is NAME FIELD NUMBER REASON, or begins with `#`, or is empty.
    pub(crate) fn load() -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/tshark-exceptions.txt");
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let mut exceptions = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let parts: Vec<&str> = line.splitn(4, ' ').map(str::trim).collect();
            let [name, field, number, reason] = parts[..] else {
                panic!("{line}: not NAME FIELD NUMBER REASON");
            };
            assert!(FIELDS.contains(&field), "{line}: no such field");
            assert!(!reason.is_empty(), "{line}: no reason is given");
            let number = number.parse().unwrap_or_else(|error| panic!("{line}: {error}"));
            assert!(number > 0, "{line}: an exception of nothing");
            let known = exceptions.insert((name.to_owned(), field.to_owned()), (number, reason.to_owned()));
            assert!(known.is_none(), "{line}: a second exception");
        }
        Self(exceptions)
    }

    /// How many differences of a field are known in a capture.
    pub(crate) fn number(&self, capture: &str, field: &str) -> usize {
        let key = (capture.to_owned(), field.to_owned());
        self.0.get(&key).map_or(0, |(number, _)| *number)
    }
}
