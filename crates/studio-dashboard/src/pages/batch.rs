//! One batch: how far it is, what went wrong, what it made.

use std::collections::BTreeMap;

use maud::{Markup, html};
use studio_api::{Artefact, Batch, Job};
use studio_store::{JobState, Role};

use super::batches::{bar, ended, left, name, standing, without_result};
use super::pace::Pace;
use super::{gallery, jobs, links, work_head};
use crate::layout::{Shell, page as document};
use crate::parts::{Button, button, count, duration_ms, empty, time};

/// Failed jobs that are looked at to say what went wrong.
pub const MAX_FAILED: u32 = 500;
/// Pictures of what was made.
pub const MAX_SHOWN: u32 = 60;
/// Jobs that run, as rows.
pub const MAX_RUNNING: u32 = 20;
/// Jobs that are named for each error.
const NAMED: usize = 5;

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// The batch.
    pub batch: Batch,
    /// How fast it goes.
    pub pace: Option<Pace>,
    /// Jobs that failed or were quarantined, at most [`MAX_FAILED`].
    pub failed: Vec<Job>,
    /// Jobs that run, at most [`MAX_RUNNING`].
    pub running: Vec<Job>,
    /// What it made, the latest first, at most [`MAX_SHOWN`].
    pub made: Vec<Artefact>,
    /// Ids and names of workers.
    pub workers: Vec<(String, String)>,
}

/// The batch with all about it.
pub fn page(shell: &Shell, data: &Data) -> Markup {
    let batch = &data.batch;
    document(
        shell,
        &html! {
            (work_head())
            nav.crumbs aria-label="Where this is" { a href="/batches" { "Batches" } }
            div.page-head { h1 { (name(batch)) } (actions(shell, batch)) }
            (progress(shell, data))
            (errors(batch, &data.failed))
            (running(shell, data))
            (made(data))
        },
    )
}

fn actions(shell: &Shell, batch: &Batch) -> Markup {
    let open = batch.total - ended(batch).min(batch.total);
    let again = without_result(batch);
    let done = batch.counts.get(&JobState::Done).copied().unwrap_or(0);
    let (cancel, retry) = (
        format!("POST /api/v1/batches/{}/cancel", batch.id),
        format!("POST /api/v1/batches/{}/retry", batch.id),
    );
    let question = format!("Cancel {open} jobs of this batch? What runs is stopped.");
    let label = format!("Retry {}", count(again));
    html! {
        div.actions #batch-actions data-live="job" {
            @if shell.may(Role::Submitter) {
                @if open > 0 {
                    (button(&Button { label: "Cancel", api: &cancel, class: "danger", confirm: &question, ..Button::default() }))
                }
                @if again > 0 {
                    (button(&Button { label: &label, api: &retry, class: "primary", ..Button::default() }))
                }
            }
            a.button href=(links::address("/jobs", &[("batch", Some(&batch.id))])) { "Its jobs" }
            @if done > 0 { a.button href={ "/api/v1/batches/" (batch.id) "/zip" } download { "Download as zip" } }
        }
    }
}

fn progress(shell: &Shell, data: &Data) -> Markup {
    let batch = &data.batch;
    let of_state = |state: JobState| {
        links::address("/jobs", &[("state", Some(state.as_str())), ("batch", Some(&batch.id))])
    };
    html! {
        section.card.batch-progress #batch-progress data-live="job" aria-label="Progress" {
            p.batch-line { (standing(batch)) (bar(batch)) span.faint { (left(batch, data.pace.as_ref())) } }
            ul.states {
                @for (state, number) in batch.counts.iter().filter(|(_, number)| **number > 0) {
                    li { a href=(of_state(*state)) { (crate::parts::job_state(*state)) " " (count(*number)) } }
                }
            }
            dl.facts.inline {
                div { dt { "Project" } dd { (batch.project) } }
                div { dt { "Submitted" } dd { (time(shell.now, batch.created_at)) } }
                @if let Some(end) = batch.finished_at { div { dt { "Ended" } dd { (time(shell.now, end)) } } }
                @if let Some(pace) = &data.pace {
                    div { dt { "Pace" } dd { "one job every " (duration_ms(pace.ms_for(1))) } }
                }
            }
        }
    }
}

