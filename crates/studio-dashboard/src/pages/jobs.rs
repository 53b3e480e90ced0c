//! Jobs: the queue and its history, page by page, with what can be done to many of them at once.

use maud::{Markup, html};
use studio_api::{ActionFilter, Counts, Job, QueueState};
use studio_protocol::TaskKind;
use studio_store::{JobState, Role};

use super::{links, work_head};
use crate::assets;
use crate::layout::{Shell, page as document};
use crate::parts::{Button, button, count, duration_ms, empty, job_progress, job_state, kind, time};

/// Jobs of a page unless the address says otherwise.
pub const PAGE_SIZE: u32 = 100;
/// The page sizes to choose from.
pub const PAGE_SIZES: [u32; 4] = [50, 100, 150, 200];

/// Which jobs a list is of; all conditions hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only in this state.
    pub state: Option<JobState>,
    /// Only of this kind.
    pub kind: Option<TaskKind>,
    /// Only of this model.
    pub model: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only what this worker holds or ended.
    pub worker: Option<String>,
    /// Only of this batch.
    pub batch: Option<String>,
    /// Part of the asset name, or the whole id.
    pub q: Option<String>,
}

impl Filter {
    /// The same for an action on all that it finds.
    fn for_action(&self) -> ActionFilter {
        let Self { state, kind, model, project, worker, batch, q } = self.clone();
        ActionFilter { state: state.into_iter().collect(), kind, model, batch, project, worker, q }
    }
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// One page of them, newest first.
    pub jobs: Vec<Job>,
    /// Which jobs the list is of.
    pub filter: Filter,
    /// Jobs of a page.
    pub limit: u32,
    /// Every job of the list by state, where that is known without counting.
    pub counts: Option<Counts>,
    /// Whether the queue is held.
    pub queue: Option<QueueState>,
    /// Names of models, to filter by.
    pub models: Vec<String>,
    /// Names of projects, to filter by.
    pub projects: Vec<String>,
    /// Ids and names of workers.
    pub workers: Vec<(String, String)>,
    /// The page is not the first one.
    pub later: bool,
    /// Where the next page starts, if there is one.
    pub older: Option<String>,
    /// What is wrong with the filter.
    pub problem: Option<String>,
}

impl Data {
    fn address(&self, state: Option<JobState>, page: Option<(&str, &str)>) -> String {
        let limit = (self.limit != PAGE_SIZE).then(|| self.limit.to_string());
        let filter = &self.filter;
        let (name, value) = page.unwrap_or(("cursor", ""));
        links::address(
            "/jobs",
            &[
                ("state", state.map(JobState::as_str)),
                ("kind", filter.kind.map(TaskKind::as_str)),
                ("model", filter.model.as_deref()),
                ("project", filter.project.as_deref()),
                ("worker", filter.worker.as_deref()),
                ("batch", filter.batch.as_deref()),
                ("q", filter.q.as_deref()),
                ("limit", limit.as_deref()),
                (name, Some(value)),
            ],
        )
    }

    fn is_filtered(&self) -> bool {
        Filter { state: None, ..self.filter.clone() } != Filter::default()
    }

    fn total(&self, state: Option<JobState>) -> Option<u64> {
        let counts = self.counts.as_ref()?;
        Some(match state {
            Some(state) => counts.get(&state).copied().unwrap_or(0),
            None => counts.values().sum(),
        })
    }
}

/// The list of jobs.
pub fn page(shell: &Shell, data: &Data) -> Markup {
    let submits = shell.may(Role::Submitter);
    document(
        shell,
        &html! {
            (work_head())
            @if submits { script type="module" src=(assets::url("jobs.js")) {} }
            div.page-head { h1 { "Jobs" } (queue(shell, data)) }
            (states(data))
            (filters(data))
            @if let Some(problem) = &data.problem { p.notice.bad role="alert" { (problem) } }
            form #jobs data-select="" data-matching=(matching(data)) data-state=[data.filter.state]
                data-later[data.later] {
                @if submits { (selection(data)) }
                (list(shell, data))
            }
            (pager(data))
        },
    )
}

fn matching(data: &Data) -> String {
    serde_json::to_string(&data.filter.for_action()).unwrap_or_default()
}

/// Whether the queue is held, and the button that changes it.
fn queue(shell: &Shell, data: &Data) -> Markup {
    html! {
        div.queue-state #queue-state data-live="changed:queue" {
            @if let Some(queue) = &data.queue {
                @if queue.paused {
                    span.badge.warn { "held" }
                    @if let Some(since) = queue.paused_at { span.faint { (time(shell.now, since)) } }
                }
                @if shell.operates() {
                    @let change = if queue.paused { ("Resume queue", false) } else { ("Hold queue", true) };
                    (button(&Button {
                        label: change.0,
                        api: "PATCH /api/v1/queue",
                        body: if change.1 { "{\"paused\":true}" } else { "{\"paused\":false}" },
                        class: if change.1 { "" } else { "primary" },
                        confirm: if change.1 { "Running jobs go on, no other job is given out until the queue is resumed." } else { "" },
                        ..Button::default()
                    }))
                }
            }
        }
    }
}

