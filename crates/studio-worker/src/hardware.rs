//! What the machine is: its name, its memory, its GPU.

use std::fs;
use std::path::Path;

/// What is known without asking any driver.
#[derive(Debug, Clone, PartialEq)]
pub struct Hardware {
    /// The host name.
    pub machine_name: String,
    /// The account that the worker runs under.
    pub username: String,
    /// The system's memory, GiB; 0 when unknown.
    pub ram_gb: f64,
}

/// The memory of the largest GPU, GiB.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceMemory {
    /// All of it.
    pub total_gb: f64,
    /// What nobody uses.
    pub free_gb: f64,
    /// What its maker calls it.
    pub name: Option<String>,
}

/// What changes slowly beside the GPU, GiB; what is unknown is absent.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Room {
    /// On the disk of the models.
    pub disk_free: Option<f64>,
    /// All of that disk.
    pub disk_total: Option<f64>,
    /// The system's memory that programs can still have.
    pub ram_free: Option<f64>,
}

impl Room {
    /// Looks at the disk that holds `models`, or would hold it, and at the memory; blocks the thread for a moment.
    pub fn look(models: &Path) -> Self {
        let there = models.ancestors().find(|folder| folder.exists());
        let (disk_free, disk_total) = there.and_then(disk).unzip();
        let free = free_ram_bytes();
        Self { disk_free, disk_total, ram_free: (free > 0).then_some(free as f64 / GIB) }
    }
}

#[cfg(unix)]
fn disk(folder: &Path) -> Option<(f64, f64)> {
    let stat = rustix::fs::statvfs(folder).ok()?;
    let gb = |blocks: u64| blocks.saturating_mul(stat.f_frsize) as f64 / GIB;
    Some((gb(stat.f_bavail), gb(stat.f_blocks)))
}

#[cfg(not(unix))]
fn disk(_: &Path) -> Option<(f64, f64)> {
    None
}

/// Bytes of one GiB.
pub const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

impl Hardware {
    /// Reads a few small files at most: this stands between the start and `hello`.
    pub fn read() -> Self {
        let username = ["USER", "LOGNAME", "USERNAME"].iter().find_map(|name| std::env::var(name).ok());
        Self { machine_name: machine_name(), username: username.unwrap_or_default(), ram_gb: ram_gb() }
    }
}

#[cfg(unix)]
fn machine_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

#[cfg(not(unix))]
fn machine_name() -> String {
    std::env::var("COMPUTERNAME").unwrap_or_default()
}

fn ram_gb() -> f64 {
    if let Ok(text) = fs::read_to_string("/proc/meminfo") {
        return ram_of_meminfo(&text).unwrap_or(0.0);
    }
    let Ok(mut system) = sysinfo::System::new() else { return 0.0 };
    system.refresh_memory();
    system.total_memory() as f64 / GIB
}

fn ram_of_meminfo(text: &str) -> Option<f64> {
    meminfo_kib(text, "MemTotal:").map(|kib| kib * 1024.0 / GIB)
}

fn meminfo_kib(text: &str, key: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What programs can have without making others go; 0 when unknown.
pub fn free_ram_bytes() -> u64 {
    if let Ok(text) = fs::read_to_string("/proc/meminfo") {
        return meminfo_kib(&text, "MemAvailable:").map_or(0, |kib| (kib * 1024.0) as u64);
    }
    let Ok(mut system) = sysinfo::System::new() else { return 0 };
    system.refresh_memory();
    system.available_memory()
}

/// Asks the GPU drivers, which may take seconds and load large libraries; blocks the thread.
pub fn device_memory() -> Option<DeviceMemory> {
    let gpus = sysinfo::Gpus::new_with_refreshed_list().ok()?;
    let of_gpu = |gpu: &sysinfo::Gpu| {
        let total_gb = gpu.total_memory()? as f64 / GIB;
        let free_gb = total_gb - gpu.used_memory()? as f64 / GIB;
        Some(DeviceMemory { total_gb, free_gb, name: gpu.model().map(str::to_owned) })
    };
    gpus.iter().filter_map(of_gpu).max_by(|a, b| a.total_gb.total_cmp(&b.total_gb))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_memory_line_is_read() {
        let text = "MemTotal:       24737608 kB\nMemFree:        20000000 kB\n";
        assert!((ram_of_meminfo(text).unwrap() - 23.59).abs() < 0.01);
        assert_eq!(ram_of_meminfo("MemFree: 1 kB"), None);
        assert!(free_ram_bytes() > 0);
    }

    #[test]
    fn this_machine_has_a_name() {
        assert!(!Hardware::read().machine_name.is_empty());
    }
}