/// What went wrong, the most frequent first.
fn errors(batch: &Batch, failed: &[Job]) -> Markup {
    let groups = grouped(failed);
    let all = failed.len() < MAX_FAILED as usize;
    html! {
        section #batch-errors data-live="job" aria-labelledby="errors-title" hidden[groups.is_empty()] {
            h2 #errors-title { "Failures" }
            @if !all { p.faint { "Counted from the latest " (MAX_FAILED) " failed jobs." } }
            ul.rows.error-rows {
                @for (error, jobs) in &groups {
                    li.card {
                        p.job-error { strong { (jobs.len()) " × " } (error) }
                        p.faint {
                            @for job in jobs.iter().take(NAMED) { a href=(links::job(&job.id)) { (job.asset_name) } " " }
                            @if jobs.len() > NAMED {
                                a href=(links::address("/jobs", &[("state", Some("failed")), ("batch", Some(&batch.id))])) { "all failed jobs" }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Jobs by their errors: numbers differ from job to job where the cause is the same, so that they do not count.
fn grouped(failed: &[Job]) -> Vec<(&str, Vec<&Job>)> {
    let mut groups: BTreeMap<String, Vec<&Job>> = BTreeMap::new();
    for job in failed {
        let error = job.error.as_deref().unwrap_or("no reason was given");
        let alike = error.chars().map(|letter| if letter.is_ascii_digit() { '0' } else { letter }).collect();
        groups.entry(alike).or_default().push(job);
    }
    let mut groups: Vec<_> = groups
        .into_values()
        .map(|jobs| (jobs[0].error.as_deref().unwrap_or("no reason was given"), jobs))
        .collect();
    groups.sort_by_key(|(_, jobs)| std::cmp::Reverse(jobs.len()));
    groups
}

fn running(shell: &Shell, data: &Data) -> Markup {
    html! {
        section #batch-running data-live="job" aria-labelledby="running-title" hidden[data.running.is_empty()] {
            h2 #running-title { "Running now" }
            ul.rows.job-rows {
                @for job in &data.running { (jobs::row(shell, job, &data.workers, false)) }
            }
        }
    }
}

fn made(data: &Data) -> Markup {
    let more = data.made.len() == MAX_SHOWN as usize;
    html! {
        section #batch-made data-live="job" aria-labelledby="made-title" {
            h2 #made-title { "What it made" }
            @if data.made.is_empty() {
                (empty("Nothing yet", &html! { p { "Files of jobs that are done stand here." } }))
            }
            ul.thumbs {
                @for artefact in &data.made {
                    li #(artefact.summary.id) {
                        a.thumb href=(links::job(&artefact.job)) title=(artefact.asset_name) {
                            (gallery::thumb(artefact, &artefact.asset_name))
                        }
                    }
                }
            }
            @if more { p { a.button href=(links::address("/gallery", &[("batch", Some(&data.batch.id))])) { "All in the gallery" } } }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::{check, shell};

    #[test]
    fn every_state_renders_for_every_role() {
        for role in Role::ALL {
            for data in samples::batch_pages() {
                let text = check(&page(&shell(*role), &data));
                let submits = *role >= Role::Submitter;
                let open = data.batch.total > ended(&data.batch);
                assert_eq!(text.contains("/cancel\""), submits && open);
                assert_eq!(text.contains("/retry\""), submits && without_result(&data.batch) > 0);
            }
        }
    }

    #[test]
    fn errors_that_differ_in_numbers_are_one() {
        let mut failed: Vec<Job> = (0..8).map(|_| crate::samples::job("job-1", JobState::Failed)).collect();
        for (number, job) in failed.iter_mut().enumerate() {
            job.id = format!("job-{number}");
            job.error = (number > 0).then(|| format!("the engine ended with code {number}"));
        }
        let groups = grouped(&failed);
        assert_eq!(groups.iter().map(|(_, jobs)| jobs.len()).collect::<Vec<_>>(), [7, 1]);
        let batch = samples::batch("batch-1", &[(JobState::Failed, 8)]);
        let text = check(&errors(&batch, &failed));
        assert!(
            text.contains("7 × ") && text.contains("all failed jobs") && text.contains("no reason was given")
        );
    }
}
