//! How long results and jobs are kept.

use maud::{Markup, html};
use studio_api::Project;

use super::{opens, page as settings, submit};
use crate::layout::Shell;
use crate::parts::{bytes, dialog, dom_id, empty, meter, number, segment};

/// The page; the disk is `free` of `total` bytes.
pub fn page(shell: &Shell, projects: &[Project], free: u64, total: u64) -> Markup {
    let used = total.saturating_sub(free);
    let content = html! {
        @if total > 0 {
            section.card aria-labelledby="disk-title" {
                h2 #disk-title { "The studio's disk" }
                (meter("Disk", used as f64, total as f64, 0.9, &format!("{} of {} used, {} free", bytes(used), bytes(total), bytes(free))))
            }
        }
        div.stack #retention data-live="changed:projects changed:artefacts" {
            @if projects.is_empty() { (empty("No projects yet", &html! { p { "There is nothing to keep." } })) }
            @else {
                ul.rows.retention {
                    @for project in projects {
                        li data-key=(project.id) {
                            strong { (project.id) }
                            span { "results " (kept(project.keep_artefacts_days)) }
                            span { "jobs " (kept(project.keep_jobs_days)) }
                            div.actions { (opens(&format!("keep-{}", dom_id(&project.id)), "Change", "small")) }
                        }
                    }
                }
                @for project in projects { (change(project)) }
            }
        }
    };
    settings(shell, "/settings/retention", &html! {}, &content)
}

fn kept(days: Option<u32>) -> String {
    match days {
        None => "kept for good".to_owned(),
        Some(1) => "kept for a day".to_owned(),
        Some(days) => format!("kept for {days} days"),
    }
}

fn change(project: &Project) -> Markup {
    let (id, name) = (dom_id(&project.id), segment(&project.id));
    let stated = |value: Option<u32>| value.map(|value| value.to_string()).unwrap_or_default();
    dialog(
        &format!("keep-{id}"),
        &project.id,
        &html! {
            form.form data-api={ "PATCH /api/v1/projects/" (name) } data-done="Saved"
                data-confirm="Delete what is older from now on? It cannot be brought back." data-yes="Save" {
                (number(&format!("artefacts-{id}"), "keepArtefactsDays", "Days for results", "Pictures, clips and sounds of ended jobs; empty keeps them", &stated(project.keep_artefacts_days), "min=\"1\" data-empty=\"null\""))
                (number(&format!("jobs-{id}"), "keepJobsDays", "Days for jobs", "Ended jobs with everything about them; empty keeps them", &stated(project.keep_jobs_days), "min=\"1\" data-empty=\"null\""))
                (submit("Save"))
            }
        },
    )
}
