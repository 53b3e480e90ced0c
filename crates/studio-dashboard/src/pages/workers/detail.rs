//! One worker.

use std::collections::BTreeSet;

use maud::{Markup, html};
use studio_api::{Job, Model, Worker, WorkerLog};
use studio_protocol::{Feature, LogLevel};

use super::limits;
use super::{meters, state};
use crate::layout::{Shell, page as document};
use crate::pages::links::address;
use crate::parts::{Button, badge, button, dialog, empty, job_progress, job_state, text, time};

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Detail {
    /// The worker.
    pub worker: Worker,
    /// Jobs that it holds or held, newest first, as far as the visitor may see them.
    pub jobs: Vec<Job>,
    /// The registry.
    pub models: Vec<Model>,
    /// What it last said of itself, oldest first.
    pub logs: Vec<WorkerLog>,
}

/// The page.
pub fn page(shell: &Shell, detail: &Detail) -> Markup {
    let worker = &detail.worker;
    let content = html! {
        nav.crumbs aria-label="Way back" { a href="/workers" { "Workers" } }
        div.page-head #head data-live="worker" {
            div.head-title { h1 { (worker.name) } (state(worker)) }
            @if shell.operates() { (actions(worker)) }
        }
        div.two {
            section.card #about aria-labelledby="about-title" data-live="worker" {
                h2 #about-title { "Machine" }
                div.stack { (meters(worker)) }
                (facts(shell, worker))
            }
            section.card aria-labelledby="jobs-title" {
                div.card-head {
                    h2 #jobs-title { "Jobs" }
                    a href={ "/jobs?worker=" (worker.id) } { "All of its jobs" }
                }
                div #jobs data-live="job" { (jobs(shell, &detail.jobs)) }
            }
        }
        section.card #models aria-labelledby="models-title" data-live="worker changed:models" {
            h2 #models-title { "Models" }
            (models(shell, detail))
        }
        div.two {
            section.card #limits aria-labelledby="limits-title" data-live="worker" {
                div.card-head {
                    h2 #limits-title { "Limits" }
                    @if shell.operates() { button.small type="button" data-open="change-limits" { "Change" } }
                }
                (limits::facts(&worker.limits))
            }
            section.card aria-labelledby="logs-title" {
                h2 #logs-title { "Last log lines" }
                // Nobody is told of a line, so the region looks again by itself.
                div #logs data-live="worker" data-poll="" { (logs(&detail.logs)) }
            }
        }
        @if shell.operates() { (rename(worker)) (limits::form(worker)) }
    };
    document(shell, &content)
}

fn actions(worker: &Worker) -> Markup {
    html! {
        div.actions {
            (steering(worker))
            button type="button" data-open="rename" { "Rename" }
            (button(&Button {
                label: "Remove",
                api: &format!("DELETE /api/v1/workers/{}", worker.id),
                class: "danger",
                confirm: &format!("Remove {}? What it holds is queued again, and it has to ask to join anew.", worker.name),
                then: "/workers",
                ..Button::default()
            }))
        }
    }
}

/// Whether it gets jobs.
fn steering(worker: &Worker) -> Markup {
    let id = &worker.id;
    html! {
        @if worker.paused || worker.draining {
            (button(&Button {
                label: "Resume",
                api: &format!("POST /api/v1/workers/{id}/resume"),
                class: "primary",
                done: "It gets jobs again",
                ..Button::default()
            }))
        } @else {
            (button(&Button {
                label: "Pause",
                api: &format!("PATCH /api/v1/workers/{id}"),
                body: "{\"paused\":true}",
                done: "It gets no more jobs; what it holds it finishes",
                ..Button::default()
            }))
            (button(&Button {
                label: "Drain",
                api: &format!("POST /api/v1/workers/{id}/drain"),
                confirm: &format!("Send {} home? It finishes what it has; one that knows how to then ends its program.", worker.name),
                done: "It finishes what it has",
                ..Button::default()
            }))
        }
    }
}

fn logs(lines: &[WorkerLog]) -> Markup {
    html! {
        @if lines.is_empty() { p.faint { "It has said nothing since the studio started." } }
        @else {
            ol.log tabindex="0" aria-label="Log" {
                @for line in lines {
                    li data-key={ "line-" (line.seq) } {
                        span { (line.ts.to_string().get(11..19).unwrap_or_default()) }
                        span class=(level(line)) { (line.category) }
                        span {
                            (line.message)
                            @if let Some(job) = &line.job { " " a href=(address("/jobs", &[("q", Some(job))])) { "job" } }
                        }
                    }
                }
            }
        }
    }
}

fn level(line: &WorkerLog) -> &'static str {
    match line.level {
        LogLevel::Error => "bad-text",
        LogLevel::Warn => "warn-text",
        LogLevel::Info => "faint",
    }
}

