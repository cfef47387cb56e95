//! `--fail-on`: when a script is to stop.

use std::str::FromStr;

use tlswhy::report::Summary;

use super::Failure;
use super::args::known_cause;

/// What is counted, and how much of it is too much.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FailOn {
    what: What,
    bound: Bound,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Failed,
    Undetermined,
    Cause(String),
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Bound {
    /// More connections than this.
    Count(u64),
    /// A larger share of all connections than this, in percent.
    Percent(f64),
}

impl FailOn {
    /// Refuses a cause that the catalogue does not have.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.what {
            What::Cause(id) => known_cause("--fail-on", id),
            What::Failed | What::Undetermined => Ok(()),
        }
    }

    /// Whether the counts exceed the bound.
    pub(crate) fn matches(&self, summary: &Summary) -> bool {
        let count = match &self.what {
            What::Failed => summary.failed,
            What::Undetermined => summary.undetermined,
            What::Cause(id) => summary.causes.get(id).copied().unwrap_or_default(),
        };
        match self.bound {
            Bound::Count(bound) => count > bound,
            Bound::Percent(bound) => count as f64 * 100.0 > bound * summary.connections as f64,
        }
    }
}

impl FromStr for FailOn {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (what, bound) = match text.split_once('>') {
            Some((what, bound)) => (what.trim(), parse_bound(bound.trim())?),
            None => (text.trim(), Bound::Count(0)),
        };
        let what = match what {
            "failed" => What::Failed,
            "undetermined" => What::Undetermined,
            id if !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') => {
                What::Cause(id.to_owned())
            }
            _ => {
                return Err(format!(
                    "{text:?} is no condition: give failed, undetermined or a cause, alone or as in failed>3 and failed>0.1%"
                ));
            }
        };
        Ok(Self { what, bound })
    }
}

fn parse_bound(text: &str) -> Result<Bound, String> {
    let parsed = match text.strip_suffix('%') {
        Some(percent) => percent
            .trim()
            .parse()
            .ok()
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(Bound::Percent),
        None => text.parse().ok().map(Bound::Count),
    };
    parsed.ok_or_else(|| format!("{text:?} is neither a number nor a percentage"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(text: &str, failed: u64, connections: u64) -> bool {
        let mut summary = Summary::default();
        (summary.failed, summary.connections) = (failed, connections);
        summary.causes.insert("tcp-refused".to_owned(), failed);
        text.parse::<FailOn>().unwrap().matches(&summary)
    }

    #[test]
    fn a_word_alone_matches_one_or_more() {
        assert!(matches("failed", 1, 100));
        assert!(!matches("failed", 0, 100));
        assert!(matches("tcp-refused", 1, 100));
        assert!(!matches("undetermined", 1, 100));
        assert!(!matches("no-shared-cipher", 1, 100));
    }

    #[test]
    fn a_bound_is_to_be_exceeded() {
        assert!(!matches("failed>3", 3, 100));
        assert!(matches("failed > 3", 4, 100));
        assert!(!matches("failed>0.1%", 1, 1_000));
        assert!(matches("failed>0.1%", 2, 1_000));
        assert!(!matches("failed>0%", 0, 0));
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            ">3",
            "failed>",
            "failed>x",
            "failed>101%",
            "failed>NaN%",
            "failed>-1",
            "failed=3",
        ] {
            assert!(text.parse::<FailOn>().is_err(), "{text}");
        }
    }
}
