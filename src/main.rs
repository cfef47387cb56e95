//! The program: arguments in, a report out, and an exit code that scripts can use.

mod cli;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let arguments = cli::Arguments::parse();
    match cli::run(arguments) {
        Ok(exit) => exit.into(),
        Err(failure) => {
            cli::message(&failure);
            cli::Exit::Usage.into()
        }
    }
}