fn rename(worker: &Worker) -> Markup {
    dialog(
        "rename",
        "Rename",
        &html! {
            form.form data-api={ "PATCH /api/v1/workers/" (worker.id) } data-done="Renamed" {
                (text("rename-name", "name", "Name", "For people; jobs find it by its id", &worker.name, "required maxlength=\"100\""))
                div.actions {
                    button type="button" data-close="" { "Cancel" }
                    button.primary type="submit" { "Rename" }
                }
            }
        },
    )
}

fn facts(shell: &Shell, worker: &Worker) -> Markup {
    let has = &worker.capabilities;
    html! {
        dl.facts {
            dt { "Host" } dd { (has.machine_name) @if !has.username.is_empty() { ", user " (has.username) } }
            @if let Some(gpu) = has.resources.as_ref().and_then(|resources| resources.gpu.as_ref()) { dt { "GPU" } dd { (gpu) } }
            dt { "Version" } dd { (or_unknown(&has.agent_version)) }
            dt { "Engines" } dd { (or_unknown(&has.model_engines.join(", "))) }
            dt { "Kinds" } dd { (or_unknown(&has.task_kinds.join(", "))) }
            @if let Some(accept) = &has.accept {
                @if !accept.projects.is_empty() { dt { "Owner takes projects" } dd { (accept.projects.join(", ")) } }
                @if let Some(pixels) = accept.max_pixels { dt { "Owner takes pictures" } dd { "up to " (pixels) " pixels" } }
            }
            @if !has.slots.is_empty() {
                dt { "At once" }
                dd { (has.slots.iter().map(|(kind, slots)| format!("{slots} {kind}")).collect::<Vec<_>>().join(", ")) }
            }
            dt { "Works" } dd { @if has.only_when_idle { "only while nobody sits at it" } @else { "at any time" } }
            dt { "Approved" } dd { (time(shell.now, worker.created_at)) }
            @if let Some(connected) = worker.connected_at { dt { "Connected" } dd { (time(shell.now, connected)) } }
            dt { "Last seen" }
            dd { @if let Some(seen) = worker.last_seen_at { (time(shell.now, seen)) } @else { "never" } }
            dt { "Id" } dd.mono { (worker.id) }
        }
    }
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "unknown" } else { text }
}

fn jobs(shell: &Shell, jobs: &[Job]) -> Markup {
    html! {
        @if jobs.is_empty() { p.faint { "It has had no job." } }
        ul.plain {
            @for job in jobs {
                li data-job=(job.id) {
                    (job_state(job.state))
                    a href={ "/jobs/" (job.id) } { (job.asset_name) }
                    (job_progress(job))
                    @if let Some(at) = job.finished_at.or(job.started_at) { small { (time(shell.now, at)) } }
                }
            }
        }
    }
}

fn models(shell: &Shell, detail: &Detail) -> Markup {
    let worker = &detail.worker;
    let has = &worker.capabilities;
    let runs = |model: &&Model| has.model_engines.contains(&model.source.engine);
    let mut ids: BTreeSet<&str> = detail.models.iter().filter(runs).map(|model| model.id.as_str()).collect();
    ids.extend(has.loaded_models.iter().chain(&has.present_models).map(String::as_str));
    let can_ask = shell.operates() && worker.online && has.features.has(Feature::Control);
    html! {
        @if ids.is_empty() {
            (empty("No model of the registry runs here", &html! { p { "Its engines: " (or_unknown(&has.model_engines.join(", "))) } }))
        } @else {
            ul.rows.model-rows {
                @for id in ids { (model_row(worker, id, can_ask)) }
            }
            @if shell.operates() && worker.online && !can_ask {
                p.faint { "This worker takes no requests to load models: its owner switched that off, or its program does not know them." }
            }
        }
    }
}

fn model_row(worker: &Worker, id: &str, can_ask: bool) -> Markup {
    let has = &worker.capabilities;
    let holds = |list: &[String]| list.iter().any(|model| model == id);
    let (loaded, present) = (holds(&has.loaded_models), holds(&has.present_models));
    let what = if loaded { "unload" } else { "load" };
    html! {
        li data-key={ "model-" (id) } {
            a.title href={ "/models/" (id) } { (id) }
            span.badges {
                @if loaded { (badge("busy", "loaded")) }
                @if present { (badge("good", "on disk")) }
                @if !loaded && !present { small { "not fetched" } }
            }
            small { @if let Some(speed) = has.model_speeds.get(id) { (format!("{speed:.2}")) " units a second" } }
            div.right {
                @if can_ask {
                    (button(&Button {
                        label: if loaded { "Unload" } else { "Load" },
                        api: &format!("POST /api/v1/workers/{}/models/{id}/{what}", worker.id),
                        class: "small",
                        done: "The worker was asked",
                        name: &format!("{} {id}", if loaded { "Unload" } else { "Load" }),
                        ..Button::default()
                    }))
                }
            }
        }
    }
}
