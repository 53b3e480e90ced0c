//! What an operator lets a worker have.

use maud::{Markup, html};
use studio_api::{Worker, WorkerLimits};
use studio_protocol::{ProjectId, TaskKind};

use crate::parts::{badge, check_box, dialog, kind, number, text};

/// The limits in words.
pub fn facts(limits: &WorkerLimits) -> Markup {
    html! {
        dl.facts {
            dt { "Kinds" }
            dd {
                @match &limits.kinds {
                    Some(kinds) => (listed(kinds.iter().map(|one| kind(*one)))),
                    None => "every kind",
                }
            }
            dt { "Projects" }
            dd {
                @match &limits.projects {
                    Some(projects) => (listed(projects.iter().map(ProjectId::as_str))),
                    None => "every project",
                }
            }
            dt { "At once" }
            dd { @if let Some(jobs) = limits.max_jobs { "at most " (jobs) " jobs" } @else { "as many as it has slots" } }
            dt { "Labels" }
            dd.badges { @for label in &limits.labels { (badge("idle", label)) } @if limits.labels.is_empty() { "none" } }
        }
    }
}

fn listed<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<&str> = words.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// The dialog that changes them, all at once.
pub fn form(worker: &Worker) -> Markup {
    let limits = &worker.limits;
    let has = |one: TaskKind| limits.kinds.as_ref().is_some_and(|kinds| kinds.contains(&one));
    let projects: Vec<&str> = limits.projects.iter().flatten().map(ProjectId::as_str).collect();
    let most = limits.max_jobs.map(|jobs| jobs.to_string()).unwrap_or_default();
    dialog(
        "change-limits",
        "Limits",
        &html! {
            form.form data-api={ "PATCH /api/v1/workers/" (worker.id) } data-body="{\"limits\":{}}" data-done="Saved"
                data-then="reload" {
                fieldset.field {
                    legend { "Only these kinds" }
                    small.hint { "None ticked: every kind" }
                    div.checks {
                        @for one in TaskKind::ALL {
                            (check_box(&format!("kind-{one}"), "limits.kinds[]", kind(one), Some(one.as_str()), has(one)))
                        }
                    }
                }
                (text("limit-projects", "limits.projects", "Only these projects", "With commas between; empty: every project", &projects.join(", "), "data-type=\"list\""))
                (number("limit-jobs", "limits.maxJobs", "Jobs at once", "Empty: as many as it has slots", &most, "min=\"1\""))
                (text("limit-labels", "limits.labels", "Labels", "Words for people, with commas between", &limits.labels.join(", "), "data-type=\"list\""))
                div.actions {
                    button type="button" data-close="" { "Cancel" }
                    button.primary type="submit" { "Save" }
                }
            }
        },
    )
}
