//! What a job makes: while it grows, and when it is there.

use maud::{Markup, html};
use serde_json::Value;
use studio_api::{ArtefactSummary, JobDetail};
use studio_protocol::TaskKind;
use studio_store::JobState;

use super::{links, task};
use crate::parts::{bytes, job_progress, job_state};

/// Segments of a transcript that are shown with their times.
const MAX_SEGMENTS: usize = 500;

/// The job with its live progress, and what there is of its result; `job.js` puts in what grows.
pub fn stage(detail: &JobDetail) -> Markup {
    let job = &detail.job;
    let shown = task::prompt(&detail.task).unwrap_or(&job.asset_name);
    html! {
        section.stage #job-stage data-live={ "job:" (job.id) } data-stage=(job.id) data-state=(job.state)
            aria-label="Result" {
            p.stage-head data-job=(job.id) {
                (job_state(job.state))
                (job_progress(job))
                @if let Some(error) = &job.error { span.job-error { (error) } }
                @if job.state == JobState::Queued && job.error.is_none() {
                    span.faint { "waits for a worker" }
                }
            }
            @if job.state.is_open() { (growing(job.kind)) }
            @if let Some(artefact) = &job.artefact { (artefact_shown(artefact, shown)) }
            @if let Some(result) = &detail.result { (answer(job.kind, result)) }
        }
    }
}

/// Where `job.js` puts previews and growing texts.
fn growing(kind: TaskKind) -> Markup {
    html! {
        @match kind {
            TaskKind::Image | TaskKind::Video => {
                div.preview { img data-picture="" data-keep="src hidden" alt="The picture so far" hidden; }
            }
            TaskKind::Llm | TaskKind::AudioStt => {
                details.thoughts data-thoughts="" hidden { summary { "Reasoning" } div.prose data-reasoning="" {} }
                div.prose data-text="" aria-live="off" {}
            }
            TaskKind::AudioTts | TaskKind::Mesh => {}
        }
    }
}

/// A picture, a player, or a link to the file.
pub fn artefact_shown(artefact: &ArtefactSummary, alt: &str) -> Markup {
    let src = links::artefact(&artefact.id);
    html! {
        div.made {
            @match artefact.mime.split('/').next() {
                Some("image") if artefact.mime != "image/svg+xml" => {
                    a href=(src) target="_blank" { img src=(src) alt=(alt); }
                }
                Some("audio") => audio controls preload="metadata" src=(src) aria-label=(alt) {},
                Some("video") => video controls preload="metadata" src=(src) aria-label=(alt) {},
                _ => p { "This file has no preview: download it." },
            }
            p.made-facts {
                a.button.small href=(src) download { "Download" }
                span.faint { (artefact.ext) " · " (bytes(artefact.bytes)) }
            }
        }
    }
}

/// A result in JSON: what is meant for people first, all of it behind.
fn answer(kind: TaskKind, result: &Value) -> Markup {
    html! {
        @match kind {
            TaskKind::Llm => (chat(result)),
            TaskKind::AudioStt => (transcript(result)),
            TaskKind::Image | TaskKind::AudioTts | TaskKind::Video | TaskKind::Mesh => {}
        }
        (task::json("result-json", "Result as JSON", result))
    }
}

fn chat(result: &Value) -> Markup {
    let message = &result["choices"][0]["message"];
    let reasoning = message["reasoning_content"].as_str().or(message["reasoning"].as_str());
    let vectors = result["data"].as_array().map(Vec::len);
    html! {
        @if let Some(reasoning) = reasoning.filter(|text| !text.is_empty()) {
            details.thoughts { summary { "Reasoning" } div.prose { (reasoning) } }
        }
        @if let Some(text) = message["content"].as_str() { div.prose data-markdown="" { (text) } }
        @if let Some(vectors) = vectors { p { (vectors) " embeddings" } }
        @if let Some(calls) = message["tool_calls"].as_array().filter(|calls| !calls.is_empty()) {
            p { "Calls " @for call in calls { code { (call["function"]["name"].as_str().unwrap_or("a tool")) } " " } }
        }
        @if let Some(usage) = usage(result) { p.faint { (usage) } }
    }
}

fn usage(result: &Value) -> Option<String> {
    let tokens = |name: &str| result["usage"][name].as_u64();
    let prompt = tokens("prompt_tokens")?;
    Some(match tokens("completion_tokens") {
        Some(answer) => format!("{prompt} tokens read, {answer} written"),
        None => format!("{prompt} tokens read"),
    })
}

/// The text, and its segments with their times where the result has them.
pub fn transcript(result: &Value) -> Markup {
    let segments = result["segments"].as_array().map(Vec::as_slice).unwrap_or_default();
    html! {
        @if let Some(text) = result["text"].as_str() { div.prose { (text) } }
        @if !segments.is_empty() {
            ol.segments aria-label="Segments" {
                @for segment in segments.iter().take(MAX_SEGMENTS) {
                    li {
                        span.segment-time { (clock(segment["start"].as_f64())) " – " (clock(segment["end"].as_f64())) }
                        span { (segment["text"].as_str().unwrap_or_default()) }
                    }
                }
            }
        }
    }
}

/// `1:02.5`
fn clock(seconds: Option<f64>) -> String {
    let seconds = seconds.unwrap_or_default().max(0.0);
    let minutes = (seconds / 60.0).floor();
    format!("{minutes}:{:04.1}", seconds - minutes * 60.0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::check;

    #[test]
    fn every_state_and_kind_has_a_stage() {
        for state in JobState::ALL {
            for kind in TaskKind::ALL {
                let text = check(&stage(&samples::detail(kind, *state)));
                let open = state.is_open();
                assert_eq!(
                    text.contains("data-picture"),
                    open && matches!(kind, TaskKind::Image | TaskKind::Video)
                );
                assert_eq!(text.contains("data-text"), open && kind.result_is_json());
                let done = *state == JobState::Done;
                assert_eq!(text.contains("Download"), done && !kind.result_is_json(), "{kind} {state}");
                assert_eq!(text.contains("Result as JSON"), done && kind.result_is_json());
            }
        }
    }

    #[test]
    fn a_browser_is_given_no_page_of_somebody_else() {
        for mime in ["image/svg+xml", "text/html", "application/pdf", "model/gltf-binary"] {
            let artefact = ArtefactSummary { mime: mime.to_owned(), ..samples::summary("bin", mime) };
            let text = check(&artefact_shown(&artefact, "x"));
            assert!(text.contains("no preview") && !text.contains("<img"), "{mime}: {text}");
        }
    }

    #[test]
    fn answers_are_text_and_nothing_else() {
        let result = json!({ "choices": [{ "message": {
            "content": "<img src=x onerror=alert(1)>", "reasoning_content": "hm",
            "tool_calls": [{ "function": { "name": "look" } }],
        } }], "usage": { "prompt_tokens": 3, "completion_tokens": 5 } });
        let text = check(&answer(TaskKind::Llm, &result));
        assert!(text.contains("&lt;img src=x") && !text.contains("<img"), "{text}");
        assert!(
            text.contains("Reasoning") && text.contains("look") && text.contains("3 tokens read, 5 written")
        );
        let embeddings = json!({ "data": [{}, {}], "usage": { "prompt_tokens": 4 } });
        assert!(check(&answer(TaskKind::Llm, &embeddings)).contains("2 embeddings"));
    }

    #[test]
    fn transcripts_have_times() {
        let result =
            json!({ "text": "Hello", "segments": [{ "start": 62.5, "end": 63.0, "text": "Hello" }] });
        assert!(check(&transcript(&result)).contains("1:02.5 – 1:03.0"));
    }
}
