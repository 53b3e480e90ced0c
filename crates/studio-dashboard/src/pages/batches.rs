//! Batches: jobs that were submitted together, with how far each of them is.

use maud::{Markup, html};
use studio_api::Batch;
use studio_store::JobState;

use super::pace::Pace;
use super::{jobs, links, work_head};
use crate::layout::{Shell, page as document};
use crate::parts::{badge, count, duration_ms, empty, ratio, time};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// One page of them, newest first, and how fast those go that are not finished.
    pub batches: Vec<(Batch, Option<Pace>)>,
    /// Only of this project.
    pub project: Option<String>,
    /// Names of projects, to filter by.
    pub projects: Vec<String>,
    /// The page is not the first one.
    pub later: bool,
    /// Where the next page starts, if there is one.
    pub older: Option<String>,
    /// What is wrong with the filter.
    pub problem: Option<String>,
}

/// The list of batches.
pub fn page(shell: &Shell, data: &Data) -> Markup {
    let project = data.project.as_deref();
    document(
        shell,
        &html! {
            (work_head())
            div.page-head { h1 { "Batches" } }
            form.filters method="get" action="/batches" role="search" aria-label="Filter batches" {
                (jobs::choice("project", "Project", project.unwrap_or_default(), data.projects.iter().map(|name| (name.as_str(), name.as_str()))))
                div.actions {
                    button type="submit" { "Filter" }
                    @if project.is_some() { a.button.quiet href="/batches" { "Clear" } }
                }
            }
            @if let Some(problem) = &data.problem { p.notice.bad role="alert" { (problem) } }
            ul.rows.batch-rows #batches data-live="job submitted" aria-label="Batches" {
                @for (batch, pace) in &data.batches { (row(shell, batch, pace.as_ref())) }
                @if data.batches.is_empty() {
                    li #no-batches { (empty("No batches", &html! {
                        p { "Jobs that are submitted together with " code { "POST /api/v1/batches" } " or " code { "studio batch" } " stand here." }
                    })) }
                }
            }
            nav.pager aria-label="Pages" {
                @if data.later { a.button href=(links::address("/batches", &[("project", project)])) { "Newest" } }
                @if let Some(older) = &data.older {
                    a.button rel="next" href=(links::address("/batches", &[("project", project), ("cursor", Some(older))])) { "Older" }
                }
            }
        },
    )
}

fn row(shell: &Shell, batch: &Batch, pace: Option<&Pace>) -> Markup {
    html! {
        li.batch-row #(batch.id) {
            a.batch-name href=(links::batch(&batch.id)) { (name(batch)) }
            (standing(batch))
            (bar(batch))
            span.batch-eta.faint { (left(batch, pace)) }
            span.batch-failed { (failures(batch)) }
            span.batch-project { (batch.project) }
            span.batch-age { (time(shell.now, batch.created_at)) }
        }
    }
}

/// What people call it.
pub fn name(batch: &Batch) -> &str {
    batch.name.as_deref().unwrap_or(&batch.id)
}

/// Jobs of the batch in one of `states`.
pub fn of(batch: &Batch, states: &[JobState]) -> u64 {
    states.iter().filter_map(|state| batch.counts.get(state)).sum()
}

/// Jobs that ended, however.
pub fn ended(batch: &Batch) -> u64 {
    batch.counts.iter().filter(|(state, _)| !state.is_open()).map(|(_, count)| count).sum()
}

/// Jobs that ended without a result and could be tried again.
pub fn without_result(batch: &Batch) -> u64 {
    of(batch, &[JobState::Failed, JobState::Cancelled, JobState::Quarantined])
}

/// One word for where it is.
pub fn standing(batch: &Batch) -> Markup {
    let lost = of(batch, &[JobState::Failed, JobState::Quarantined]);
    if ended(batch) < batch.total {
        let busy = of(batch, &[JobState::Offered, JobState::Running]) > 0;
        return if busy { badge("busy", "running") } else { badge("idle", "waiting") };
    }
    match (lost, of(batch, &[JobState::Cancelled])) {
        (0, 0) => badge("good", "done"),
        (0, _) => badge("idle", "cancelled"),
        _ => badge("bad", "failed"),
    }
}

/// How many of its jobs have ended, as a bar.
pub fn bar(batch: &Batch) -> Markup {
    let ended = ended(batch);
    html! {
        span.progress {
            progress max=(batch.total.max(1)) value=(ended) aria-label={ "Progress of " (name(batch)) } {}
            small { (count(ended)) " of " (count(batch.total)) ", " (ratio(ended, batch.total)) }
        }
    }
}

/// When it is expected to end.
pub fn left(batch: &Batch, pace: Option<&Pace>) -> String {
    let open = batch.total - ended(batch).min(batch.total);
    if open == 0 {
        return batch.finished_at.map_or_else(String::new, |end| {
            let ms = end.as_millis() - batch.created_at.as_millis();
            format!("took {}", duration_ms(u64::try_from(ms).unwrap_or(0)))
        });
    }
    match pace {
        Some(pace) => format!("{} left", duration_ms(pace.ms_for(open))),
        None => "no pace yet".to_owned(),
    }
}

fn failures(batch: &Batch) -> Markup {
    let failed = of(batch, &[JobState::Failed, JobState::Quarantined]);
    html! { @if failed > 0 { span.badge.bad { (count(failed)) " failed" } } }
}

#[cfg(test)]
mod tests {
    use studio_store::Role;

    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::{check, shell};

    #[test]
    fn every_state_of_the_list_renders() {
        for data in samples::batches() {
            let text = check(&page(&shell(Role::Viewer), &data));
            assert_eq!(text.matches("class=\"batch-row\"").count(), data.batches.len());
        }
    }

    #[test]
    fn a_word_says_where_a_batch_is() {
        use JobState::{Cancelled, Done, Failed, Queued, Running};
        for (counts, word) in [
            (vec![(Queued, 2)], "waiting"),
            (vec![(Queued, 1), (Running, 1)], "running"),
            (vec![(Done, 2)], "done"),
            (vec![(Done, 1), (Cancelled, 1)], "cancelled"),
            (vec![(Failed, 1), (Cancelled, 1)], "failed"),
        ] {
            let batch = samples::batch("batch-1", &counts);
            assert!(check(&standing(&batch)).contains(word), "{counts:?}");
        }
    }

    #[test]
    fn what_is_left_is_told_as_far_as_it_is_known() {
        let batch = samples::batch("batch-1", &[(JobState::Done, 5), (JobState::Queued, 10)]);
        assert_eq!(left(&batch, None), "no pace yet");
        assert_eq!(left(&batch, Some(&Pace { ms_per_job: 6_000.0 })), "1 min 0 s left");
        let ended = samples::batch("batch-1", &[(JobState::Done, 5)]);
        assert_eq!(left(&ended, None), "took 55.0 s");
    }
}
