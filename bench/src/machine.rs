//! The machine that the numbers are from.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::Context;
use serde_json::{Value, json};

use crate::samples::Samples;

/// Flushes that are timed: enough for a median, over in a second on a slow disk.
const FLUSHES: usize = 100;
/// What a small commit of a database writes.
const FLUSHED_BYTES: usize = 8 * 1024;

/// Processor, memory, kernel, and what a flush to the disk under `folder` costs.
pub fn describe(folder: &Path) -> anyhow::Result<Value> {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let flush_ms = flush_ms(folder)?;
    let processor = field("/proc/cpuinfo", "model name");
    eprintln!("bench: {cores} cores ({processor}), a flush to {} takes {flush_ms:.2} ms", folder.display());
    Ok(json!({
        "cores": cores,
        "processor": processor,
        "memory": field("/proc/meminfo", "MemTotal"),
        "kernel": std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim(),
        "flushMs": flush_ms,
    }))
}

fn field(file: &str, key: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let found = text.lines().find_map(|line| line.strip_prefix(key)?.split_once(':'));
    found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn flush_ms(folder: &Path) -> anyhow::Result<f64> {
    let cannot = || format!("could not write to `{}`: name another folder with --work-dir", folder.display());
    let mut file = tempfile::tempfile_in(folder).with_context(cannot)?;
    let mut times = Vec::with_capacity(FLUSHES);
    for _ in 0..FLUSHES {
        file.write_all(&[7; FLUSHED_BYTES]).with_context(cannot)?;
        let started = Instant::now();
        file.sync_data().with_context(cannot)?;
        times.push(started.elapsed());
    }
    Ok(Samples::millis(times).median())
}
