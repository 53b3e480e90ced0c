//! What needs attention, and how the fleet is doing.

mod attention;
mod plots;

use maud::{Markup, html};
use studio_api::{Job, Overview, Registration, Status, Worker};
use studio_store::{JobState, Role};

use super::join;
use crate::layout::{Shell, page as document};
use crate::parts::{Icon, count, empty, icon, job_progress, time};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Home {
    /// Numbers of everything.
    pub status: Status,
    /// The last minutes; absent for who sees one project.
    pub overview: Option<Overview>,
    /// Registrations that wait, for operators.
    pub pending: Vec<Registration>,
    /// Jobs that failed or were quarantined since yesterday, newest first.
    pub troubled: Vec<Job>,
    /// Every worker.
    pub workers: Vec<Worker>,
    /// Jobs that run, newest first.
    pub running: Vec<Job>,
    /// How workers reach the studio.
    pub studio_url: String,
}

impl Home {
    fn is_new(&self) -> bool {
        self.workers.is_empty() && self.pending.is_empty() && self.status.jobs.values().all(|jobs| *jobs == 0)
    }

    fn of(&self, state: JobState) -> u64 {
        self.status.jobs.get(&state).copied().unwrap_or_default()
    }
}

/// The page.
pub fn page(shell: &Shell, home: &Home) -> Markup {
    let content = html! {
        div.page-head {
            h1 { "Home" }
            div.actions {
                @if shell.may(Role::Submitter) {
                    a.button href="/playground" { (icon(Icon::Playground)) "Try it" }
                }
                @if shell.operates() { (join::button("")) }
            }
        }
        section.stack #attention aria-labelledby="attention-title"
            data-live="registration worker job:failed job:quarantined job:queued changed:queue changed:artefacts" {
            h2.hidden #attention-title { "What needs attention" }
            @if home.is_new() { (first_steps(shell)) } @else { (attention::list(shell, home)) }
        }
        (tiles(home))
        @if let Some(overview) = &home.overview {
            section.two #plots aria-label="The last hours" data-live="submitted job:done job:running worker" {
                (plots::all(overview))
            }
        }
        section.stack aria-labelledby="running-title" {
            h2 #running-title { "Running now" }
            div #running data-live="job" { (running(shell, home)) }
        }
        @if shell.operates() { (join::dialogs(&home.studio_url)) }
    };
    document(shell, &content)
}

fn tiles(home: &Home) -> Markup {
    let waiting = home.of(JobState::Queued);
    let held = home.of(JobState::Running) + home.of(JobState::Offered);
    html! {
        section.tiles #tiles aria-label="The fleet in numbers" data-live="job submitted worker" {
            a.tile href="/workers" {
                span.faint { "Workers online" }
                b { (count(home.status.workers_online)) }
                small { "of " (count(home.status.workers)) }
            }
            a.tile href="/jobs?state=queued" { span.faint { "Waiting" } b { (count(waiting)) } small { "jobs" } }
            a.tile href="/jobs?state=running" { span.faint { "Running" } b { (count(held)) } small { "jobs" } }
            a.tile href="/jobs?state=done" { span.faint { "Done" } b { (count(home.of(JobState::Done))) } small { "jobs in all" } }
            a.tile href="/jobs?state=failed" {
                span.faint { "Failed" }
                b { (count(home.of(JobState::Failed) + home.of(JobState::Quarantined))) }
                small { "jobs in all" }
            }
        }
    }
}

fn running(shell: &Shell, home: &Home) -> Markup {
    html! {
        @if home.running.is_empty() {
            (empty("No job runs", &html! {
                @if shell.may(Role::Submitter) { p { a href="/playground" { "Make something" } " and watch it here." } }
            }))
        } @else {
            ul.running {
                @for job in &home.running { (running_job(shell, home, job)) }
            }
        }
    }
}

fn running_job(shell: &Shell, home: &Home, job: &Job) -> Markup {
    let worker = job.worker.as_ref().and_then(|id| home.workers.iter().find(|worker| worker.id == *id));
    html! {
        li.card data-job=(job.id) {
            div.preview { img data-preview=(job.id) data-keep="src hidden" hidden alt={ "Preview of " (job.asset_name) }; }
            a.title href={ "/jobs/" (job.id) } { (job.asset_name) }
            (job_progress(job))
            small {
                (job.model)
                @if let Some(worker) = worker { " on " a href={ "/workers/" (worker.id) } { (worker.name) } }
                @if let Some(started) = job.started_at { ", since " (time(shell.now, started)) }
            }
        }
    }
}

fn first_steps(shell: &Shell) -> Markup {
    html! {
        div.card {
            h2 { "Three steps to the first picture" }
            ol.steps {
                li {
                    h3 { "Add a worker" }
                    p { "A worker is a machine that computes: this one, or any other that reaches the studio." }
                    @if shell.operates() { (join::button("primary")) }
                    @else { p.faint { "An operator of this studio does that." } }
                }
                li {
                    h3 { "Pick a model" }
                    p {
                        "The model " code { "starter-shapes" } " is small and comes with the studio. "
                        a href="/models" { "Models" } " has the others."
                    }
                }
                li {
                    h3 { "Make something" }
                    p {
                        "In the " a href="/playground" { "playground" } ", or from any OpenAI client with a key of "
                        a href="/settings/keys" { "Settings" } "."
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
