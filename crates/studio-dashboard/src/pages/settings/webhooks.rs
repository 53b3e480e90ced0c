//! Webhooks and what they were told.

use maud::{Markup, html};
use studio_api::{Delivery, DeliveryState, Project, Webhook};
use studio_store::Role;

use super::{opens, page as settings, removes, secret, submit};
use crate::layout::Shell;
use crate::parts::{Button, badge, button, check_box, dialog, empty, more, select, text, time};

/// What webhooks can be told of.
const EVENTS: [&str; 8] = [
    "job.done",
    "job.failed",
    "job.cancelled",
    "job.quarantined",
    "batch.finished",
    "worker.online",
    "worker.offline",
    "registration.pending",
];

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Hooks {
    /// Every webhook.
    pub hooks: Vec<Webhook>,
    /// For the choice.
    pub projects: Vec<Project>,
}

/// The page of all.
pub fn page(shell: &Shell, data: &Hooks) -> Markup {
    let mut choices = vec![("", "every project")];
    choices.extend(data.projects.iter().map(|project| (project.id.as_str(), project.id.as_str())));
    let content = html! {
        div #webhooks data-live="changed:webhooks" {
            @if data.hooks.is_empty() {
                (empty("No webhooks", &html! {
                    p { "The studio can tell your programs when jobs end." }
                    (opens("add-hook", "Add a webhook", "primary"))
                }))
            } @else {
                ul.rows.hooks { @for hook in &data.hooks { (row(hook)) } }
            }
        }
        (dialog("add-hook", "Add a webhook", &html! {
            form.form data-api="POST /api/v1/webhooks" data-show="hook-secret" {
                (text("hook-url", "url", "Address", "https to a public machine, unless the studio allows more", "", "required inputmode=\"url\" placeholder=\"https://example.com/studio\""))
                fieldset.field {
                    legend { "Told of" }
                    div.checks {
                        @for (at, event) in EVENTS.iter().enumerate() {
                            (check_box(&format!("event-{at}"), "events[]", event, Some(event), at < 2))
                        }
                    }
                }
                (select("hook-project", "project", "Project", "Of whose jobs", &choices, ""))
                (submit("Add"))
            }
        }))
        (secret("hook-secret", "Its secret", "secret", "Deliveries are signed with it, as standardwebhooks.com says. It is not shown again."))
    };
    settings(shell, "/settings/webhooks", &opens("add-hook", "Add a webhook", "primary"), &content)
}

fn row(hook: &Webhook) -> Markup {
    let api = format!("/api/v1/webhooks/{}", hook.id);
    let (label, body) =
        if hook.disabled { ("Enable", "{\"disabled\":false}") } else { ("Disable", "{\"disabled\":true}") };
    html! {
        li data-key=(hook.id) {
            div {
                a.title href={ "/settings/webhooks/" (hook.id) } { (hook.url) }
                div { small { (hook.events.join(", ")) @if let Some(project) = &hook.project { ", of " (project) } } }
            }
            @if hook.disabled { (badge("idle", "disabled")) } @else { (badge("good", "enabled")) }
            div.actions {
                (button(&Button { label: "Test", api: &format!("POST {api}/test"), class: "small", done: "A test is on its way: see its deliveries", name: &format!("Test {}", hook.url), ..Button::default() }))
                (button(&Button { label, api: &format!("PATCH {api}"), body, class: "small", name: &format!("{label} {}", hook.url), ..Button::default() }))
                (removes("Remove", &format!("DELETE {api}"), "Remove this webhook and its log?", &format!("Remove {}", hook.url)))
            }
        }
    }
}

/// The page of one: what it was told, newest first; `older` leads to the next page.
pub fn deliveries(shell: &Shell, hook: &Webhook, log: &[Delivery], older: Option<&str>) -> Markup {
    let content = html! {
        nav.crumbs aria-label="Way back" { a href="/settings/webhooks" { "Webhooks" } }
        div.page-head {
            h2 { (hook.url) }
            @if shell.may(Role::Admin) {
                div.actions {
                    button type="button" data-api={ "POST /api/v1/webhooks/" (hook.id) "/secret" } data-body="{}" data-show="hook-secret" { "Show its secret" }
                    button type="button" data-api={ "POST /api/v1/webhooks/" (hook.id) "/secret" } data-body="{\"rotate\":true}" data-show="hook-secret"
                        data-confirm="Make a new secret? What is sent from now on is signed with it." { "New secret" }
                }
            }
            p { (hook.events.join(", ")) }
        }
        div.stack #deliveries data-live="changed:deliveries" {
            @if log.is_empty() { (empty("Nothing was sent yet", &html! { p { "Deliveries appear here as they happen." } })) }
            @else { ul.rows.deliveries { @for delivery in log { (told(shell, hook, delivery)) } } }
            (more(older))
        }
        (secret("hook-secret", "Its secret", "secret", "Deliveries are signed with it, as standardwebhooks.com says."))
    };
    settings(shell, "/settings/webhooks", &html! {}, &content)
}

fn told(shell: &Shell, hook: &Webhook, delivery: &Delivery) -> Markup {
    let (tone, word) = match delivery.state {
        DeliveryState::Waiting => ("busy", "waiting"),
        DeliveryState::Delivered => ("good", "delivered"),
        DeliveryState::Failed => ("bad", "given up"),
    };
    html! {
        li data-key=(delivery.id) {
            div { strong { (delivery.event) } div { small.mono { (delivery.id) } } }
            span.badges { (badge(tone, word)) }
            small {
                (delivery.attempts) (if delivery.attempts == 1 { " try" } else { " tries" })
                @if let Some(status) = delivery.status { ", answered " (status) }
                @if let Some(error) = &delivery.error { ", " (error) }
                @if let Some(next) = delivery.next_at { ", again " (time(shell.now, next)) }
            }
            small { (time(shell.now, delivery.created_at)) }
            @if delivery.state == DeliveryState::Failed {
                (button(&Button { label: "Try again", api: &format!("POST /api/v1/webhooks/{}/deliveries/{}/retry", hook.id, delivery.id), class: "small", done: "It is sent again", name: &format!("Try again {}", delivery.id), ..Button::default() }))
            }
        }
    }
}
