//! llama.cpp's log: warnings and errors go to stderr, and the last error is kept to explain a failure.

use std::fmt::Write as _;
use std::sync::{Mutex, Once, PoisonError};

use llama_cpp_2::{LogOptions, send_logs_to_tracing};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

/// Set to `info` or `debug` to see how a model is loaded.
const LEVEL_VARIABLE: &str = "STUDIO_ENGINE_LOG";
/// Errors that explain each other: llama.cpp reports from the inside out.
const KEPT: usize = 4;

static LAST: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Takes over the log, once.
pub fn install() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let level = std::env::var(LEVEL_VARIABLE).ok().and_then(|word| word.parse().ok());
        let _ = tracing_subscriber::registry()
            .with(Lines.with_filter(level.unwrap_or(LevelFilter::WARN)))
            .try_init();
        send_logs_to_tracing(LogOptions::default());
    });
}

/// What llama.cpp complained about since it was last asked.
pub fn take_errors() -> String {
    let lines = std::mem::take(&mut *LAST.lock().unwrap_or_else(PoisonError::into_inner));
    lines.join("; ")
}

struct Lines;

impl<S: Subscriber> Layer<S> for Lines {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let level = *event.metadata().level();
        let mut line = Line::default();
        event.record(&mut line);
        let text = line.0.trim();
        if text.is_empty() {
            return;
        }
        eprintln!("{}: {text}", word(level));
        if level == Level::ERROR {
            let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
            if last.len() == KEPT {
                last.remove(0);
            }
            last.push(text.to_owned());
        }
    }
}

fn word(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        _ => "debug",
    }
}

#[derive(Default)]
struct Line(String);

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.0.push_str(value);
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.0, "{value:?}");
        }
    }
}
