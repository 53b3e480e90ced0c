//! What the operating system allows this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Below this a fleet of a few hundred workers and its uploads do not fit.
const COMFORTABLE_OPEN_FILES: u64 = 4096;

/// Asks for as many open files as this user may have: every session is one.
pub fn raise_open_files() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = setrlimit(Resource::Nofile, wanted) {
        tracing::warn!(%error, "could not raise the limit of open files");
    }
    let now = getrlimit(Resource::Nofile).current;
    if now.is_some_and(|files| files < COMFORTABLE_OPEN_FILES) {
        tracing::warn!(
            "only {} files may be open at a time: raise `ulimit -n` for many workers",
            now.unwrap_or(0)
        );
    }
}
