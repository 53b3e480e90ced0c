//! One job: what it asks for, how far it is, every try, its log and what it made.

use maud::{Markup, html};
use studio_api::{Attempt, Job, JobDetail, JobLog};
use studio_protocol::LogLevel;
use studio_store::{AttemptOutcome, JobState, Role};

use super::jobs::took;
use super::{links, made, task, work_head};
use crate::assets;
use crate::layout::{Shell, page as document};
use crate::parts::{Button, badge, button, duration_ms, kind, time};

/// Lines of a log that the page shows, the last ones.
const MAX_LOG_LINES: usize = 500;

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// The job.
    pub detail: JobDetail,
    /// Its log, oldest line first.
    pub log: Vec<JobLog>,
    /// Ids and names of the workers that had it.
    pub workers: Vec<(String, String)>,
}

impl Data {
    fn worker<'a>(&'a self, id: &'a str) -> &'a str {
        self.workers.iter().find(|(known, _)| known == id).map_or(id, |(_, name)| name.as_str())
    }
}

/// The job with all about it.
pub fn page(shell: &Shell, data: &Data) -> Markup {
    let job = &data.detail.job;
    document(
        shell,
        &html! {
            (work_head())
            script type="module" src=(assets::url("job.js")) {}
            nav.crumbs aria-label="Where this is" {
                a href="/jobs" { "Jobs" }
                @if let Some(batch) = &job.batch { a href=(links::batch(batch)) { "Batch" } }
            }
            div.page-head {
                h1 { (job.asset_name) }
                (actions(shell, data))
            }
            div.job-columns {
                div.job-main {
                    (made::stage(&data.detail))
                    section.card aria-labelledby="asked" {
                        h2 #asked { "Parameters" }
                        (task::table(&data.detail.task))
                        (task::json("task-json", "Task as JSON", &data.detail.task))
                    }
                }
                div.job-side {
                    (facts(shell, data))
                    (attempts(shell, data))
                }
            }
            (log(data))
        },
    )
}

fn actions(shell: &Shell, data: &Data) -> Markup {
    let job = &data.detail.job;
    let api = |what: &str| format!("POST /api/v1/jobs/{}/{what}", job.id);
    let patch = format!("PATCH /api/v1/jobs/{}", job.id);
    let reorder = |label: &str, by: i32| {
        let body = format!("{{\"priority\":{}}}", job.priority.saturating_add(by));
        button(&Button { label, api: &patch, body: &body, class: "small", ..Button::default() })
    };
    let (cancel, retry, to) = (api("cancel"), api("retry"), api("move"));
    html! {
        div.actions #job-actions data-live={ "job:" (job.id) } {
            @if shell.may(Role::Submitter) {
                @if job.state.is_open() {
                    @if job.state == JobState::Queued {
                        (reorder("Up", 1))
                        (reorder("Down", -1))
                        (button(&Button { label: "To the front", api: &to, body: "{\"to\":\"front\"}", class: "small", done: "It goes before the others of its project and priority", ..Button::default() }))
                    }
                    (button(&Button { label: "Cancel", api: &cancel, class: "danger", confirm: "Cancel this job? What runs is stopped.", ..Button::default() }))
                } @else if job.state != JobState::Done {
                    (button(&Button { label: "Retry", api: &retry, class: "primary", ..Button::default() }))
                }
                a.button href=(links::address("/playground", &[("from", Some(&job.id))])) { "Edit and run again" }
            }
            @if let Some(artefact) = &job.artefact {
                a.button href=(links::artefact(&artefact.id)) download { "Download" }
                @if shell.may(Role::Submitter) {
                    button type="button" data-link={ "/api/v1/artefacts/" (artefact.id) "/link" } { "Share link" }
                }
            }
        }
    }
}

fn facts(shell: &Shell, data: &Data) -> Markup {
    let job = &data.detail.job;
    let fact = |name: &str, value: &Markup| html! { div { dt { (name) } dd { (value) } } };
    let link = |href: &str, words: &str| html! { a href=(href) { (words) } };
    html! {
        section.card #job-facts data-live={ "job:" (job.id) } aria-labelledby="facts" {
            h2 #facts { "Facts" }
            dl.facts {
                (fact("Id", &html! { code { (job.id) } }))
                (fact("Kind", &html! { (kind(job.kind)) }))
                (fact("Model", &link(&format!("/models/{}", job.model), &job.model)))
                (fact("Project", &link(&links::address("/jobs", &[("project", Some(&job.project))]), &job.project)))
                @if let Some(batch) = &job.batch { (fact("Batch", &link(&links::batch(batch), batch))) }
                @if let Some(worker) = &job.worker {
                    (fact("Worker", &link(&format!("/workers/{worker}"), data.worker(worker))))
                }
                (fact("Priority", &html! { (job.priority) }))
                (fact("Tries", &html! { (job.attempts) " of " (job.max_attempts) }))
                (fact("Submitted", &time(shell.now, job.created_at)))
                @if let Some(started) = job.started_at { (fact("Started", &time(shell.now, started))) }
                @if let Some(waited) = waited(job) { (fact("Waited", &html! { (waited) })) }
                @if let Some(finished) = job.finished_at { (fact("Ended", &time(shell.now, finished))) }
                @if let Some(took) = took(job) { (fact("Took", &html! { (took) })) }
            }
        }
    }
}

