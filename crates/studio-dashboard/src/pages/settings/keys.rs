//! Keys of programs.

use maud::{Markup, html};
use studio_api::{Key, Project};

use super::{ROLES, opens, page as settings, removes, secret, submit};
use crate::layout::Shell;
use crate::parts::{badge, dialog, empty, select, text, time};

/// The page; `studio` is the address that clients use.
pub fn page(shell: &Shell, keys: &[Key], projects: &[Project], studio: &str) -> Markup {
    let mut choices = vec![("", "every project")];
    choices.extend(projects.iter().map(|project| (project.id.as_str(), project.id.as_str())));
    let lives = [("", "for good"), ("1", "a day"), ("30", "30 days"), ("90", "90 days"), ("365", "a year")];
    let content = html! {
        div #keys data-live="changed:keys" {
            @if keys.is_empty() {
                (empty("No keys", &html! { p { "Programs call the studio with a key." } (opens("add-key", "Make a key", "primary")) }))
            } @else {
                ul.rows.keys { @for key in keys { (row(shell, key)) } }
            }
        }
        section.card aria-labelledby="clients-title" {
            h2 #clients-title { "For OpenAI clients" }
            dl.facts {
                dt { "Base URL" } dd.mono { (studio) "/v1" }
                dt { "API key" } dd { "one of the above; its project pays" }
            }
        }
        (dialog("add-key", "Make a key", &html! {
            form.form data-api="POST /api/v1/keys" data-show="key-secret" {
                (text("key-name", "name", "Name", "Who uses it", "", "required maxlength=\"100\" autocomplete=\"off\""))
                (select("key-role", "role", "Role", "", &ROLES, "submitter"))
                (select("key-project", "project", "Project", "It sees nothing else", &choices, ""))
                (select("key-life", "ttlDays", "Good for", "", &lives, ""))
                (submit("Make it"))
            }
        }))
        (secret("key-secret", "The key", "secret", "Copy it now; it is not shown again."))
    };
    settings(shell, "/settings/keys", &opens("add-key", "Make a key", "primary"), &content)
}

fn row(shell: &Shell, key: &Key) -> Markup {
    html! {
        li data-key=(key.id) {
            div { strong { (key.name) } div { small.mono { (key.id) } } }
            span.badges {
                (badge("busy", key.role.as_str()))
                @if let Some(project) = &key.project { (badge("idle", project)) }
            }
            small {
                "made " (time(shell.now, key.created_at))
                @if let Some(used) = key.last_used_at { ", used " (time(shell.now, used)) } @else { ", not used yet" }
                @if let Some(end) = key.expires_at {
                    ", "
                    @if end < shell.now { span.bad-text { "ended " (time(shell.now, end)) } } @else { "ends " (time(shell.now, end)) }
                }
            }
            div.actions {
                (removes("Revoke", &format!("DELETE /api/v1/keys/{}", key.id), &format!("Revoke {}? Who uses it is refused from now on.", key.name), &format!("Revoke {}", key.name)))
            }
        }
    }
}
