//! What somebody should look at, the most urgent first.

use maud::{Markup, html};
use studio_api::{Job, Registration, Worker};
use studio_store::Role;

use super::Home;
use crate::layout::Shell;
use crate::pages::workers::{self, Trouble};
use crate::parts::{Button, Icon, button, bytes, icon, job_state, time};

/// Less than this part of the studio's disk is little.
const LOW_DISK_PART: f64 = 0.1;
/// And less than this is little on any disk.
const LOW_DISK_BYTES: u64 = 5_000_000_000;
/// Troubled jobs that are named; the rest is counted.
const NAMED_JOBS: usize = 5;

/// The notices, or that all is well.
pub fn list(shell: &Shell, home: &Home) -> Markup {
    let mut notices = Vec::new();
    for registration in &home.pending {
        notices.push(pending(shell, registration));
    }
    if let Some(overview) = &home.overview {
        if overview.queue.paused {
            notices.push(queue_held(shell, home));
        }
        let free = overview.disk_free_bytes;
        let low = (overview.disk_total_bytes as f64 * LOW_DISK_PART) as u64;
        if overview.disk_total_bytes > 0 && free < low.max(LOW_DISK_BYTES) {
            notices.push(disk_low(shell, free, overview.disk_total_bytes));
        }
    }
    if !home.troubled.is_empty() {
        notices.push(troubled(shell, &home.troubled));
    }
    notices.extend(workers_in_trouble(shell, &home.workers));
    html! {
        @if notices.is_empty() {
            div.notice { (icon(Icon::Check)) span.grow { "All is well: nothing needs you." } }
        }
        @for notice in &notices { (notice) }
    }
}

fn pending(shell: &Shell, registration: &Registration) -> Markup {
    let has = &registration.capabilities;
    html! {
        div.notice.warn data-key=(registration.id) {
            (icon(Icon::Worker))
            div.grow {
                strong { (registration.machine_name) } " asks to join"
                div.faint { (workers::summary(has)) ", from " (registration.source_addr) ", " (time(shell.now, registration.created_at)) }
            }
            div.actions {
                (button(&Button {
                    label: "Approve",
                    api: &format!("POST /api/v1/registrations/{}/approve", registration.id),
                    body: "{}",
                    class: "primary",
                    done: &format!("{} may work now", registration.machine_name),
                    name: &format!("Approve {}", registration.machine_name),
                    ..Button::default()
                }))
                a.button href="/workers" { "Look closer" }
            }
        }
    }
}

fn queue_held(shell: &Shell, home: &Home) -> Markup {
    let since = home.overview.as_ref().and_then(|overview| overview.queue.paused_at);
    html! {
        div.notice.warn {
            (icon(Icon::Pause))
            div.grow {
                strong { "The queue is held" }
                div.faint {
                    "Jobs are taken in and none is given out"
                    @if let Some(since) = since { ", since " (time(shell.now, since)) }
                }
            }
            @if shell.operates() {
                (button(&Button { label: "Let it run", api: "PATCH /api/v1/queue", body: "{\"paused\":false}", class: "primary", ..Button::default() }))
            }
        }
    }
}

fn disk_low(shell: &Shell, free: u64, total: u64) -> Markup {
    html! {
        div.notice.bad {
            (icon(Icon::Alert))
            div.grow {
                strong { "The studio's disk is nearly full" }
                div.faint { (bytes(free)) " of " (bytes(total)) " are free. When it is full, results are refused." }
            }
            @if shell.may(Role::Admin) { a.button href="/settings/retention" { "Delete old results" } }
        }
    }
}

fn troubled(shell: &Shell, jobs: &[Job]) -> Markup {
    let quarantined = jobs.iter().filter(|job| job.state == studio_store::JobState::Quarantined).count();
    let failed = jobs.len() - quarantined;
    let title = match (failed, quarantined) {
        (failed, 0) => format!("{} failed since yesterday", jobs_in_words(failed)),
        (0, quarantined) => format!("{} took workers down", jobs_in_words(quarantined)),
        (failed, quarantined) => {
            format!("{} failed since yesterday, {quarantined} took workers down", jobs_in_words(failed))
        }
    };
    html! {
        div.notice.bad {
            (icon(Icon::Alert))
            div.grow.stack {
                strong { (title) }
                ul.trouble {
                    @for job in jobs.iter().take(NAMED_JOBS) {
                        li data-key={ "trouble-" (job.id) } {
                            (job_state(job.state))
                            a href={ "/jobs/" (job.id) } { (job.asset_name) }
                            @if let Some(error) = &job.error { small { (error) } }
                            @if shell.may(Role::Submitter) {
                                (button(&Button {
                                    label: "Try again",
                                    api: &format!("POST /api/v1/jobs/{}/retry", job.id),
                                    class: "small",
                                    done: "The job waits again",
                                    name: &format!("Try again: {}", job.asset_name),
                                    ..Button::default()
                                }))
                            }
                        }
                    }
                }
                div {
                    a href="/jobs?state=failed" { "All failed jobs" }
                    @if quarantined > 0 { ", " a href="/jobs?state=quarantined" { "all in quarantine" } }
                }
            }
        }
    }
}

fn jobs_in_words(count: usize) -> String {
    if count == 1 { "1 job".to_owned() } else { format!("{count} jobs") }
}

fn workers_in_trouble(shell: &Shell, all: &[Worker]) -> Vec<Markup> {
    let mut notices = Vec::new();
    for kind in Trouble::ALL {
        let those: Vec<&Worker> =
            all.iter().filter(|worker| workers::troubles(worker).contains(&kind)).collect();
        if those.is_empty() {
            continue;
        }
        notices.push(html! {
            div.notice.warn {
                (icon(Icon::Worker))
                div.grow {
                    strong { (those.len()) " " (if those.len() == 1 { "worker" } else { "workers" }) " " (kind.words(those.len())) }
                    div.faint {
                        @for (at, worker) in those.iter().enumerate() {
                            @if at > 0 { ", " }
                            a href={ "/workers/" (worker.id) } { (worker.name) }
                            @if kind == Trouble::Offline {
                                @if let Some(seen) = worker.last_seen_at { " (" (time(shell.now, seen)) ")" }
                            }
                        }
                    }
                }
            }
        });
    }
    notices
}
