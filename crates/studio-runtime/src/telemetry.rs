//! Logs: to stderr for people, to a rotated file for later, to a ring for who looks now.

mod ring;

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use tracing::Level;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_appender::rolling::{RollingFileAppender, Rotation};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

pub use ring::{LogRing, RingLine, RingPage};

/// Days of log files that are kept: a week covers "it failed last weekend".
const KEPT_DAYS: usize = 7;

/// Lines that may wait for the file; a line that finds no room is dropped rather than wait for the disk. The
/// library's default would reserve 4 MiB.
const WAITING_LINES: usize = 4_096;

/// Libraries that write whole frames and headers, and tokens with them, when they are asked for everything.
const LOUD: [&str; 3] = ["h2", "tokio_tungstenite", "tungstenite"];

/// How stderr is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One object a line, for collectors.
    Json,
}

/// A text that is no [`LogFormat`].
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not `text` or `json`")]
pub struct LogFormatError(String);

impl std::str::FromStr for LogFormat {
    type Err = LogFormatError;

    fn from_str(word: &str) -> Result<Self, LogFormatError> {
        match word {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err(LogFormatError(word.to_owned())),
        }
    }
}

impl std::fmt::Display for LogFormat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Text => "text",
            Self::Json => "json",
        })
    }
}

/// A daily rotated log file.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// Created when missing.
    pub folder: PathBuf,
    /// `<name>.<date>.log`.
    pub name: String,
}

/// Why logs could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The variable is there and wrong.
    #[error("RUST_LOG=`{text}` is not a filter like studio_worker=debug,info")]
    Filter {
        /// Its value.
        text: String,
        /// What is wrong.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The log file cannot be written.
    #[error("could not write logs in `{}`", folder.display())]
    File {
        /// Where.
        folder: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Something else has set up logs in this process.
    #[error("logs are set up already")]
    Again(#[from] tracing_subscriber::util::TryInitError),
}

/// Keep it until the end of `main`: dropping it brings the last lines to the file.
#[derive(Debug)]
pub struct Telemetry {
    _file: Option<WorkerGuard>,
}

/// Sets up the process's logs; `RUST_LOG` wins over `default_filter`.
pub fn init(
    default_filter: &str,
    format: LogFormat,
    file: Option<LogFile>,
) -> Result<Telemetry, TelemetryError> {
    init_with_ring(default_filter, format, file, None)
}

/// The same, and keeps the latest lines in `ring`.
pub fn init_with_ring(
    default_filter: &str,
    format: LogFormat,
    file: Option<LogFile>,
    ring: Option<LogRing>,
) -> Result<Telemetry, TelemetryError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(text) if !text.trim().is_empty() => {
            EnvFilter::try_new(&text).map_err(|source| TelemetryError::Filter { text, source })?
        }
        _ => EnvFilter::new(default_filter),
    };
    // A stderr whose reader is gone must not end the process: to complain there about it would.
    let stderr = tracing_subscriber::fmt::layer().with_writer(io::stderr).log_internal_errors(false);
    let stderr = match format {
        LogFormat::Text => stderr.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => stderr.json().boxed(),
    };
    let (file_layer, guard) = match file {
        Some(file) => {
            let writer = NonBlockingBuilder::default().buffered_lines_limit(WAITING_LINES);
            let (writer, guard) = writer.finish(appender(&file)?);
            (Some(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(writer)), Some(guard))
        }
        None => (None, None),
    };
    let silenced = filter_fn(|line| {
        !(LOUD.iter().any(|loud| line.target().starts_with(loud)) && *line.level() > Level::INFO)
    });
    let layers = tracing_subscriber::registry().with(filter).with(silenced).with(ring);
    layers.with(stderr).with(file_layer).try_init()?;
    Ok(Telemetry { _file: guard })
}

fn appender(file: &LogFile) -> Result<RollingFileAppender, TelemetryError> {
    let failed = |source| TelemetryError::File { folder: file.folder.clone(), source };
    // The appender would make the folder too, but not without a complaint on stderr first.
    std::fs::create_dir_all(&file.folder).map_err(failed)?;
    RollingFileAppender::builder()
        .rotation(Rotation::DAILY)
        .filename_prefix(&file.name)
        .filename_suffix("log")
        .max_log_files(KEPT_DAYS)
        .build(&file.folder)
        .map_err(|error| failed(io::Error::other(error)))
}
