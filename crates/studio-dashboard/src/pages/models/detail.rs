//! One model.

use maud::{Markup, html};
use serde_json::{Value, json};
use studio_api::{FetchState, Model, ModelDetail};
use studio_protocol::{FileRole, ModelFile, TaskKind};

use super::{fetch, size, state, toggle};
use crate::assets;
use crate::layout::{Shell, page as document};
use crate::parts::{Button, badge, button, bytes, dom_id, gib, kind, number, segment, text_area};

/// The page.
pub fn page(shell: &Shell, detail: &ModelDetail) -> Markup {
    let model = &detail.model;
    let fetching = detail.fetch.as_ref().is_some_and(|fetch| fetch.state == FetchState::Running);
    let poll = fetching.then_some("");
    let content = html! {
        nav.crumbs aria-label="Way back" { a href="/models" { "Models" } }
        div.page-head #head data-live="changed:models" data-poll=[poll] {
            div.head-title { h1 { (model.id) } (state(detail)) }
            @if shell.operates() { (actions(detail, fetching)) }
        }
        section.card #about aria-labelledby="about-title" data-live="changed:models worker" {
            h2 #about-title { "About" }
            dl.facts {
                dt { "Makes" } dd { (kind(model.kind)) }
                dt { "Engine" } dd { (model.source.engine) }
                dt { "GPU memory" } dd { (gib(model.vram_gb)) }
                dt { "Size" } dd { @if size(detail) > 0 { (bytes(size(detail))) } @else { "unknown" } }
                dt { "Workers online" }
                dd { (detail.workers.present) " have it on disk, " (detail.workers.loaded) " have it loaded" }
            }
        }
        section.card #files aria-labelledby="files-title" data-live="changed:models" data-poll=[poll] {
            div.card-head { h2 #files-title { "Files" } (fetch(detail)) }
            (files(shell, detail))
        }
        @if shell.operates() {
            (defaults(model))
            (whole(model))
            script type="module" src=(assets::url("upload.js")) {}
        }
        @else {
            section.card aria-labelledby="defaults-title" {
                h2 #defaults-title { "Defaults" }
                pre { (pretty(&json!(model.source.cli_defaults))) }
            }
        }
    };
    document(shell, &content)
}

fn actions(detail: &ModelDetail, fetching: bool) -> Markup {
    let id = &detail.model.id;
    let has_files = !detail.files.is_empty();
    let complete = detail.files.iter().all(|file| file.present);
    html! {
        div.actions {
            (toggle(detail, ""))
            @if has_files && !complete && !fetching {
                (button(&Button {
                    label: "Fetch",
                    api: &format!("POST /api/v1/models/{id}/fetch"),
                    done: "The studio fetches its files",
                    ..Button::default()
                }))
            }
            @if detail.files.iter().any(|file| file.present) {
                (button(&Button {
                    label: "Drop files",
                    api: &format!("DELETE /api/v1/models/{id}/files"),
                    confirm: "Delete the studio's copies? What can be fetched again is deleted, what was uploaded stays.",
                    done: "Its files are gone from the studio",
                    ..Button::default()
                }))
            }
            (button(&Button {
                label: "Remove",
                api: &format!("DELETE /api/v1/models/{id}"),
                class: "danger",
                confirm: &format!("Remove {id} and the studio's copies of its files? Jobs that wait for it will fail."),
                then: "/models",
                ..Button::default()
            }))
        }
    }
}

