//! The environment that ggml and its thread pool want to find when the program starts.

use std::env;

/// What is set where nobody has set it.
///
/// - ggml attaches a debugger before it aborts, which takes seconds and may hang.
/// - GNU's OpenMP lets threads that wait for each other spin for milliseconds; beside anything else that computes, the
///   spinning takes the time of those that are waited for. On a busy machine this is four times as fast, on an idle one
///   as fast as before: within a tenth of a millisecond the others have usually arrived.
const WANTED: [(&str, &str); 2] = [("GGML_NO_BACKTRACE", "1"), ("GOMP_SPINCOUNT", "2000")];

/// Starts the program anew, in the same process, where the environment lacks something: libraries read it before `main`.
pub fn settle() {
    let missing: Vec<_> = WANTED.into_iter().filter(|(name, _)| env::var_os(name).is_none()).collect();
    if !missing.is_empty() {
        restart(&missing);
    }
}

#[cfg(unix)]
fn restart(missing: &[(&str, &str)]) {
    use std::os::unix::process::CommandExt;
    use std::process::Command;

    let Ok(program) = env::current_exe() else { return };
    let problem = Command::new(program).args(env::args_os().skip(1)).envs(missing.iter().copied()).exec();
    eprintln!("warning: the program goes on in the environment that it was given: {problem}");
}

/// Neither of the two is there.
#[cfg(not(unix))]
fn restart(_missing: &[(&str, &str)]) {}
