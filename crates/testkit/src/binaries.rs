//! The programs under test, built beside the tests.

use std::path::PathBuf;

/// The path of the program `name`; panics with what to type when it was not built.
pub fn binary(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("the test knows its own path");
    let here = test.parent().expect("a program lies in a folder");
    // Tests lie in `target/debug/deps`, benchmarks and other programs in `target/debug`.
    let folder = if here.ends_with("deps") { here.parent().expect("deps lies in a folder") } else { here };
    let path = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "{} is not there: cargo build --workspace --bins", path.display());
    path
}
