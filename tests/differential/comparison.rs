//! Two lists of facts side by side, counted by field.

use std::collections::BTreeMap;
use std::fmt;

use crate::exceptions::Exceptions;
use crate::facts::{FIELDS, Facts, PLACES};

/// Everything that was compared so far.
#[derive(Debug)]
pub(crate) struct Comparison {
    exceptions: Exceptions,
    tallies: BTreeMap<&'static str, Tally>,
    /// What differs and is not in the list of exceptions, or otherwise than it says.
    unexplained: Vec<String>,
}

/// Counts of one field.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    compared: usize,
    equal: usize,
    /// Captures that have an exception.
    excepted: usize,
}

impl Default for Comparison {
    fn default() -> Self {
        Self {
            exceptions: Exceptions::load(),
            tallies: BTreeMap::new(),
            unexplained: Vec::new(),
        }
    }
}

impl Comparison {
    /// Compares what both saw in a capture.
    pub(crate) fn add(&mut self, capture: &str, theirs: &Facts, ours: &Facts) {
        for field in FIELDS {
            let (mut theirs, mut ours) = (theirs.of(field).to_vec(), ours.of(field).to_vec());
            if !PLACES.contains(&field) {
                // A value needs a hello that both have found; whether they have is a matter of the places.
                let keys = |facts: &[(String, String)]| facts.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>();
                let (known_to_them, known_to_us) = (keys(&theirs), keys(&ours));
                theirs.retain(|(key, _)| known_to_us.contains(key));
                ours.retain(|(key, _)| known_to_them.contains(key));
            }
            let compared = theirs.len().max(ours.len());
            strike_out_common(&mut theirs, &mut ours);
            let differing = theirs.len().max(ours.len());
            let known = self.exceptions.number(capture, field);
            let tally = self.tallies.entry(field).or_default();
            tally.compared += compared;
            tally.equal += compared - differing;
            tally.excepted += usize::from(known > 0);
            if differing != known {
                self.unexplained.push(format!(
                    "{capture} {field}: {differing} differ, {known} of them known; only tshark's: {theirs:?}, only ours: {ours:?}"
                ));
            }
        }
    }

    /// Panics where something differs and the exceptions do not say so, or say so and nothing differs.
    pub(crate) fn assert_explained(&self) {
        assert!(
            self.unexplained.is_empty(),
            "not as tests/data/tshark-exceptions.txt says:\n{}",
            self.unexplained.join("\n")
        );
    }
}

/// Takes out of both lists what is in both, as often as it is.
fn strike_out_common(left: &mut Vec<(String, String)>, right: &mut Vec<(String, String)>) {
    left.retain(|fact| match right.iter().position(|other| other == fact) {
        Some(place) => {
            right.swap_remove(place);
            false
        }
        None => true,
    });
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<14}{:>9}{:>9}  captures with an exception",
            "", "compared", "equal"
        )?;
        for field in FIELDS {
            let tally = self.tallies.get(field).copied().unwrap_or_default();
            writeln!(
                f,
                "{field:<14}{:>9}{:>9}  {}",
                tally.compared, tally.equal, tally.excepted
            )?;
        }
        Ok(())
    }
}
