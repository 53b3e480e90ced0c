//! The registry: what jobs may name, and where its files are.

mod add;
mod detail;
mod list;

use maud::{Markup, html};
use studio_api::{FetchState, ModelDetail};

pub use add::page as add;
pub use detail::page as detail;
pub use list::page;

use crate::parts::{Button, badge, button, bytes};

/// Bytes of its files, as far as they are known.
fn size(model: &ModelDetail) -> u64 {
    let known = model.files.iter().zip(&model.model.source.files);
    known.map(|(state, file)| state.bytes.or(file.approx_bytes).unwrap_or_default()).sum()
}

/// Whether jobs may name it and how far its files are.
fn state(model: &ModelDetail) -> Markup {
    let files = &model.files;
    let unpinned = files.iter().filter(|file| !file.pinned && !file.present).count();
    html! {
        span.badges {
            @if model.model.enabled { (badge("good", "enabled")) } @else { (badge("idle", "disabled")) }
            @if !files.is_empty() && files.iter().all(|file| file.present) { (badge("good", "at the studio")) }
            @if unpinned > 0 { (badge("warn", "not pinned")) }
            @match model.fetch.as_ref().map(|fetch| fetch.state) {
                Some(FetchState::Running) => (badge("busy", "fetching")),
                Some(FetchState::Failed) => (badge("bad", "fetch failed")),
                Some(FetchState::Done) | None => {},
            }
        }
    }
}

/// How far a fetch is.
fn fetch(model: &ModelDetail) -> Markup {
    let Some(fetch) = &model.fetch else { return html! {} };
    let part = (fetch.total_bytes > 0).then(|| fetch.bytes as f64 / fetch.total_bytes as f64);
    html! {
        @match fetch.state {
            FetchState::Running => span.progress {
                progress max="1" value=[part] aria-label={ "Fetch of " (model.model.id) } {}
                small {
                    (bytes(fetch.bytes))
                    @if fetch.total_bytes > 0 { " of " (bytes(fetch.total_bytes)) }
                    @if let Some(name) = &fetch.filename { ", " (name) }
                }
            },
            FetchState::Failed => small.bad-text { (fetch.error.as_deref().unwrap_or("the fetch failed")) },
            FetchState::Done => {},
        }
    }
}

/// Enables or disables it.
fn toggle(model: &ModelDetail, class: &str) -> Markup {
    let (label, body, done) = if model.model.enabled {
        ("Disable", "{\"enabled\":false}", "Jobs cannot name it any more")
    } else {
        ("Enable", "{\"enabled\":true}", "Jobs may name it")
    };
    button(&Button {
        label,
        api: &format!("PATCH /api/v1/models/{}", model.model.id),
        body,
        class,
        done,
        name: &format!("{label} {}", model.model.id),
        ..Button::default()
    })
}

#[cfg(test)]
mod tests;
