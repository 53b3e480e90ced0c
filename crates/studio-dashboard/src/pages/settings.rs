//! What is seldom changed: one's account, people, keys, projects, webhooks, how long things are kept, who did what.

mod account;
mod audit;
mod keys;
mod projects;
mod retention;
mod users;
mod webhooks;

use maud::{Markup, html};
use studio_store::Role;

pub use account::page as account;
pub use audit::{Audit, page as audit};
pub use keys::page as keys;
pub use projects::page as projects;
pub use retention::page as retention;
pub use users::page as users;
pub use webhooks::{Hooks, deliveries, page as webhooks};

use crate::layout::{Shell, page as document};
use crate::parts::{Button, button, dialog, tabs};

/// Every page of the settings with its address and the role that it asks for.
pub const TABS: [(&str, &str, Role); 7] = [
    ("Your account", "/settings/account", Role::Viewer),
    ("Users", "/settings/users", Role::Admin),
    ("API keys", "/settings/keys", Role::Admin),
    ("Projects", "/settings/projects", Role::Operator),
    ("Webhooks", "/settings/webhooks", Role::Operator),
    ("Retention", "/settings/retention", Role::Operator),
    ("Audit log", "/settings/audit", Role::Admin),
];

/// Roles with what they may do, for choices.
const ROLES: [(&str, &str); 4] = [
    ("viewer", "viewer: looks"),
    ("submitter", "submitter: makes jobs"),
    ("operator", "operator: runs the fleet"),
    ("admin", "admin: everything"),
];

fn page(shell: &Shell, address: &str, action: &Markup, content: &Markup) -> Markup {
    let links: Vec<(&str, &str)> =
        TABS.iter().filter(|(_, _, role)| shell.may(*role)).map(|(name, href, _)| (*name, *href)).collect();
    document(
        shell,
        &html! {
            div.page-head { h1 { "Settings" } div.actions { (action) } }
            (tabs("Settings", &links, address))
            (content)
        },
    )
}

/// A button that opens a dialog.
fn opens(id: &str, label: &str, class: &str) -> Markup {
    html! { button type="button" class=(class) data-open=(id) { (label) } }
}

/// Cancel, and what the form does.
fn submit(label: &str) -> Markup {
    html! {
        div.actions {
            button type="button" data-close="" { "Cancel" }
            button.primary type="submit" { (label) }
        }
    }
}

/// Shows a secret that an answer brings once, as `field` of it.
fn secret(id: &str, title: &str, field: &str, why: &str) -> Markup {
    dialog(
        id,
        title,
        &html! {
            p { (why) }
            div.copy {
                code #{ (id) "-text" } tabindex="0" data-answer={ "{" (field) "}" } {}
                button.small type="button" data-copy={ "#" (id) "-text" } { "Copy" }
            }
            div.actions { button.primary type="button" data-close="" { "I have it" } }
        },
    )
}

/// A button that takes something away for good.
fn removes(label: &str, api: &str, confirm: &str, name: &str) -> Markup {
    button(&Button { label, api, class: "small danger", confirm, name, done: "Done", ..Button::default() })
}

#[cfg(test)]
mod tests;
