//! Everybody who works here or wants to.

use maud::{Markup, html};
use studio_api::{Job, Registration, Worker};

use super::{meters, state, summary};
use crate::layout::{Shell, page as document};
use crate::pages::join;
use crate::parts::{badge, dialog, empty, gib, job_progress, text, text_area, time};

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Workers {
    /// Registrations that wait, for operators.
    pub pending: Vec<Registration>,
    /// Every worker.
    pub rows: Vec<Row>,
    /// How workers reach the studio.
    pub studio_url: String,
}

/// A worker and what it does.
#[derive(Debug, Clone)]
pub struct Row {
    /// The worker.
    pub worker: Worker,
    /// Jobs that it holds, as far as the visitor may see them.
    pub jobs: Vec<Job>,
}

/// The page.
pub fn page(shell: &Shell, workers: &Workers) -> Markup {
    let online = workers.rows.iter().filter(|row| row.worker.online).count();
    let content = html! {
        div.page-head {
            h1 { "Workers" }
            @if shell.operates() { div.actions { (join::button("primary")) } }
        }
        @if shell.operates() {
            div.stack #pending data-live="registration" {
                @for registration in &workers.pending { (pending(shell, registration)) }
            }
        }
        section.stack aria-labelledby="workers-title" {
            h2.hidden #workers-title { "All workers" }
            div.stack #workers data-live="worker registration job" {
                @if workers.rows.is_empty() {
                    (empty("No worker yet", &html! {
                        p { "A worker is a machine that computes what jobs ask for." }
                        @if shell.operates() { (join::button("primary")) }
                    }))
                } @else {
                    p.faint { (online) " of " (workers.rows.len()) " online" }
                    ul.rows.workers {
                        @for row in &workers.rows { (worker_row(shell, row)) }
                    }
                }
            }
        }
        @if shell.operates() { (join::dialogs(&workers.studio_url)) }
    };
    document(shell, &content)
}

fn worker_row(shell: &Shell, row: &Row) -> Markup {
    let worker = &row.worker;
    let has = &worker.capabilities;
    html! {
        li data-key=(worker.id) {
            div {
                a.title href={ "/workers/" (worker.id) } { (worker.name) }
                div.badges {
                    (state(worker))
                    @for label in &worker.limits.labels { (badge("idle", label)) }
                }
            }
            div.small-stack {
                (meters(worker))
                small {
                    @if has.agent_version.is_empty() { "version unknown" } @else { "version " (has.agent_version) }
                }
            }
            div.badges {
                @for model in &has.loaded_models { (badge("busy", model)) }
                @if has.loaded_models.is_empty() && worker.online { small { "no model loaded" } }
            }
            div.small-stack {
                @for job in &row.jobs {
                    div data-job=(job.id) {
                        a href={ "/jobs/" (job.id) } { (job.asset_name) }
                        (job_progress(job))
                    }
                }
                @if row.jobs.is_empty() {
                    small {
                        @if worker.online { "idle" }
                        @else if let Some(seen) = worker.last_seen_at { "seen " (time(shell.now, seen)) }
                        @else { "never seen" }
                    }
                }
            }
        }
    }
}

/// Its device memory in words.
pub(super) fn memory(worker: &Worker) -> String {
    let has = &worker.capabilities;
    match (has.vram_total_gb, has.vram_threshold_gb) {
        (total, _) if total <= 0.0 => "GPU memory unknown".to_owned(),
        (total, usable) if usable > 0.0 && usable < total => {
            format!("{} of {} for jobs", gib(usable), gib(total))
        }
        (total, _) => format!("{} GPU memory", gib(total)),
    }
}

fn pending(shell: &Shell, registration: &Registration) -> Markup {
    let has = &registration.capabilities;
    let id = &registration.id;
    let reject = format!("reject-{id}");
    let user = if has.username.is_empty() { String::new() } else { format!(", user {}", has.username) };
    html! {
        section.card.pending data-key=(id) #{ "registration-" (id) } aria-label={ (registration.machine_name) " asks to join" } {
            div.card-head {
                h2 { (registration.machine_name) " asks to join" }
                (badge("warn", "waits for you"))
            }
            dl.facts {
                dt { "Machine" } dd { (summary(has)) (user) }
                dt { "Engines" } dd { (or_none(&has.model_engines)) }
                dt { "Models" } dd { (or_none(&has.supported_models)) }
                dt { "Program" } dd { (registration.user_agent) }
                dt { "From" } dd { (registration.source_addr) ", " (time(shell.now, registration.created_at)) }
                dt { "Install id" } dd.mono { (registration.install_id) }
            }
            form.filters data-api={ "POST /api/v1/registrations/" (id) "/approve" }
                data-done={ (registration.machine_name) " may work now" } {
                (text(&format!("name-{id}"), "name", "Name", "", &registration.machine_name, "maxlength=\"100\""))
                div.actions {
                    button.primary type="submit" { "Approve" }
                    button.danger type="button" data-open=(reject) { "Reject" }
                }
            }
            (dialog(&reject, "Reject this machine", &html! {
                form.form data-api={ "POST /api/v1/registrations/" (id) "/reject" } data-done="It was told" {
                    (text_area(&format!("reason-{id}"), "reason", "Reason", "The machine's owner reads it", "", "rows=\"2\""))
                    div.actions {
                        button type="button" data-close="" { "Cancel" }
                        button.danger type="submit" { "Reject" }
                    }
                }
            }))
        }
    }
}

fn or_none(words: &[String]) -> String {
    if words.is_empty() { "none told".to_owned() } else { words.join(", ") }
}
