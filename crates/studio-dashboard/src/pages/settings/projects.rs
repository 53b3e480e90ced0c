//! Projects and their shares of the fleet.

use maud::{Markup, html};
use studio_api::Project;
use studio_store::JobState;

use super::{opens, page as settings, removes, submit};
use crate::layout::Shell;
use crate::parts::{count, dialog, dom_id, empty, number, segment, text};

/// The page.
pub fn page(shell: &Shell, projects: &[Project]) -> Markup {
    let content = html! {
        p.faint { "While the fleet is busy, each project gets its share of it: its weight against the weights of the others." }
        div.stack #projects data-live="changed:projects" {
            @if projects.is_empty() {
                (empty("No projects yet", &html! { p { "The first job makes the project default." } }))
            } @else {
                ul.rows.projects { @for project in projects { (row(project)) } }
                @for project in projects { (change(project)) }
            }
        }
        (dialog("add-project", "Add a project", &html! {
            form.form data-api="PUT /api/v1/projects/{id}" data-done="The project is there" {
                (text("project-id", "id", "Name", "", "", "required maxlength=\"100\""))
                (number("project-weight", "weight", "Weight", "Its share against the others", "1", "required min=\"0.01\" step=\"any\""))
                (submit("Add"))
            }
        }))
    };
    settings(shell, "/settings/projects", &opens("add-project", "Add a project", "primary"), &content)
}

fn row(project: &Project) -> Markup {
    let of = |state| project.counts.get(&state).copied().unwrap_or_default();
    let limit = |limit: Option<u64>| {
        limit.map_or_else(|| "no limit".to_owned(), |limit| format!("at most {}", count(limit)))
    };
    html! {
        li data-key=(project.id) {
            div { strong { (project.id) } div { small { a href={ "/jobs?project=" (segment(&project.id)) } { "its jobs" } } } }
            div.small-stack { span { "weight " (project.weight) } }
            div.small-stack { span { (count(of(JobState::Queued))) " wait" } small { (limit(project.max_queued)) } }
            div.small-stack {
                span { (count(of(JobState::Running) + of(JobState::Offered))) " run" }
                small { (limit(project.max_running)) }
            }
            div.actions {
                @if project.counts.values().all(|jobs| *jobs == 0) {
                    (removes("Remove", &format!("DELETE /api/v1/projects/{}", segment(&project.id)), "Remove this project?", &format!("Remove {}", project.id)))
                }
                (opens(&format!("project-{}", dom_id(&project.id)), "Change", "small"))
            }
        }
    }
}

fn change(project: &Project) -> Markup {
    let (id, name) = (dom_id(&project.id), segment(&project.id));
    let stated = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    dialog(
        &format!("project-{id}"),
        &project.id,
        &html! {
            form.form data-api={ "PATCH /api/v1/projects/" (name) } data-done="Saved" {
                (number(&format!("weight-{id}"), "weight", "Weight", "Its share against the others", &project.weight.to_string(), "required min=\"0.01\" step=\"any\""))
                (number(&format!("queued-{id}"), "maxQueued", "Jobs that may wait", "More are refused; empty for no limit", &stated(project.max_queued), "min=\"0\" data-empty=\"null\""))
                (number(&format!("running-{id}"), "maxRunning", "Jobs that may run at once", "More wait; empty for no limit", &stated(project.max_running), "min=\"0\" data-empty=\"null\""))
                (submit("Save"))
            }
        },
    )
}
