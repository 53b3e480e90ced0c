//! A look at processes from outside, as the system shows them.

use std::fs;
use std::time::Duration;

use testkit::wait_until;

/// Whether a process is there; a zombie is not.
pub fn is_alive(pid: u32) -> bool {
    let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with('Z'))
}

/// Waits until none of the processes is there.
pub async fn wait_until_dead(what: &str, pids: &[u32], limit: Duration) {
    wait_until(&format!("{what} {pids:?} are gone"), limit, async || !pids.iter().any(|pid| is_alive(*pid)))
        .await;
}

/// The most memory that a process has had since its peak was reset.
pub fn memory_peak_kib(pid: u32) -> u64 {
    let path = format!("/proc/{pid}/status");
    let status = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the peak is shown");
    line.trim().trim_end_matches(" kB").parse().expect("a number of KiB")
}

/// Begins to measure anew.
pub fn reset_memory_peak(pid: u32) {
    let path = format!("/proc/{pid}/clear_refs");
    fs::write(&path, "5").unwrap_or_else(|error| panic!("{path}: {error}"));
}
