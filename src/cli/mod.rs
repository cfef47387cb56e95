//! The program around the library: arguments, files of trust, signals, progress, exit codes.
//!
//! It uses nothing of the library but its public names, as any other program would.

mod args;
mod certs;
mod explain;
mod fail_on;
mod limits;
mod run;
mod terminal;
mod trust;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

pub(crate) use args::Arguments;
pub(crate) use run::run;

/// How the program ends. Where several apply, the first of usage, matched and damaged wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It ran, or its reader went away.
    Ran,
    /// It ran, and `--fail-on` matched.
    Matched,
    /// The arguments cannot be used, nothing could be read, or the report could not be written.
    Usage,
    /// It ran, but something of the input is damaged or could not be read.
    Damaged,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ran => 0,
            Exit::Matched => 1,
            Exit::Usage => 2,
            Exit::Damaged => 3,
        })
    }
}

/// Why the program cannot go on. Ends with [`Exit::Usage`].
#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<tlswhy::Error> for Failure {
    fn from(error: tlswhy::Error) -> Self {
        Self(error.to_string())
    }
}

/// Says something to the person who called the program. Where standard error is gone, nobody is there to be told.
pub(crate) fn message(what: &impl fmt::Display) {
    // A file's name may hold anything, a terminal's control sequences too.
    let mut clean = String::new();
    for c in what.to_string().chars() {
        if c.is_control() {
            clean.extend(c.escape_unicode())
        } else {
            clean.push(c)
        }
    }
    let _ = writeln!(io::stderr(), "tlswhy: {clean}");
}