fn files(shell: &Shell, detail: &ModelDetail) -> Markup {
    let pairs = detail.model.source.files.iter().zip(&detail.files);
    html! {
        @if detail.files.is_empty() { p.faint { "It needs no files." } }
        @else {
            ul.rows.files {
                @for (file, state) in pairs {
                    li data-key=(file.filename) {
                        div {
                            strong { (file.filename) }
                            div { small { (role(&file.role)) ", " (source(file)) } }
                        }
                        div.small-stack {
                            span.badges {
                                @if state.present { (badge("good", "at the studio")) } @else { (badge("idle", "not fetched")) }
                                @if state.pinned { (badge("good", "pinned")) } @else { (badge("warn", "not pinned")) }
                            }
                            small { (state.bytes.or(file.approx_bytes).map(bytes).unwrap_or_default()) }
                        }
                        div.small-stack {
                            @if let Some(hash) = state.sha256.as_ref().or(file.sha256.as_ref()) {
                                code title="SHA-256" { (hash.get(..16).unwrap_or(hash)) "…" }
                            } @else { small { "hash unknown" } }
                            @if shell.operates() && !state.present && file.url.starts_with("studio:") {
                                (upload(&detail.model.id, &file.filename))
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A file that only an upload brings.
fn upload(model: &str, filename: &str) -> Markup {
    let id = format!("upload-{}", dom_id(filename));
    html! {
        form.upload data-upload={ "/api/v1/models/" (model) "/files/" (segment(filename)) } {
            label.hidden for=(id) { "File " (filename) }
            input type="file" id=(id) required data-keep="disabled";
            button.small type="submit" { "Upload" }
            progress max="1" value="0" hidden data-keep="value hidden" aria-label={ "Upload of " (filename) } {}
        }
    }
}

fn role(role: &FileRole) -> String {
    json!(role).as_str().unwrap_or_default().to_owned()
}

fn source(file: &ModelFile) -> String {
    let host = file.url.split_once("://").and_then(|(_, rest)| rest.split('/').next());
    match host {
        _ if file.url.starts_with("studio:") => "uploaded to the studio".to_owned(),
        Some(host) if file.mirrors.is_empty() => format!("from {host}"),
        Some(host) => format!("from {host} and {} mirrors", file.mirrors.len()),
        None => file.url.clone(),
    }
}

fn entry(model: &Model) -> Value {
    json!({ "kind": model.kind, "vramGb": model.vram_gb, "enabled": model.enabled, "source": model.source })
}

fn defaults(model: &Model) -> Markup {
    let is_picture = matches!(model.kind, TaskKind::Image | TaskKind::Video);
    let set = &model.source.cli_defaults;
    let at_least_1 = "required min=\"1\"";
    html! {
        section.card aria-labelledby="defaults-title" {
            h2 #defaults-title { "Defaults" }
            p.faint { "What a job gets when it does not say otherwise." }
            form.form #defaults data-api={ "PUT /api/v1/models/" (model.id) } data-done="Saved" data-then="reload" {
                input type="hidden" name="" data-root="" data-type="json" value=(entry(model).to_string());
                div.form-row {
                    (number("d-vram", "vramGb", "GPU memory, GiB", "", &model.vram_gb.to_string(), "required min=\"0\" step=\"any\""))
                    @if is_picture {
                        (number("d-steps", "source.cliDefaults.steps", "Steps", "", &set.steps.to_string(), at_least_1))
                        (number("d-cfg", "source.cliDefaults.cfgScale", "Guidance", "", &set.cfg_scale.to_string(), "required min=\"0\" step=\"any\""))
                        (number("d-width", "source.cliDefaults.width", "Width", "", &set.width.to_string(), at_least_1))
                        (number("d-height", "source.cliDefaults.height", "Height", "", &set.height.to_string(), at_least_1))
                    }
                }
                div.actions { button.primary type="submit" { "Save" } }
            }
        }
    }
}

fn whole(model: &Model) -> Markup {
    html! {
        details.more #whole {
            summary { "The whole entry as JSON" }
            form.form data-api={ "PUT /api/v1/models/" (model.id) } data-done="Saved" data-then="reload" {
                (text_area("whole-json", "entry", "Entry", "As studio --json models show prints it", &pretty(&entry(model)), "data-root data-type=\"json\" required spellcheck=\"false\""))
                div.actions { button.primary type="submit" { "Save" } }
            }
        }
    }
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}
