//! The `studio` program: the server and the command line that speaks to it.

use std::process::ExitCode;

fn main() -> ExitCode {
    studio::cli::run()
}
