//! How much memory is free, where models are loaded.

use std::sync::Arc;

use crate::hardware;

/// What nobody uses, bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FreeMemory {
    /// Of the system.
    pub host: u64,
    /// Of the GPU; `None` without one that can be read.
    pub device: Option<u64>,
}

/// Measures; called on a thread that may block.
pub type Probe = Arc<dyn Fn() -> FreeMemory + Send + Sync>;

/// Asks the system, and the GPU's driver where there is one.
pub fn system_probe() -> Probe {
    // Without a GPU the first answer is the last: asking loads large driver libraries.
    let no_device = std::sync::atomic::AtomicBool::new(false);
    Arc::new(move || {
        use std::sync::atomic::Ordering::Relaxed;
        let device = if no_device.load(Relaxed) { None } else { hardware::device_memory() };
        no_device.store(device.is_none(), Relaxed);
        FreeMemory {
            host: hardware::free_ram_bytes(),
            device: device.map(|device| (device.free_gb * hardware::GIB) as u64),
        }
    })
}
