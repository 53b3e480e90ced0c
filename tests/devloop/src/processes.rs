//! Processes as the system shows them.

use std::fs;
use std::path::Path;

use rustix::process::{Pid, Signal, kill_process};

/// Whether a process is there; a zombie is not.
pub fn is_there(pid: u32) -> bool {
    e2e::is_alive(pid)
}

/// Sends a signal.
pub fn send(pid: u32, signal: Signal) {
    let target = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(target, signal).unwrap_or_else(|error| panic!("{pid} takes no signal: {error}"));
}

/// The processes that have `word` for an argument and `config` in their environment or arguments: those of one story.
pub fn running_as(word: &str, config: &Path) -> Vec<u32> {
    let config = config.to_string_lossy();
    let entries = fs::read_dir("/proc").expect("this needs Linux");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let read = |name: &str| fs::read(format!("/proc/{pid}/{name}")).unwrap_or_default();
        let (arguments, environment) = (read("cmdline"), read("environ"));
        let arguments: Vec<String> = arguments
            .split(|byte| *byte == 0)
            .map(|word| String::from_utf8_lossy(word).into_owned())
            .collect();
        let program = arguments.first().is_some_and(|program| program.ends_with("studio-worker"));
        let ours = arguments.iter().any(|argument| *argument == config)
            || String::from_utf8_lossy(&environment).contains(&*config);
        program && ours && arguments.iter().skip(1).any(|argument| argument == word) && is_there(*pid)
    })
    .collect()
}

/// A process and everything below it.
pub fn tree(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        let children =
            fs::read_to_string(format!("/proc/{parent}/task/{parent}/children")).unwrap_or_default();
        found.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        next += 1;
    }
    found
}
