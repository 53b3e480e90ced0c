//! The synthetic engine as a program of its own: all that an engine's `main` has to be.

use std::process::ExitCode;

fn main() -> ExitCode {
    engine_protocol::synthetic::main()
}
