//! The latest lines of the log.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use axum::Json;
use axum::extract::State;
use axum::routing::get;
use serde::Deserialize;
use studio_protocol::Timestamp;
use studio_runtime::{RingLine, RingPage};
use tracing::Level;
use worker_local::{LogLine, LogPage, LogSeverity};

use super::body::Asked;
use super::{Local, Refusal, Routes, wait};

/// Lines of an answer unless the reader says otherwise, and at most: all that are kept.
const MOST_LINES: usize = 4_000;
/// Lines that come together are told together.
const GATHER: Duration = Duration::from_millis(100);

pub(super) fn routes() -> Routes {
    Routes::new().route("/logs", get(logs))
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct LogQuery {
    after: u64,
    level: LogSeverity,
    limit: usize,
    wait_ms: u64,
}

impl Default for LogQuery {
    fn default() -> Self {
        Self { after: 0, level: LogSeverity::Trace, limit: MOST_LINES, wait_ms: 0 }
    }
}

async fn logs(
    State(local): State<Arc<Local>>,
    Asked(query): Asked<LogQuery>,
) -> Result<Json<LogPage>, Refusal> {
    let level = match query.level {
        LogSeverity::Error => Level::ERROR,
        LogSeverity::Warn => Level::WARN,
        LogSeverity::Info => Level::INFO,
        LogSeverity::Debug => Level::DEBUG,
        LogSeverity::Trace => Level::TRACE,
    };
    let limit = query.limit.clamp(1, MOST_LINES);
    let mut news = local.log.watch();
    // A number of an earlier daemon: everything is new.
    let after = if query.after > local.log.last() { 0 } else { query.after };
    let found = async {
        loop {
            news.mark_unchanged();
            let page = local.log.after(after, level, limit);
            if !page.lines.is_empty() {
                return;
            }
            if news.changed().await.is_err() {
                return;
            }
            tokio::time::sleep(GATHER).await;
        }
    };
    tokio::select! {
        () = found => {}
        () = tokio::time::sleep(wait::limit(query.wait_ms)) => {}
        () = local.ending.cancelled() => {}
    }
    Ok(Json(told(local.log.after(after, level, limit))))
}

fn told(page: RingPage) -> LogPage {
    LogPage { lines: page.lines.into_iter().map(line).collect(), last: page.last, gap: page.gap }
}

fn line(line: RingLine) -> LogLine {
    let since = line.at.duration_since(UNIX_EPOCH).unwrap_or_default();
    LogLine {
        seq: line.seq,
        ts: Timestamp::from_millis(since.as_millis() as i64),
        level: match line.level {
            Level::ERROR => LogSeverity::Error,
            Level::WARN => LogSeverity::Warn,
            Level::INFO => LogSeverity::Info,
            Level::DEBUG => LogSeverity::Debug,
            Level::TRACE => LogSeverity::Trace,
        },
        target: line.target.to_owned(),
        message: line.message,
        job: line.job,
    }
}
