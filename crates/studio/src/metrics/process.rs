//! What the operating system says of this process, under the names that dashboards know.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// Clock ticks a second in `/proc`: 100 on every Linux that is in use.
const TICKS: f64 = 100.0;
/// Bytes of a page in `/proc/self/statm`.
const PAGE: i64 = 4_096;

/// Adds what can be read; other systems than Linux tell nothing here.
pub fn register(registry: &mut Registry) {
    let Ok(stat) = std::fs::read_to_string("/proc/self/stat") else { return };
    // The name of the program may hold anything but ends with the last parenthesis.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|text| text.parse::<f64>().ok()).unwrap_or_default();
    let cpu = Counter::<f64, std::sync::atomic::AtomicU64>::default();
    cpu.inc_by((ticks(11) + ticks(12)) / TICKS);
    registry.register("process_cpu_seconds", "Processor time", cpu);
    let threads = Gauge::<i64>::default();
    threads.set(ticks(17) as i64);
    registry.register("process_threads", "Threads", threads);
    if let Some(pages) = std::fs::read_to_string("/proc/self/statm").ok().and_then(|text| second(&text)) {
        let resident = Gauge::<i64>::default();
        resident.set(pages * PAGE);
        registry.register("process_resident_memory_bytes", "Memory that is really there", resident);
    }
    if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
        let files = Gauge::<i64>::default();
        files.set(i64::try_from(open.count()).unwrap_or(i64::MAX));
        registry.register("process_open_fds", "Files and sockets that are open", files);
    }
    if let Some(most) = rustix::process::getrlimit(rustix::process::Resource::Nofile).current {
        let files = Gauge::<i64>::default();
        files.set(i64::try_from(most).unwrap_or(i64::MAX));
        registry.register("process_max_fds", "Files and sockets that may be open", files);
    }
}

fn second(text: &str) -> Option<i64> {
    text.split_whitespace().nth(1)?.parse().ok()
}