fn states(data: &Data) -> Markup {
    let tab = |state: Option<JobState>| {
        let current = data.filter.state == state;
        html! {
            li {
                a href=(data.address(state, None)) aria-current=[current.then_some("page")] {
                    (state.map_or("all", JobState::as_str))
                    @if let Some(total) = data.total(state) {
                        span.count data-count=(state.map_or("all", JobState::as_str)) { (count(total)) }
                    }
                }
            }
        }
    };
    html! {
        nav.tabs.state-tabs #job-states aria-label="States" data-live="submitted" data-global[!data.is_filtered()] {
            ul {
                (tab(None))
                @for state in JobState::ALL { (tab(Some(*state))) }
            }
        }
    }
}

fn filters(data: &Data) -> Markup {
    let filter = &data.filter;
    let value = |text: &Option<String>| text.clone().unwrap_or_default();
    let limit = data.limit.to_string();
    html! {
        form.filters method="get" action="/jobs" role="search" aria-label="Filter jobs" {
            @if let Some(state) = filter.state { input type="hidden" name="state" value=(state); }
            div.field.wide {
                label for="q" { "Search" }
                input type="search" id="q" name="q" value=(value(&filter.q)) placeholder="part of a name, or an id";
            }
            div.field { label for="kind" { "Kind" } (kinds(filter.kind)) }
            (choice("model", "Model", &value(&filter.model), data.models.iter().map(|name| (name.as_str(), name.as_str()))))
            (choice("project", "Project", &value(&filter.project), data.projects.iter().map(|name| (name.as_str(), name.as_str()))))
            (choice("worker", "Worker", &value(&filter.worker), data.workers.iter().map(|(id, name)| (id.as_str(), name.as_str()))))
            @if let Some(batch) = &filter.batch {
                (choice("batch", "Batch", batch, [(batch.as_str(), batch.as_str())].into_iter()))
            }
            div.field {
                label for="limit" { "Per page" }
                select id="limit" name="limit" {
                    @for size in PAGE_SIZES { option value=(size) selected[limit == size.to_string()] { (size) } }
                }
            }
            div.actions {
                button type="submit" { "Filter" }
                @if data.is_filtered() { a.button.quiet href=(links::address("/jobs", &[("state", filter.state.map(JobState::as_str))])) { "Clear" } }
            }
        }
    }
}

/// Kinds to filter by.
pub fn kinds(chosen: Option<TaskKind>) -> Markup {
    html! {
        select id="kind" name="kind" {
            option value="" { "any" }
            @for one in TaskKind::ALL { option value=(one) selected[chosen == Some(one)] { (kind(one)) } }
        }
    }
}

/// Something to filter by; what the address asks for can be chosen even if nobody knows it.
pub fn choice<'a>(
    name: &str,
    label: &str,
    value: &str,
    options: impl Iterator<Item = (&'a str, &'a str)>,
) -> Markup {
    let options: Vec<_> = options.collect();
    let known = value.is_empty() || options.iter().any(|(option, _)| *option == value);
    html! {
        div.field {
            label for=(name) { (label) }
            select id=(name) name=(name) {
                option value="" { "any" }
                @if !known { option value=(value) selected { (value) } }
                @for (option, words) in options { option value=(option) selected[option == value] { (words) } }
            }
        }
    }
}

/// What can be done to the jobs that are ticked, or to all that the filter finds; `jobs.js` shows it.
fn selection(data: &Data) -> Markup {
    let act = |label: &str, body: &str, confirm: &str, class: &str| {
        html! {
            button type="button" class=[(!class.is_empty()).then_some(class)] data-bulk=(body)
                data-confirm=[(!confirm.is_empty()).then_some(confirm)] { (label) }
        }
    };
    html! {
        div.selection #selection hidden data-keep="hidden" {
            div.check {
                input type="checkbox" id="select-all" data-select-all="";
                label for="select-all" { "All on this page" }
            }
            div.field.inline {
                label for="scope" { "Act on" }
                select id="scope" {
                    option value="selected" { "the selected jobs" }
                    option value="matching" { "all " (data.total(data.filter.state).map_or_else(String::new, |total| format!("{} ", count(total)))) "that match" }
                }
            }
            span.faint { span data-selected-count="" { "0" } " selected" }
            div.actions {
                (act("Cancel", "{\"action\":\"cancel\"}", "Cancel {jobs}? What runs is stopped.", "danger"))
                (act("Retry", "{\"action\":\"retry\"}", "", ""))
                (act("Up", "{\"by\":1}", "", ""))
                (act("Down", "{\"by\":-1}", "", ""))
                (act("To the front", "{\"to\":\"front\"}", "", ""))
                div.field.inline {
                    label for="priority" { "Priority" }
                    input type="number" id="priority" min="-1000" max="1000" value="0";
                }
                (act("Set", "{\"to\":\"priority\"}", "", ""))
            }
        }
    }
}

