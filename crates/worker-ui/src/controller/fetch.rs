//! Questions to the daemon that change nothing: what the page in sight needs.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use worker_local::{ClientError, ConfigView, JobLine, LogPage, Models};

use super::actor::{Actor, Fact};
use crate::{Fetched, JobDetail, LogBuffer, Page};

/// A daemon that logs a thousand lines a second makes ten frames of them, not a thousand.
const LOG_PACE: Duration = Duration::from_millis(100);

impl Actor {
    /// Another page is in sight, or none.
    pub(super) fn look(&mut self, page: Option<Page>) {
        self.look = page;
        self.show_page();
    }

    /// Fetches what the page in sight needs, and stops what no page needs.
    pub(super) fn show_page(&mut self) {
        if self.look != Some(Page::Logs)
            && let Some(tasks) = self.log_tasks.take()
        {
            tasks.stop_hard();
        }
        match self.look {
            Some(Page::Jobs) => {
                self.refresh_jobs();
                self.fetch_pictures();
            }
            Some(Page::Models) => self.refresh_models(),
            Some(Page::Logs) => self.follow_logs(false),
            Some(Page::Config) => self.refresh_config(),
            Some(Page::Worker | Page::About) | None => {}
        }
    }

    /// Asks for log lines, unless somebody waits for them already.
    fn follow_logs(&mut self, follow: bool) {
        let Some(client) = self.client.clone() else { return };
        if self.log_tasks.is_some() {
            return;
        }
        let tasks = self.tasks.child();
        let (facts, round, after) = (self.facts.clone(), self.round, self.view.logs.last());
        tasks.spawn(async move {
            if follow {
                tokio::time::sleep(LOG_PACE).await;
            }
            let page = client.logs(after, None, follow).await;
            let _ = facts.send(Fact::Logs { round, page }).await;
        });
        self.log_tasks = Some(tasks);
    }

    pub(super) fn logs(&mut self, page: Result<LogPage, ClientError>) {
        self.log_tasks = None;
        let logs = Arc::<LogBuffer>::make_mut(&mut self.view.logs);
        match page {
            Ok(page) => {
                if logs.take(page) {
                    self.touch();
                }
                if self.look == Some(Page::Logs) {
                    self.follow_logs(true);
                }
            }
            // Asked again with the next daemon, or when the page is shown anew.
            Err(error) => {
                logs.trouble = Some(told(&error));
                self.touch();
            }
        }
    }

    /// Reads the models anew while their page is in sight.
    pub(super) fn refresh_models(&mut self) {
        let Some(client) = self.client.clone() else { return };
        if self.look != Some(Page::Models) || std::mem::replace(&mut self.models_busy, true) {
            return;
        }
        let (facts, round) = (self.facts.clone(), self.round);
        self.tasks.spawn(async move {
            let models = client.models().await;
            let _ = facts.send(Fact::Models { round, models }).await;
        });
    }

    pub(super) fn models(&mut self, models: Result<Models, ClientError>) {
        self.models_busy = false;
        fetched(&mut self.view.models, models);
        self.touch();
    }

    pub(super) fn refresh_config(&mut self) {
        let Some(client) = self.client.clone() else { return };
        let (facts, round) = (self.facts.clone(), self.round);
        self.tasks.spawn(async move {
            let config = client.config().await;
            let _ = facts.send(Fact::Config { round, config }).await;
        });
    }

    pub(super) fn config(&mut self, config: Result<ConfigView, ClientError>) {
        fetched(&mut self.view.config, config);
        self.touch();
    }

    /// Opens the details of a job, or closes them.
    pub(super) fn open_job(&mut self, id: Option<String>) {
        self.touch();
        let Some(id) = id else {
            self.view.job = None;
            return;
        };
        let busy = self.client.is_some();
        let lines = match self.view.job.take() {
            Some(open) if open.id == id => open.lines.clone(),
            Some(_) | None => Vec::new(),
        };
        self.view.job = Some(Arc::new(JobDetail { id: id.clone(), lines, busy, trouble: None }));
        let Some(client) = self.client.clone() else { return };
        let facts = self.facts.clone();
        self.tasks.spawn(async move {
            let lines = client.job_log(&id).await;
            let _ = facts.send(Fact::JobLog { id, lines }).await;
        });
    }

    pub(super) fn job_log(&mut self, id: &str, lines: Result<Vec<JobLine>, ClientError>) {
        let Some(detail) = self.detail(id) else { return };
        detail.busy = false;
        match lines {
            Ok(lines) => {
                detail.lines = lines;
                detail.trouble = None;
            }
            Err(error) => detail.trouble = Some(told(&error)),
        }
        self.touch();
    }
}

/// An answer, or why there is none; the earlier one stays.
pub(super) fn fetched<T>(into: &mut Fetched<T>, answer: Result<T, ClientError>) {
    match answer {
        Ok(value) => *into = Fetched::here(value),
        Err(error) => into.trouble = Some(told(&error)),
    }
}

/// An error and its causes as one sentence that begins like one.
pub(super) fn told(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
