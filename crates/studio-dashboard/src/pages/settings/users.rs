//! People.

use maud::{Markup, html};
use studio_api::User;

use super::{ROLES, opens, page as settings, removes, secret, submit};
use crate::layout::Shell;
use crate::parts::{Button, badge, button, dialog, empty, field, select, text, time};

/// The page.
pub fn page(shell: &Shell, users: &[User]) -> Markup {
    let content = html! {
        div.stack #users data-live="changed:users" {
            @if users.is_empty() {
                (empty("Nobody has an account", &html! { p { "You came with a key." } (opens("add-user", "Add somebody", "primary")) }))
            } @else {
                ul.rows.users { @for user in users { (row(shell, user)) } }
                @for user in users { (change(user)) }
            }
        }
        (dialog("add-user", "Add somebody", &html! {
            form.form data-api="POST /api/v1/users" data-show="user-password" {
                (text("user-name", "name", "Name", "What they sign in with", "", "required maxlength=\"100\" autocomplete=\"off\""))
                (select("user-role", "role", "Role", "", &ROLES, "submitter"))
                (submit("Add"))
            }
        }))
        (secret("user-password", "Their password", "password", "Hand it over; it is not shown again. They can change it after they have signed in."))
    };
    settings(shell, "/settings/users", &opens("add-user", "Add somebody", "primary"), &content)
}

fn row(shell: &Shell, user: &User) -> Markup {
    let is_self = shell.viewer.as_ref().is_some_and(|viewer| viewer.name == user.name);
    html! {
        li data-key=(user.id) {
            div { strong { (user.name) } @if is_self { " " (badge("idle", "you")) } }
            span.badges {
                (badge("busy", user.role.as_str()))
                @if user.disabled { (badge("bad", "disabled")) }
            }
            small {
                @if let Some(seen) = user.last_seen_at { "here " (time(shell.now, seen)) } @else { "never signed in" }
            }
            div.actions {
                @if !is_self {
                    (opens(&format!("change-{}", user.id), "Change", "small"))
                    (toggle(user))
                    (removes("Remove", &format!("DELETE /api/v1/users/{}", user.id), &format!("Remove {}? Their sessions end now.", user.name), &format!("Remove {}", user.name)))
                }
            }
        }
    }
}

fn toggle(user: &User) -> Markup {
    let api = format!("PATCH /api/v1/users/{}", user.id);
    let confirm = format!("Keep {} out? Their sessions end now.", user.name);
    if user.disabled {
        let name = format!("Let in {}", user.name);
        button(&Button {
            label: "Let in",
            api: &api,
            body: "{\"disabled\":false}",
            class: "small",
            name: &name,
            ..Button::default()
        })
    } else {
        let name = format!("Keep out {}", user.name);
        let class = "small danger";
        button(&Button {
            label: "Keep out",
            api: &api,
            body: "{\"disabled\":true}",
            class,
            confirm: &confirm,
            name: &name,
            ..Button::default()
        })
    }
}

fn change(user: &User) -> Markup {
    let id = &user.id;
    let api = format!("PATCH /api/v1/users/{id}");
    let password = format!("password-{id}");
    dialog(
        &format!("change-{id}"),
        &user.name,
        &html! {
            form.form data-api=(api) data-done="Saved" {
                (select(&format!("role-{id}"), "role", "Role", "", &ROLES, user.role.as_str()))
                (submit("Save"))
            }
            hr;
            form.form data-api=(api) data-done="The new password holds; their sessions have ended" {
                (field(&password, "New password", "Ends their sessions; tell it to them yourself", &html! {
                    input type="password" id=(password) name="password" autocomplete="new-password" required aria-describedby={ (password) "-hint" };
                }))
                (submit("Set it"))
            }
        },
    )
}
