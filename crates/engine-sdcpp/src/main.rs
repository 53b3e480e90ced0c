//! The program `studio-engine-sdcpp`: frames on standard input and output, see docs/architecture/engines.md.

use std::process::ExitCode;

fn main() -> ExitCode {
    engine_sdcpp::main()
}
