//! Brings the native libraries when the feature `sherpa` wants them, and does nothing otherwise.

use std::process::ExitCode;

#[cfg(feature = "sherpa")]
#[path = "build/libraries.rs"]
mod libraries;

fn main() -> ExitCode {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-changed=build");
    #[cfg(feature = "sherpa")]
    if let Err(problem) = libraries::bring() {
        eprintln!("error: {problem}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
