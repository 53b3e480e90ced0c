//! The program that the worker starts for models of the engine `llama-cpp`.

use std::process::ExitCode;

fn main() -> ExitCode {
    engine_llama::main()
}
