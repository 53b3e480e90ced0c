//! What a process uses, as the system counts it.

use std::time::Duration;

use anyhow::{Context, bail};

/// Memory, processor time and open files of a process at one moment.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory, KiB.
    pub rss_kib: f64,
    /// The part of it that is the process's own, not files shared with others, KiB.
    pub anon_kib: f64,
    /// User and system time since its start.
    pub cpu: Duration,
    /// Open files.
    pub files: usize,
}

impl Usage {
    /// Of the process `pid`.
    pub fn of(pid: u32) -> anyhow::Result<Self> {
        let status = read(pid, "status")?;
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).context("open files cannot be counted")?;
        Ok(Self {
            rss_kib: kib(&status, "VmRSS:")?,
            anon_kib: kib(&status, "RssAnon:")?,
            // Ticks count threads that have ended as well, nanoseconds count a process that hardly does anything.
            cpu: cpu(&read(pid, "stat")?)?.max(cpu_of_threads(pid)),
            files: files.count(),
        })
    }

    /// The share of one core that was used since `earlier`, percent.
    pub fn core_percent_since(&self, earlier: &Self, time: Duration) -> f64 {
        self.cpu.saturating_sub(earlier.cpu).as_secs_f64() / time.as_secs_f64() * 100.0
    }
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("could not read {path}"))
}

fn kib(status: &str, key: &str) -> anyhow::Result<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(key));
    let number = line.and_then(|rest| rest.split_whitespace().next()).and_then(|number| number.parse().ok());
    number.with_context(|| format!("the system tells no `{key}`"))
}

fn cpu(stat: &str) -> anyhow::Result<Duration> {
    // `pid (name) state ...`, and the name may hold anything; utime and stime are fields 14 and 15.
    let Some((_, rest)) = stat.rsplit_once(") ") else { bail!("`{stat}` is not the state of a process") };
    let ticks: Vec<u64> = rest.split(' ').skip(11).take(2).filter_map(|field| field.parse().ok()).collect();
    let per_second = rustix::param::clock_ticks_per_second();
    Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 1_000 / per_second.max(1)))
}

/// Of the threads that live.
fn cpu_of_threads(pid: u32) -> Duration {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let nanos = threads.filter_map(|thread| {
        let schedstat = std::fs::read_to_string(thread.path().join("schedstat")).ok()?;
        schedstat.split(' ').next()?.parse::<u64>().ok()
    });
    Duration::from_nanos(nanos.sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_files_and_a_past() {
        let spin = std::time::Instant::now();
        while spin.elapsed() < Duration::from_millis(50) {}
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.rss_kib > usage.anon_kib && usage.anon_kib > 100.0, "{usage:?}");
        assert!(usage.files >= 3 && usage.cpu >= Duration::from_millis(20), "{usage:?}");
    }

    #[test]
    fn a_name_with_brackets_and_spaces_is_no_trouble() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 1 2 3 4 150 50 0 0 20 0 1 0 9";
        let seconds = 200 * 1_000 / rustix::param::clock_ticks_per_second();
        assert_eq!(cpu(stat).unwrap(), Duration::from_millis(seconds));
    }
}
