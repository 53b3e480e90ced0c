//! The gallery: what was made, to look at and to make again.

use maud::{Markup, html};
use serde_json::Value;
use studio_api::Artefact;
use studio_protocol::TaskKind;
use studio_store::Role;

use super::{jobs, links, task, work_head};
use crate::assets;
use crate::layout::{Shell, page as document};
use crate::parts::{bytes, empty, kind, time};

/// Artefacts of a page: some screens of pictures.
pub const PAGE_SIZE: u32 = 60;
/// Pixels of a thumbnail's longer side.
const THUMBNAIL: u32 = 256;

/// An artefact with what it was made from.
#[derive(Debug, Clone)]
pub struct Shown {
    /// What was made.
    pub artefact: Artefact,
    /// The registry's name of the model.
    pub model: String,
    /// The task of its job.
    pub task: Value,
}

/// Which artefacts the page shows.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Only of this kind.
    pub kind: Option<TaskKind>,
    /// Only of this model's jobs.
    pub model: Option<String>,
    /// Only of this project.
    pub project: Option<String>,
    /// Only of this batch.
    pub batch: Option<String>,
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// One page of them, newest first.
    pub shown: Vec<Shown>,
    /// Which of them.
    pub filter: Filter,
    /// Names of models, to filter by.
    pub models: Vec<String>,
    /// Names of projects, to filter by.
    pub projects: Vec<String>,
    /// The page is not the first one.
    pub later: bool,
    /// Where the next page starts, if there is one.
    pub older: Option<String>,
    /// What is wrong with the filter.
    pub problem: Option<String>,
}

impl Data {
    fn address(&self, kind: Option<TaskKind>, cursor: Option<&str>) -> String {
        let filter = &self.filter;
        links::address(
            "/gallery",
            &[
                ("kind", kind.map(TaskKind::as_str)),
                ("model", filter.model.as_deref()),
                ("project", filter.project.as_deref()),
                ("batch", filter.batch.as_deref()),
                ("cursor", cursor),
            ],
        )
    }

    fn is_filtered(&self) -> bool {
        let Filter { kind: _, model, project, batch } = &self.filter;
        model.is_some() || project.is_some() || batch.is_some()
    }
}

/// The gallery.
pub fn page(shell: &Shell, data: &Data) -> Markup {
    document(
        shell,
        &html! {
            (work_head())
            script type="module" src=(assets::url("gallery.js")) {}
            div.page-head { h1 { "Gallery" } }
            (kinds(data))
            (filters(data))
            @if let Some(problem) = &data.problem { p.notice.bad role="alert" { (problem) } }
            ul.gallery #gallery data-live=(if data.later { "changed:artefacts" } else { "changed:artefacts job" })
                aria-label="What was made" {
                @for shown in &data.shown { (item(shell, shown)) }
            }
            div #gallery-empty data-live=(if data.later { "changed:artefacts" } else { "changed:artefacts job" }) {
                @if data.shown.is_empty() {
                    (empty("Nothing here", &html! {
                        p { "Pictures, sounds and clips stand here when jobs are done. "
                            @if shell.may(Role::Submitter) { a href="/playground" { "Make one" } } }
                    }))
                }
            }
            nav.pager aria-label="Pages" {
                @if data.later { a.button href=(data.address(data.filter.kind, None)) { "Newest" } }
                @if let Some(older) = &data.older {
                    a.button rel="next" href=(data.address(data.filter.kind, Some(older))) { "Older" }
                }
            }
            (lightbox())
        },
    )
}

/// Kinds whose results are files.
const KINDS: [TaskKind; 4] = [TaskKind::Image, TaskKind::Video, TaskKind::AudioTts, TaskKind::Mesh];

fn kinds(data: &Data) -> Markup {
    let tab = |one: Option<TaskKind>| {
        let current = data.filter.kind == one;
        html! {
            li {
                a href=(data.address(one, None)) aria-current=[current.then_some("page")] { (one.map_or("all", kind)) }
            }
        }
    };
    html! {
        nav.tabs aria-label="Kinds" { ul { (tab(None)) @for one in KINDS { (tab(Some(one))) } } }
    }
}

fn filters(data: &Data) -> Markup {
    let filter = &data.filter;
    let value = |text: &Option<String>| text.clone().unwrap_or_default();
    html! {
        form.filters method="get" action="/gallery" role="search" aria-label="Filter the gallery" {
            @if let Some(kind) = filter.kind { input type="hidden" name="kind" value=(kind); }
            (jobs::choice("model", "Model", &value(&filter.model), data.models.iter().map(|name| (name.as_str(), name.as_str()))))
            (jobs::choice("project", "Project", &value(&filter.project), data.projects.iter().map(|name| (name.as_str(), name.as_str()))))
            div.field {
                label for="batch" { "Batch" }
                input type="text" id="batch" name="batch" value=(value(&filter.batch)) placeholder="its id" autocomplete="off";
            }
            div.actions {
                button type="submit" { "Filter" }
                @if data.is_filtered() { a.button.quiet href=(links::address("/gallery", &[("kind", filter.kind.map(TaskKind::as_str))])) { "Clear" } }
            }
        }
    }
}

