//! Every model.

use maud::{Markup, html};
use studio_api::{FetchState, ModelDetail};

use super::{fetch, size, state, toggle};
use crate::layout::{Shell, page as document};
use crate::parts::{Icon, bytes, count, empty, gib, icon, kind};

/// The page.
pub fn page(shell: &Shell, models: &[ModelDetail]) -> Markup {
    let fetching = models
        .iter()
        .any(|model| model.fetch.as_ref().is_some_and(|fetch| fetch.state == FetchState::Running));
    let content = html! {
        div.page-head {
            h1 { "Models" }
            @if shell.operates() {
                div.actions { a.button.primary href="/add-model" { (icon(Icon::Plus)) "Add a model" } }
            }
        }
        div #models data-live="changed:models worker" data-poll=[fetching.then_some("")] {
            @if models.is_empty() {
                (empty("The registry is empty", &html! {
                    p { "Jobs name a model of the registry." }
                    @if shell.operates() { a.button.primary href="/add-model" { "Add a model" } }
                }))
            } @else {
                ul.rows.models {
                    @for model in models { (model_row(shell, model)) }
                }
            }
        }
    };
    document(shell, &content)
}

fn model_row(shell: &Shell, detail: &ModelDetail) -> Markup {
    let model = &detail.model;
    let pinned = detail.files.iter().filter(|file| file.pinned).count();
    html! {
        li data-key=(model.id) {
            div {
                a.title href={ "/models/" (model.id) } { (model.id) }
                div { small { (kind(model.kind)) " by " (model.source.engine) } }
            }
            div.small-stack { (state(detail)) (fetch(detail)) }
            div.small-stack {
                span { @if size(detail) > 0 { (bytes(size(detail))) } @else { "no files" } }
                small {
                    (gib(model.vram_gb)) " GPU memory"
                    @if !detail.files.is_empty() { ", " (pinned) " of " (detail.files.len()) " pinned" }
                }
            }
            div.small-stack {
                span { (count(detail.workers.present)) " on disk" }
                small { (count(detail.workers.loaded)) " loaded, of the workers online" }
            }
            div.right { @if shell.operates() { (toggle(detail, "small")) } }
        }
    }
}
