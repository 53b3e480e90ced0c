//! Who did what.

use maud::{Markup, html};
use studio_api::AuditEntry;

use super::page as settings;
use crate::layout::Shell;
use crate::parts::{badge, empty, more, text, time};

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct Audit {
    /// Newest first.
    pub entries: Vec<AuditEntry>,
    /// Only of this actor, when it is not empty.
    pub actor: String,
    /// The address of the next page.
    pub older: Option<String>,
}

/// The page.
pub fn page(shell: &Shell, audit: &Audit) -> Markup {
    let content = html! {
        form.filters method="get" action="/settings/audit" {
            (text("audit-actor", "actor", "Who", "", &audit.actor, "autocomplete=\"off\""))
            button type="submit" { "Show" }
            @if !audit.actor.is_empty() { a.button.quiet href="/settings/audit" { "Everybody" } }
        }
        div.stack #audit {
            @if audit.entries.is_empty() { (empty("Nobody did anything", &html! { p { "Changes appear here." } })) }
            @else { ul.rows.audit { @for entry in &audit.entries { (row(shell, entry)) } } }
            (more(audit.older.as_deref()))
        }
    };
    settings(shell, "/settings/audit", &html! {}, &content)
}

fn row(shell: &Shell, entry: &AuditEntry) -> Markup {
    let tone = if entry.status < 400 { "good" } else { "bad" };
    html! {
        li {
            div { strong { (entry.actor) } div { small { (time(shell.now, entry.at)) } } }
            div {
                code { (entry.action) }
                @if let Some(target) = &entry.target { " " span.mono { (target) } }
                @if !entry.detail.is_null() { div { small.mono { (entry.detail) } } }
            }
            div.badges {
                @if entry.times > 1 { (badge("idle", &format!("{} times", entry.times))) }
                (badge(tone, &entry.status.to_string()))
            }
        }
    }
}