fn item(shell: &Shell, shown: &Shown) -> Markup {
    let artefact = &shown.artefact;
    let prompt = task::prompt(&shown.task).unwrap_or(&artefact.asset_name);
    let line = task::summary(&shown.task);
    html! {
        li.made-item #(artefact.summary.id) data-src=(links::artefact(&artefact.summary.id)) data-mime=(artefact.summary.mime)
            data-item=(artefact.job) {
            a.thumb href=(links::job(&artefact.job)) data-look="" {
                (thumb(artefact, prompt))
                span.thumb-text {
                    span.thumb-prompt { (prompt) }
                    span { (shown.model) }
                    @if !line.is_empty() { span { (line) } }
                }
            }
            div.item-facts hidden {
                p.prompt { (prompt) }
                dl.facts {
                    div { dt { "Name" } dd { a href=(links::job(&artefact.job)) { (artefact.asset_name) } } }
                    div { dt { "Model" } dd { (shown.model) } }
                    div { dt { "Project" } dd { (artefact.project) } }
                    @if let Some(batch) = &artefact.batch { div { dt { "Batch" } dd { a href=(links::batch(batch)) { (batch) } } } }
                    div { dt { "Made" } dd { (time(shell.now, artefact.created_at)) } }
                    div { dt { "File" } dd { (artefact.summary.ext) ", " (bytes(artefact.summary.bytes)) } }
                }
                (parameters(shown))
                div.actions {
                    @if shell.may(Role::Submitter) {
                        button type="button" data-again=(artefact.job) { "Again with another seed" }
                        a.button href=(links::address("/playground", &[("from", Some(&artefact.job))])) { "Use in playground" }
                    }
                    a.button href=(links::artefact(&artefact.summary.id)) download { "Download" }
                }
            }
        }
    }
}

/// What the task states, and beyond it what the worker says that it used.
fn parameters(shown: &Shown) -> Markup {
    let mut all = shown.task.clone();
    if let (Some(all), Some(used)) =
        (all.as_object_mut(), shown.artefact.meta.as_ref().and_then(Value::as_object))
    {
        for (name, value) in used {
            all.entry(name.clone()).or_insert_with(|| value.clone());
        }
        // It stands above.
        all.remove("model");
    }
    task::table(&all)
}

/// A small picture of an artefact, or a sign for what has none.
pub fn thumb(artefact: &Artefact, alt: &str) -> Markup {
    let mime = artefact.summary.mime.as_str();
    html! {
        @if mime.starts_with("image/") {
            img src=(links::thumbnail(&artefact.summary.id, THUMBNAIL)) alt=(alt) loading="lazy" decoding="async"
                width=(THUMBNAIL) height=(THUMBNAIL);
        } @else {
            span.thumb-sign { span.thumb-ext { (artefact.summary.ext) } span { (alt) } }
        }
    }
}

/// Where `gallery.js` shows one of them large.
fn lightbox() -> Markup {
    html! {
        dialog.lightbox #lightbox aria-labelledby="lightbox-title" {
            div.dialog-head {
                h2 #lightbox-title { "Picture" }
                span.faint #lightbox-place {}
                button.icon-button type="button" data-close="" aria-label="Close" { "×" }
            }
            div.lightbox-body {
                div.lightbox-media #lightbox-media {}
                div.lightbox-facts #lightbox-facts {}
            }
            div.actions.lightbox-steps {
                button type="button" #lightbox-previous { "Previous" }
                button type="button" #lightbox-next { "Next" }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::{check, shell};

    #[test]
    fn every_state_renders_for_every_role() {
        for role in Role::ALL {
            for data in samples::gallery() {
                let text = check(&page(&shell(*role), &data));
                let makes = *role >= Role::Submitter && !data.shown.is_empty();
                assert_eq!(text.contains("data-again"), makes, "{role}");
                assert_eq!(text.matches("class=\"made-item\"").count(), data.shown.len());
            }
        }
    }

    #[test]
    fn pictures_are_loaded_when_they_are_seen_and_sounds_have_a_sign() {
        let data = samples::gallery().pop().unwrap();
        let text = check(&page(&shell(Role::Viewer), &data));
        assert!(text.contains("/thumbnail?size=256\"") && text.contains("loading=\"lazy\""), "{text}");
        assert!(text.contains("class=\"thumb-ext\">wav<"), "{text}");
    }

    #[test]
    fn what_the_worker_used_is_told_beside_what_was_asked() {
        let mut shown = samples::gallery().pop().unwrap().shown.remove(0);
        shown.artefact.meta = Some(serde_json::json!({ "seed": 99, "sampler": "euler", "prompt": "other" }));
        let text = check(&parameters(&shown));
        assert!(
            text.contains("euler") && !text.contains("other") && !text.contains("99"),
            "what was asked wins: {text}"
        );
    }

    #[test]
    fn filters_stay_from_page_to_page() {
        let mut data = samples::gallery().remove(1);
        data.filter =
            Filter { model: Some("m".to_owned()), batch: Some("b".to_owned()), ..Filter::default() };
        assert_eq!(
            data.address(Some(TaskKind::Image), Some("c1")),
            "/gallery?kind=image&model=m&batch=b&cursor=c1"
        );
    }
}
