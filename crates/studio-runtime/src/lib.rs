//! What every process of the project needs: owned tasks, two-step shutdown, backoff, logs, places, files.

mod backoff;
mod crypto;
mod files;
mod paths;
mod shutdown;
mod tasks;
mod telemetry;
mod told;
#[cfg(feature = "otlp")]
mod traces;

pub use backoff::backoff;
pub use crypto::install_crypto;
pub use files::{Mode, is_disk_full, write_atomic};
pub use paths::{NoHome, studio_data_dir, worker_config_dir, worker_models_dir};
pub use shutdown::{Shutdown, ShutdownError};
pub use tasks::Tasks;
pub use telemetry::{
    LogFile, LogFormat, LogFormatError, LogRing, RingLine, RingPage, Telemetry, TelemetryError,
    init as init_telemetry, init_with_ring as init_telemetry_with_ring,
};
pub use told::told;
#[cfg(feature = "otlp")]
pub use traces::{Span, Traces, Work};
