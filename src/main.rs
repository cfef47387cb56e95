//! The program: arguments in, a report out, and an exit code that scripts can use.

#![deny(clippy::expect_used, clippy::indexing_slicing, clippy::panic, clippy::unwrap_used)]

mod cli;

use std::process::ExitCode;

use clap::Parser;

// A connection is some twenty small allocations that live and die together on one thread; glibc's allocator spends a quarter of
// the run on them, mimalloc a tenth.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
