//! The program, as it was built for these tests.

use std::ffi::OsStr;
use std::process::{Command, Output};

/// Runs the program with these arguments to its end.
pub(crate) fn run<I, S>(arguments: I) -> Output
where
    I: IntoIterator<Item = S>,
    S: AsRef<OsStr>,
{
    Command::new(env!("CARGO_BIN_EXE_tlswhy"))
        .args(arguments)
        .env_remove("NO_COLOR")
        .output()
        .expect("the program starts")
}
