//! Processor time, which neighbours on the machine do not take away.

use std::fs;
use std::path::Path;

/// Seconds that all threads of a process have computed; 0 where the system does not say (it does on Linux).
pub fn seconds(process: u32) -> f64 {
    let tasks = fs::read_dir(Path::new("/proc").join(process.to_string()).join("task"));
    let nanoseconds: u64 = tasks
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("schedstat")).ok())
        .filter_map(|line| line.split(' ').next()?.parse::<u64>().ok())
        .sum();
    nanoseconds as f64 / 1e9
}
