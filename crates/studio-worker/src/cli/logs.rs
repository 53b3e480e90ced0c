//! `studio-worker logs`: the latest log lines of the worker.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use worker_local::{LogLine, LogPage, LogSeverity};

use super::{daemon, output};
use crate::config::ConfigFile;
use crate::lock::LockState;
use crate::{Exit, Home};

/// Shown of the file of a worker that does not run: what a person scrolls back.
const LAST_LINES: usize = 500;
/// The name of log files begins with it.
const FILE_PREFIX: &str = "studio-worker";

#[derive(Debug, Args)]
pub(super) struct Logs {
    /// Go on with new lines, until Ctrl-C or the worker's end
    #[arg(short, long)]
    follow: bool,
    /// Lines of this level and graver ones
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// Lines about one job
    #[arg(long, value_name = "ID")]
    job: Option<String>,
    /// One object a line, for scripts
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

impl From<Level> for LogSeverity {
    fn from(level: Level) -> Self {
        match level {
            Level::Error => Self::Error,
            Level::Warn => Self::Warn,
            Level::Info => Self::Info,
            Level::Debug => Self::Debug,
            Level::Trace => Self::Trace,
        }
    }
}

impl Logs {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let Some(daemon) = daemon::find(home)? else { return self.from_file(home) };
        let mut after = 0;
        let mut follow = false;
        loop {
            let level = self.level.map(LogSeverity::from);
            let asked = super::join::block_on(async { Ok(daemon.client.logs(after, level, follow).await) })?;
            let page = match asked {
                Ok(page) => page,
                Err(_) if follow && daemon::look(home)? == LockState::Free => {
                    output::note("the worker has ended");
                    return Ok(Exit::Clean);
                }
                Err(error) => return Err(daemon.told(error)),
            };
            self.show(&page, after)?;
            let all = page.lines.is_empty() || page.lines.last().is_some_and(|line| line.seq >= page.last);
            // A page is cut by its length: the next one begins behind its last line.
            after = page.lines.last().map_or(page.last, |line| if all { page.last } else { line.seq });
            if all {
                if !self.follow {
                    return Ok(Exit::Clean);
                }
                follow = true;
            }
        }
    }

    fn show(&self, page: &LogPage, after: u64) -> anyhow::Result<()> {
        if page.gap && after > 0 {
            output::note("(lines are missing here: they came faster than they were read)");
        }
        let about = |line: &&LogLine| self.job.is_none() || line.job == self.job;
        for line in page.lines.iter().filter(about) {
            if self.json {
                output::line(serde_json::to_string(line)?);
            } else {
                let level = super::table::word(&line.level).to_uppercase();
                output::line(format!("{} {level:<5} {}: {}", line.ts, line.target, line.message));
            }
        }
        Ok(())
    }

    /// Nobody runs: what the last one wrote.
    fn from_file(&self, home: &Home) -> anyhow::Result<Exit> {
        if self.follow || self.json {
            bail!("no worker runs with `{}`: there is nothing to follow", home.dir().display());
        }
        let config = ConfigFile::new(home.config()).load_or_create()?;
        let folder = config.log_dir.unwrap_or_else(|| home.logs());
        let Some(path) = newest(&folder)? else {
            bail!("no worker runs, and there is no log file in `{}`", folder.display());
        };
        output::note(format!("no worker runs; the end of `{}`:", path.display()));
        let file = File::open(&path).with_context(|| format!("could not read `{}`", path.display()))?;
        let mut last = VecDeque::new();
        for line in BufReader::new(file).lines() {
            let line = line.with_context(|| format!("could not read `{}`", path.display()))?;
            if self.job.as_ref().is_some_and(|job| !line.contains(job.as_str())) || !self.is_grave(&line) {
                continue;
            }
            if last.len() == LAST_LINES {
                last.pop_front();
            }
            last.push_back(line);
        }
        last.into_iter().for_each(output::line);
        Ok(Exit::Clean)
    }

    /// Lines of the file begin with the time and the level.
    fn is_grave(&self, line: &str) -> bool {
        let Some(wanted) = self.level.map(LogSeverity::from) else { return true };
        let word = line.split_whitespace().nth(1).unwrap_or_default().to_ascii_lowercase();
        let level: Option<LogSeverity> = serde_json::from_value(serde_json::json!(word)).ok();
        // What does not say its level belongs to the line before.
        level.is_none_or(|level| level <= wanted)
    }
}

/// The name holds the day, so the last one by name is the newest.
fn newest(folder: &std::path::Path) -> anyhow::Result<Option<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("could not read `{}`", folder.display())),
    };
    let names = entries.filter_map(Result::ok).map(|entry| entry.path());
    let is_log = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with(FILE_PREFIX))
    };
    Ok(names.filter(is_log).max())
}
