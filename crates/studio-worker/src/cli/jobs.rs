//! `studio-worker jobs`: what runs, and what ran.

use clap::{Args, Subcommand, ValueEnum};
use studio_protocol::TaskKind;
use worker_local::{JobEnd, JobFilter, JobRecord, Origin};

use super::{daemon, output, table};
use crate::{Exit, Home};

/// Shown of a prompt in a table.
const PROMPT_CHARS: usize = 48;

#[derive(Debug, Args)]
pub(super) struct Jobs {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    list: List,
    /// For scripts
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// What runs, then what ran, newest first
    List(List),
    /// One job
    Show {
        /// Which
        id: String,
    },
    /// What was logged about a job
    Log {
        /// Which
        id: String,
    },
    /// Give a job back to the studio, which gives it to another worker; a local one is called off
    Release {
        /// Which
        id: String,
    },
}

#[derive(Debug, Clone, Args)]
struct List {
    /// image, llm, audio_stt, audio_tts, video or mesh
    #[arg(long)]
    kind: Option<TaskKind>,
    /// That ended so
    #[arg(long, value_enum)]
    end: Option<End>,
    /// Asked for by the studio, or by a program of this machine
    #[arg(long, value_enum)]
    origin: Option<Who>,
    /// Of one day, YYYY-MM-DD
    #[arg(long)]
    day: Option<String>,
    /// Whose id, model, name or prompt contains this
    #[arg(long)]
    search: Option<String>,
    /// How many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum End {
    Done,
    Failed,
    Cancelled,
    Released,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Who {
    Studio,
    Local,
}

impl List {
    fn filter(&self) -> JobFilter {
        JobFilter {
            before: None,
            limit: Some(self.limit),
            kind: self.kind,
            end: self.end.map(|end| match end {
                End::Done => JobEnd::Done,
                End::Failed => JobEnd::Failed,
                End::Cancelled => JobEnd::Cancelled,
                End::Released => JobEnd::Released,
            }),
            origin: self.origin.map(|who| match who {
                Who::Studio => Origin::Studio,
                Who::Local => Origin::Local,
            }),
            day: self.day.clone(),
            search: self.search.clone(),
        }
    }

    /// Filters are about jobs that have ended.
    fn is_plain(&self) -> bool {
        self.end.is_none() && self.day.is_none() && self.search.is_none()
    }
}

impl Jobs {
    pub(super) fn execute(&self, home: &Home) -> anyhow::Result<Exit> {
        let daemon = daemon::required(home)?;
        match &self.command {
            None => self.list(&daemon, &self.list),
            Some(Command::List(list)) => self.list(&daemon, list),
            Some(Command::Show { id }) => self.show(&daemon, id),
            Some(Command::Log { id }) => {
                let lines = daemon.ask(async |client| client.job_log(id).await)?;
                if self.json {
                    output::json(&lines)?;
                } else {
                    for line in lines {
                        let (level, from) = (line.level.to_uppercase(), line.category);
                        output::line(format!("{} {level:<5} {from}: {}", line.ts, line.message));
                    }
                }
                Ok(Exit::Clean)
            }
            Some(Command::Release { id }) => {
                daemon.ask(async |client| client.release(id).await)?;
                output::line(format!("{id} is given back"));
                Ok(Exit::Clean)
            }
        }
    }

    fn list(&self, daemon: &daemon::Daemon, list: &List) -> anyhow::Result<Exit> {
        let (status, page) = daemon
            .ask(async |client| Ok((client.status(None).await?, client.jobs(&list.filter()).await?)))?;
        let wanted = |kind: TaskKind| list.kind.is_none_or(|wanted| wanted == kind);
        let running: Vec<_> = if list.is_plain() {
            // One that ended between the two questions is in both answers.
            let is_over = |id: &str| page.jobs.iter().any(|over| over.id == id);
            status.jobs.into_iter().filter(|job| wanted(job.kind) && !is_over(&job.id)).collect()
        } else {
            Vec::new()
        };
        if self.json {
            output::json(&serde_json::json!({"running": running, "jobs": page.jobs, "next": page.next}))?;
            return Ok(Exit::Clean);
        }
        let mut rows: Vec<Vec<String>> = running
            .iter()
            .map(|job| {
                let how = match (job.steps, job.stage) {
                    (0, Some(stage)) => table::word(&stage),
                    (0, None) => "running".to_owned(),
                    (steps, _) => format!("step {} of {steps}", job.step),
                };
                let started = job.started_at.to_string();
                vec![
                    started,
                    job.id.clone(),
                    job.kind.to_string(),
                    job.model.clone(),
                    how,
                    title(&job.name, &job.prompt),
                ]
            })
            .collect();
        rows.extend(page.jobs.iter().map(row));
        if rows.is_empty() {
            output::line("no jobs");
            return Ok(Exit::Clean);
        }
        table::print(&["TIME", "ID", "KIND", "MODEL", "STATE", "WHAT"], &rows);
        if page.next.is_some() {
            output::note("there are more: --limit shows up to 1000, --day those of one day");
        }
        Ok(Exit::Clean)
    }

    fn show(&self, daemon: &daemon::Daemon, id: &str) -> anyhow::Result<Exit> {
        let status = daemon.ask(async |client| client.status(None).await)?;
        if let Some(job) = status.jobs.into_iter().find(|job| job.id == id) {
            if self.json {
                output::json(&job)?;
            } else {
                output::line(format!(
                    "{} ({} on {}) runs since {}",
                    job.id, job.kind, job.model, job.started_at
                ));
                if job.steps > 0 {
                    output::line(format!("step:    {} of {}", job.step, job.steps));
                }
                told_texts(&job.project, &job.name, &job.prompt);
            }
            return Ok(Exit::Clean);
        }
        let job = daemon.ask(async |client| client.job(id).await)?;
        if self.json {
            output::json(&job)?;
            return Ok(Exit::Clean);
        }
        let why = job.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        output::line(format!("{} ({} on {}) {}{why}", job.id, job.kind, job.model, table::word(&job.end)));
        output::line(format!("time:    {} to {}", job.started_at, job.ended_at));
        told_texts(&job.project, &job.name, &job.prompt);
        Ok(Exit::Clean)
    }
}

fn row(job: &JobRecord) -> Vec<String> {
    vec![
        job.ended_at.to_string(),
        job.id.clone(),
        job.kind.to_string(),
        job.model.clone(),
        table::word(&job.end),
        title(&job.name, &job.prompt),
    ]
}

fn title(name: &str, prompt: &str) -> String {
    table::short(if name.is_empty() { prompt } else { name }, PROMPT_CHARS)
}

fn told_texts(project: &str, name: &str, prompt: &str) {
    for (label, text) in [("project", project), ("name", name), ("prompt", prompt)] {
        if !text.is_empty() {
            output::line(format!("{:<8} {text}", format!("{label}:")));
        }
    }
}
