//! Patterns for the names of files, as shells have them.

use std::fmt;
use std::path::Path;
use std::str::FromStr;

use glob::{MatchOptions, Pattern};

use crate::error::Error;

/// A pattern that chooses among the files below a folder: `*.pcap`, `2026-11-*/**/*.gz`.
///
/// `*` stands for any characters but a slash, `?` for one, `[ab]` for one of these, `**` for any folders. A pattern without a slash is held
/// against the file's name, one with a slash against its whole path below the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob(Pattern);

impl Glob {
    /// True where the file at `path`, which is below the folder that is read, is chosen.
    pub(crate) fn matches(&self, path: &Path) -> bool {
        let options = MatchOptions {
            case_sensitive: true,
            require_literal_separator: true,
            require_literal_leading_dot: false,
        };
        if self.0.as_str().contains('/') {
            return self.0.matches_path_with(path, options);
        }
        path.file_name()
            .is_some_and(|name| self.0.matches_path_with(Path::new(name), options))
    }
}

impl FromStr for Glob {
    type Err = Error;

    fn from_str(pattern: &str) -> Result<Self, Error> {
        let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
        Pattern::new(pattern).map(Self).map_err(|error| Error::Option {
            name: "--glob",
            reason: format!(
                "{pattern:?} is no pattern: {} at character {}",
                error.msg,
                error.pos + 1
            ),
        })
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, path: &str) -> bool {
        pattern.parse::<Glob>().unwrap().matches(Path::new(path))
    }

    #[test]
    fn a_pattern_without_a_slash_is_about_the_name_alone() {
        assert!(matches("*.pcap", "a.pcap") && matches("*.pcap", "deep/er/a.pcap"));
        assert!(!matches("*.pcap", "a.pcap/b"));
    }

    #[test]
    fn a_pattern_with_a_slash_is_about_the_path() {
        assert!(matches("2026-*/*.pcap", "2026-11/a.pcap"));
        assert!(!matches("2026-*/*.pcap", "2026-11/deep/a.pcap"));
        assert!(matches("2026-*/**/*.pcap", "2026-11/deep/a.pcap"));
        assert!(matches("./a.pcap", "a.pcap"));
    }

    #[test]
    fn a_pattern_that_makes_no_sense_is_refused() {
        let error = "[a".parse::<Glob>().unwrap_err().to_string();
        assert!(error.starts_with("--glob: \"[a\" is no pattern"), "{error}");
    }
}