fn list(shell: &Shell, data: &Data) -> Markup {
    let picks = shell.may(Role::Submitter);
    html! {
        ul.rows.job-rows #jobs-list data-live="submitted" aria-label="Jobs" {
            @for job in &data.jobs { (row(shell, job, &data.workers, picks)) }
            @if data.jobs.is_empty() {
                li #no-jobs { (empty("No jobs", &html! {
                    @if data.is_filtered() || data.filter.state.is_some() {
                        p { "Nothing matches. " a href="/jobs" { "Show all jobs" } }
                    } @else {
                        p { "Jobs come from the " a href="/playground" { "playground" } ", the API and " code { "studio submit" } "." }
                    }
                })) }
            }
        }
    }
}

/// One job in a list.
pub fn row(shell: &Shell, job: &Job, workers: &[(String, String)], picks: bool) -> Markup {
    let worker = job.worker.as_ref().map(|id| {
        workers.iter().find(|(known, _)| known == id).map_or(id.as_str(), |(_, name)| name.as_str())
    });
    html! {
        li.job-row #(job.id) data-job=(job.id) data-priority=(job.priority) {
            @if picks {
                input type="checkbox" name="selected" value=(job.id) aria-label={ "Select " (job.asset_name) };
            }
            (job_state(job.state))
            a.job-name href=(links::job(&job.id)) title=(job.id) { (job.asset_name) }
            span.job-model title={ (kind(job.kind)) " by " (job.model) } { (job.model) }
            span.job-doing {
                (job_progress(job))
                @if !job.state.is_held() {
                    @if let Some(error) = &job.error { span.job-error title=(error) { (error) } }
                    @else if let Some(took) = took(job) { span.faint { "took " (took) } }
                }
            }
            span.job-worker { @if let Some(worker) = worker { (worker) } }
            span.job-project { (job.project) }
            span.job-priority title="Priority" { @if job.priority != 0 { (job.priority) } }
            span.job-age { (time(shell.now, job.created_at)) }
        }
    }
}

/// How long the last try took.
pub fn took(job: &Job) -> Option<String> {
    let ms = job.finished_at?.as_millis() - job.started_at?.as_millis();
    Some(duration_ms(u64::try_from(ms).unwrap_or(0)))
}

fn pager(data: &Data) -> Markup {
    let state = data.filter.state;
    let newest = data.jobs.first().filter(|_| data.later);
    html! {
        nav.pager #job-pages aria-label="Pages" data-live="submitted" {
            @if data.later { a.button href=(data.address(state, None)) { "Newest" } }
            @if let Some(newest) = newest {
                a.button rel="prev" href=(data.address(state, Some(("newer", &newest.id)))) { "Newer" }
            }
            @if let Some(older) = &data.older {
                a.button rel="next" href=(data.address(state, Some(("cursor", older)))) { "Older" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::{check, shell};

    #[test]
    fn every_state_of_the_list_renders() {
        for role in Role::ALL {
            for data in samples::jobs() {
                let text = check(&page(&shell(*role), &data));
                let submits = *role >= Role::Submitter;
                assert_eq!(text.contains("data-bulk"), submits, "{role}");
                assert_eq!(text.contains("name=\"selected\""), submits && !data.jobs.is_empty());
                let operates = *role >= Role::Operator && data.queue.is_some();
                assert_eq!(text.contains("PATCH /api/v1/queue"), operates);
                assert_eq!(text.matches("class=\"job-row\"").count(), data.jobs.len());
            }
        }
    }

    #[test]
    fn filters_stay_from_page_to_page() {
        let mut data = samples::jobs().remove(2);
        data.filter = Filter {
            state: Some(JobState::Failed),
            kind: Some(TaskKind::Image),
            model: Some("a&b".to_owned()),
            q: Some("red fox".to_owned()),
            ..Filter::default()
        };
        (data.limit, data.later, data.older) = (50, true, Some("c9".to_owned()));
        assert_eq!(
            data.address(data.filter.state, Some(("cursor", "c9"))),
            "/jobs?state=failed&kind=image&model=a%26b&q=red+fox&limit=50&cursor=c9"
        );
        let text = check(&page(&shell(Role::Admin), &data));
        assert!(text.contains("rel=\"next\"") && text.contains("rel=\"prev\"") && text.contains("Newest"));
        assert!(text.contains("&quot;q&quot;:&quot;red fox&quot;"), "what matches is told to the script");
        assert!(text.contains("<option value=\"a&amp;b\" selected>"), "an unknown model stays chosen");
    }

    #[test]
    fn counts_stand_at_their_states() {
        let data = samples::jobs().pop().unwrap();
        let text = check(&page(&shell(Role::Viewer), &data));
        assert!(text.contains("data-count=\"queued\">50\u{202f}000<"), "{text}");
    }
}
