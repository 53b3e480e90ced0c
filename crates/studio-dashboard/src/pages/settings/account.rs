//! One's own account.

use maud::{Markup, html};

use super::page as settings;
use crate::layout::Shell;
use crate::parts::field;

/// The page; keys have no password, only people do.
pub fn page(shell: &Shell, is_person: bool) -> Markup {
    let viewer = shell.viewer.as_ref();
    let content = html! {
        section.card aria-labelledby="you-title" {
            h2 #you-title { "You" }
            dl.facts {
                dt { "Name" } dd { (viewer.map_or("", |viewer| viewer.name.as_str())) }
                dt { "Role" } dd { @if let Some(viewer) = viewer { (viewer.role) } }
            }
        }
        @if is_person {
            section.card aria-labelledby="password-title" {
                h2 #password-title { "Password" }
                form.form data-api="POST /api/v1/session/password" data-done="Your password is changed" {
                    (password("current", "current", "The one you have", "current-password"))
                    (password("new", "new", "The new one", "new-password"))
                    div.actions { button.primary type="submit" { "Change" } }
                }
            }
        }
    };
    settings(shell, "/settings/account", &html! {}, &content)
}

fn password(id: &str, name: &str, label: &str, autocomplete: &str) -> Markup {
    let input = html! { input type="password" id=(id) name=(name) autocomplete=(autocomplete) required; };
    field(id, label, "", &input)
}
