//! `studio projects`

use clap::{Args, Subcommand};

use super::Exit;
use super::output::{Output, fields, table};
use crate::api::types::{Items, Project, ProjectPatch};
use crate::client::Client;

/// What to do; a list when nothing is said.
#[derive(Debug, Args)]
pub struct ProjectsArgs {
    #[command(subcommand)]
    command: Option<ProjectsCommand>,
}

#[derive(Debug, Subcommand)]
enum ProjectsCommand {
    /// Show every project
    List,
    /// Show one project
    Show {
        /// Its name
        project: String,
    },
    /// Make a project, or change one
    Set(SetArgs),
    /// Forget a project that has no jobs
    Remove {
        /// Its name
        project: String,
    },
}

#[derive(Debug, Args)]
struct SetArgs {
    /// Its name
    project: String,
    /// Its share of a busy fleet, against the weights of the others
    #[arg(long)]
    weight: Option<f64>,
    /// The most jobs that may wait, or `none`
    #[arg(long, value_name = "JOBS", value_parser = limit::<u64>)]
    max_queued: Option<Limit<u64>>,
    /// The most jobs that workers may hold at once, or `none`
    #[arg(long, value_name = "JOBS", value_parser = limit::<u64>)]
    max_running: Option<Limit<u64>>,
    /// Delete artefacts of ended jobs after so many days, or `none`
    #[arg(long, value_name = "DAYS", value_parser = limit::<u32>)]
    keep_artefacts_days: Option<Limit<u32>>,
    /// Delete ended jobs after so many days, or `none`
    #[arg(long, value_name = "DAYS", value_parser = limit::<u32>)]
    keep_jobs_days: Option<Limit<u32>>,
}

/// A number, or none on purpose.
#[derive(Debug, Clone, Copy)]
struct Limit<T>(Option<T>);

fn limit<T: std::str::FromStr>(text: &str) -> Result<Limit<T>, String> {
    if text == "none" {
        return Ok(Limit(None));
    }
    text.parse()
        .map(|number| Limit(Some(number)))
        .map_err(|_| format!("`{text}` is neither a number nor `none`"))
}

/// Does it.
pub async fn run(client: &Client, out: Output, args: ProjectsArgs) -> anyhow::Result<Exit> {
    match args.command.unwrap_or(ProjectsCommand::List) {
        ProjectsCommand::List => {
            let page = Items { items: client.projects().await?, next_cursor: None };
            out.show(&page, || list(&page.items))?;
        }
        ProjectsCommand::Show { project } => {
            let project = client.project(&project).await?;
            out.show(&project, || detail(&project))?;
        }
        ProjectsCommand::Set(args) => {
            let patch = ProjectPatch {
                weight: args.weight,
                max_queued: args.max_queued.map(|limit| limit.0),
                max_running: args.max_running.map(|limit| limit.0),
                keep_artefacts_days: args.keep_artefacts_days.map(|limit| limit.0),
                keep_jobs_days: args.keep_jobs_days.map(|limit| limit.0),
            };
            let project = client.put_project(&args.project, &patch).await?;
            out.show(&project, || detail(&project))?;
        }
        ProjectsCommand::Remove { project } => {
            client.remove_project(&project).await?;
            out.show(&serde_json::json!({ "removed": project }), || format!("{project} is removed"))?;
        }
    }
    Ok(Exit::Done)
}

fn number(limit: Option<impl ToString>) -> String {
    limit.map_or_else(|| "-".to_owned(), |limit| limit.to_string())
}

fn list(projects: &[Project]) -> String {
    let row = |project: &Project| {
        let of = |state: &str| {
            project.counts.iter().find(|(known, _)| known.as_str() == state).map_or(0, |(_, jobs)| *jobs)
        };
        [
            project.id.clone(),
            project.weight.to_string(),
            format!("{}/{}", of("queued"), number(project.max_queued)),
            format!("{}/{}", of("offered") + of("running"), number(project.max_running)),
            of("done").to_string(),
            of("failed").to_string(),
        ]
    };
    table(["PROJECT", "WEIGHT", "QUEUED", "RUNNING", "DONE", "FAILED"], projects.iter().map(row))
}

fn detail(project: &Project) -> String {
    let mut rows = vec![
        ("project", project.id.clone()),
        ("weight", project.weight.to_string()),
        ("max queued", number(project.max_queued)),
        ("max running", number(project.max_running)),
        (
            "artefacts kept",
            project.keep_artefacts_days.map_or_else(|| "for ever".to_owned(), |days| format!("{days} days")),
        ),
        (
            "jobs kept",
            project.keep_jobs_days.map_or_else(|| "for ever".to_owned(), |days| format!("{days} days")),
        ),
    ];
    rows.extend(project.counts.iter().map(|(state, jobs)| (state.as_str(), jobs.to_string())));
    fields(&rows)
}