/// From the submission to the last try.
fn waited(job: &Job) -> Option<String> {
    let ms = job.started_at?.as_millis() - job.created_at.as_millis();
    Some(duration_ms(u64::try_from(ms).unwrap_or(0)))
}

fn attempts(shell: &Shell, data: &Data) -> Markup {
    html! {
        section.card #job-attempts data-live={ "job:" (data.detail.job.id) } aria-labelledby="tries" {
            h2 #tries { "Tries" }
            @if data.detail.history.is_empty() { p.faint { "No worker has had it yet." } }
            ol.attempts {
                @for attempt in data.detail.history.iter().rev() { (one_try(shell, data, attempt)) }
            }
        }
    }
}

fn one_try(shell: &Shell, data: &Data, attempt: &Attempt) -> Markup {
    let (tone, word) = match attempt.outcome {
        None => ("busy", "under way"),
        Some(outcome) => (tone(outcome), outcome.as_str()),
    };
    let lasted = attempt.ended_at.map(|end| end.as_millis() - attempt.started_at.as_millis());
    html! {
        li {
            span.attempt-number { "#" (attempt.number) }
            (badge(tone, word))
            a href={ "/workers/" (attempt.worker) } { (data.worker(&attempt.worker)) }
            span.faint {
                (time(shell.now, attempt.started_at))
                @if let Some(ms) = lasted { ", " (duration_ms(u64::try_from(ms).unwrap_or(0))) }
            }
            @if let Some(error) = &attempt.error { p.job-error { (error) } }
        }
    }
}

fn tone(outcome: AttemptOutcome) -> &'static str {
    match outcome {
        AttemptOutcome::Done => "good",
        AttemptOutcome::Failed | AttemptOutcome::Lost => "bad",
        AttemptOutcome::Released | AttemptOutcome::Unanswered => "warn",
        AttemptOutcome::Cancelled => "idle",
    }
}

fn log(data: &Data) -> Markup {
    let job = &data.detail.job;
    let left_out = data.log.len().saturating_sub(MAX_LOG_LINES);
    html! {
        section.card #job-log data-live={ "job:" (job.id) " progress:" (job.id) }
            aria-labelledby="log" {
            h2 #log { "Log" }
            @if data.log.is_empty() { p.faint { "Workers have said nothing about it." } }
            @if left_out > 0 { p.faint { (left_out) " earlier lines are left out: " code { "studio jobs logs " (job.id) } " has all." } }
            @if !data.log.is_empty() {
                ol.log tabindex="0" aria-label="Lines of the log" {
                    @for line in &data.log[left_out..] {
                        li.(level(line.level)) {
                            span.log-time { (clock(&line.ts.to_string())) }
                            span.log-category { (line.category) }
                            span.log-message { (line.message) }
                        }
                    }
                }
            }
        }
    }
}

fn level(level: LogLevel) -> &'static str {
    match level {
        LogLevel::Error => "log-error",
        LogLevel::Warn => "log-warn",
        LogLevel::Info => "log-info",
    }
}

/// The time of day of an ISO time, UTC.
fn clock(iso: &str) -> &str {
    iso.get(11..23).unwrap_or(iso)
}

#[cfg(test)]
mod tests {
    use studio_protocol::TaskKind;

    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::{check, shell};

    #[test]
    fn every_state_renders_for_every_role() {
        for role in Role::ALL {
            for state in JobState::ALL {
                let data = samples::job(TaskKind::Image, *state);
                let text = check(&page(&shell(*role), &data));
                let submits = *role >= Role::Submitter;
                assert_eq!(text.contains("/cancel\""), submits && state.is_open(), "{role} {state}");
                let ended_badly = !state.is_open() && *state != JobState::Done;
                assert_eq!(text.contains("/retry\""), submits && ended_badly, "{role} {state}");
                assert_eq!(text.contains("/playground?from=job-1"), submits);
                assert_eq!(text.contains("/link\""), submits && *state == JobState::Done);
            }
        }
    }

    #[test]
    fn tries_and_log_are_told() {
        let text = check(&page(&shell(Role::Viewer), &samples::job(TaskKind::Llm, JobState::Failed)));
        assert!(text.contains("the engine ended with code 1") && text.contains("attic"), "{text}");
        assert!(text.contains("log-warn") && text.contains("12:00:01.500"));
    }

    #[test]
    fn long_logs_are_cut_at_the_begin() {
        let mut data = samples::job(TaskKind::Llm, JobState::Running);
        let line = data.log[0].clone();
        data.log =
            (0..700).map(|number| JobLog { message: format!("line {number}."), ..line.clone() }).collect();
        let text = check(&page(&shell(Role::Viewer), &data));
        assert!(
            text.contains("200 earlier lines") && text.contains("line 699.") && !text.contains("line 199.")
        );
    }
}
