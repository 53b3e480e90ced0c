//! The playground: a picture, a chat, speech, a transcript, or any task at all, made from a form.
//!
//! Pictures, speech and tasks become jobs whose id is in the page's address, so that a reload shows them again.
//! Chats and transcripts go through `/v1`, as any client's would.

use maud::{Markup, html};
use serde_json::{Map, Value};
use studio_api::{JobDetail, Model};
use studio_protocol::TaskKind;
use studio_store::Role;

use super::{links, made, work_head};
use crate::assets;
use crate::layout::{Shell, page as document};
use crate::parts::{Button, button, empty, field, hidden, number, select, text, text_area};

/// What is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tab {
    /// A picture from a text.
    Picture,
    /// A conversation.
    Chat,
    /// Speech from a text.
    Speak,
    /// Text from speech.
    Transcribe,
    /// Whatever a task can ask for.
    Task,
}

impl Tab {
    /// In the order of the page.
    pub const ALL: [Self; 5] = [Self::Picture, Self::Chat, Self::Speak, Self::Transcribe, Self::Task];

    /// Its word in the address.
    pub fn word(self) -> &'static str {
        match self {
            Self::Picture => "picture",
            Self::Chat => "chat",
            Self::Speak => "speak",
            Self::Transcribe => "transcribe",
            Self::Task => "task",
        }
    }

    /// The tab of that word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|tab| tab.word() == word)
    }

    /// Where a job of this kind can be made again.
    pub fn of_kind(kind: TaskKind) -> Self {
        match kind {
            TaskKind::Image => Self::Picture,
            TaskKind::AudioTts => Self::Speak,
            TaskKind::Llm | TaskKind::AudioStt | TaskKind::Video | TaskKind::Mesh => Self::Task,
        }
    }

    fn kind(self) -> Option<TaskKind> {
        match self {
            Self::Picture => Some(TaskKind::Image),
            Self::Chat => Some(TaskKind::Llm),
            Self::Speak => Some(TaskKind::AudioTts),
            Self::Transcribe => Some(TaskKind::AudioStt),
            Self::Task => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Picture => "Picture",
            Self::Chat => "Chat",
            Self::Speak => "Speak",
            Self::Transcribe => "Transcribe",
            Self::Task => "Any task",
        }
    }
}

/// What the form starts with.
#[derive(Debug, Clone, Default)]
pub struct Prefill {
    /// The registry's name of the model.
    pub model: String,
    /// The project of the job that is made again.
    pub project: String,
    /// Its task.
    pub task: Map<String, Value>,
}

/// How soon a job of a model can run; the first is offered first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// A worker has it in memory.
    Loaded,
    /// A worker has its files, or it has none.
    Present,
    /// A worker runs its engine and has to fetch the files.
    Fetched,
    /// No worker that is there runs its engine.
    Nowhere,
}

impl Standing {
    fn words(self) -> &'static str {
        match self {
            Self::Loaded => " · loaded",
            Self::Present => "",
            Self::Fetched => " · must be downloaded",
            Self::Nowhere => " · no worker for it is online",
        }
    }
}

/// What the page shows.
#[derive(Debug, Clone)]
pub struct Data {
    /// What is made.
    pub tab: Tab,
    /// Models that jobs may name, in the order in which they are offered.
    pub models: Vec<(Model, Standing)>,
    /// From the job that is made again, or is shown.
    pub prefill: Prefill,
    /// The job of the address.
    pub job: Option<JobDetail>,
    /// What is wrong with the address.
    pub problem: Option<String>,
}

impl Data {
    fn models(&self) -> impl Iterator<Item = &(Model, Standing)> {
        self.models.iter().filter(|(model, _)| self.tab.kind().is_none_or(|kind| kind == model.kind))
    }

    /// A field of the task that is made again, as a form shows it.
    fn stated(&self, name: &str) -> String {
        match self.prefill.task.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }
    }

    /// What the task states and the form has no field for.
    fn rest(&self, fields: &[&str]) -> String {
        let mut rest = self.prefill.task.clone();
        rest.retain(|name, _| name != "kind" && !fields.contains(&name.as_str()));
        if rest.is_empty() { String::new() } else { serde_json::to_string_pretty(&rest).unwrap_or_default() }
    }
}

/// The playground.
pub fn page(shell: &Shell, data: &Data) -> Markup {
    document(
        shell,
        &html! {
            (work_head())
            script type="module" src=(assets::url("job.js")) {}
            script type="module" src=(assets::url("playground.js")) {}
            div.page-head { h1 { "Playground" } }
            nav.tabs aria-label="What to make" {
                ul {
                    @for tab in Tab::ALL {
                        li {
                            a href=(links::address("/playground", &[("tab", Some(tab.word()))]))
                                aria-current=[(tab == data.tab).then_some("page")] { (tab.name()) }
                        }
                    }
                }
            }
            @if let Some(problem) = &data.problem { p.notice.bad role="alert" { (problem) } }
            @if !shell.may(Role::Submitter) {
                (empty("You may look, not make", &html! { p { "An admin can give you the role submitter." } }))
            } @else if data.models().next().is_none() {
                (empty("No model for this", &html! {
                    p { "The registry has no model that is enabled and makes this. " a href="/models" { "Models" } }
                }))
            } @else {
                @match data.tab {
                    Tab::Picture => (with_result(shell, data, &picture(data))),
                    Tab::Speak => (with_result(shell, data, &speak(data))),
                    Tab::Task => (with_result(shell, data, &any(data))),
                    Tab::Chat => (chat(data)),
                    Tab::Transcribe => (transcribe(data)),
                }
            }
        },
    )
}

/// A form beside what came of it.
fn with_result(shell: &Shell, data: &Data, form: &Markup) -> Markup {
    html! {
        div.maker {
            section.card aria-label="What to make" { (form) }
            div.maker-result {
                @match &data.job {
                    Some(job) => {
                        (made::stage(job))
                        (result_actions(shell, job))
                    }
                    None => (empty("Nothing made yet", &html! { p { "The result appears here while it is made." } })),
                }
            }
        }
    }
}

fn result_actions(shell: &Shell, detail: &JobDetail) -> Markup {
    let job = &detail.job;
    let cancel = format!("POST /api/v1/jobs/{}/cancel", job.id);
    html! {
        div.actions #result-actions data-live={ "job:" (job.id) } {
            @if job.state.is_open() && shell.may(Role::Submitter) {
                (button(&Button { label: "Cancel", api: &cancel, class: "danger", ..Button::default() }))
            }
            a.button href=(links::job(&job.id)) { "All about this job" }
        }
    }
}

/// A form that submits a job; the page of its result takes its place.
fn job_form(tab: Tab, kind: Option<TaskKind>, fields: &Markup) -> Markup {
    html! {
        form.form data-api="POST /api/v1/jobs" data-then={ "/playground?tab=" (tab.word()) "&job={id}" } {
            @if let Some(kind) = kind { (hidden("task.kind", kind.as_str())) }
            (fields)
            div.actions { button.primary type="submit" { "Make" } }
        }
    }
}

fn model(data: &Data) -> Markup {
    let options: Vec<(&str, String)> = data
        .models()
        .map(|(model, standing)| (model.id.as_str(), format!("{}{}", model.id, standing.words())))
        .collect();
    let options: Vec<(&str, &str)> = options.iter().map(|(id, words)| (*id, words.as_str())).collect();
    select("model", "model", "Model", "", &options, &data.prefill.model)
}

fn more(data: &Data, hint: &str, fields: &[&str]) -> Markup {
    let rest = data.rest(fields);
    html! {
        details.more open[!rest.is_empty()] {
            summary { "More parameters" }
            div.form {
                (text("project", "project", "Project", "empty: default", &data.prefill.project, "autocomplete=\"off\""))
                (text_area("rest", "task", "As JSON", hint, &rest, "data-type=\"json\" rows=\"4\" spellcheck=\"false\""))
            }
        }
    }
}

fn picture(data: &Data) -> Markup {
    const FIELDS: [&str; 7] = ["prompt", "negativePrompt", "width", "height", "steps", "seed", "cfgScale"];
    let stated = |name: &str| data.stated(name);
    job_form(
        Tab::Picture,
        Some(TaskKind::Image),
        &html! {
            (model(data))
            (text_area("prompt", "task.prompt", "Prompt", "", &stated("prompt"), "required rows=\"3\""))
            (text_area("negative", "task.negativePrompt", "Negative prompt", "", &stated("negativePrompt"), "rows=\"2\""))
            div.form-row {
                (number("width", "task.width", "Width", "", &stated("width"), "min=\"1\" max=\"8192\" placeholder=\"model's\""))
                (number("height", "task.height", "Height", "", &stated("height"), "min=\"1\" max=\"8192\" placeholder=\"model's\""))
                (number("steps", "task.steps", "Steps", "", &stated("steps"), "min=\"1\" max=\"1000\" placeholder=\"model's\""))
                (number("cfg", "task.cfgScale", "Guidance", "", &stated("cfgScale"), "step=\"any\" min=\"0\" placeholder=\"model's\""))
                (number("seed", "task.seed", "Seed", "", &stated("seed"), "min=\"0\" max=\"9007199254740991\" placeholder=\"random\""))
            }
            (more(data, "like {\"samplingMethod\":\"euler\"}", &FIELDS))
        },
    )
}

fn speak(data: &Data) -> Markup {
    const FIELDS: [&str; 5] = ["text", "voice", "speed", "language", "ext"];
    const FORMATS: [(&str, &str); 3] = [("wav", "wav"), ("flac", "flac"), ("opus", "opus")];
    let stated = |name: &str| data.stated(name);
    let format = stated("ext");
    job_form(
        Tab::Speak,
        Some(TaskKind::AudioTts),
        &html! {
            (model(data))
            (text_area("text", "task.text", "Text", "", &stated("text"), "required rows=\"5\""))
            div.form-row {
                (text("voice", "task.voice", "Voice", "", &stated("voice"), "placeholder=\"default\" autocomplete=\"off\""))
                (number("speed", "task.speed", "Speed", "", &stated("speed"), "min=\"0.25\" max=\"4\" step=\"0.05\" placeholder=\"1\""))
                (text("language", "task.language", "Language", "", &stated("language"), "placeholder=\"by the text\" autocomplete=\"off\""))
                (select("format", "task.ext", "Format", "", &FORMATS, if format.is_empty() { "wav" } else { &format }))
            }
            (more(data, "", &FIELDS))
        },
    )
}

fn any(data: &Data) -> Markup {
    let task = if data.prefill.task.is_empty() {
        "{\n  \"kind\": \"video\",\n  \"prompt\": \"\"\n}".to_owned()
    } else {
        serde_json::to_string_pretty(&data.prefill.task).unwrap_or_default()
    };
    job_form(
        Tab::Task,
        None,
        &html! {
            (model(data))
            (text_area("task", "task", "Task", "As the API takes it.", &task, "data-type=\"json\" required rows=\"14\" spellcheck=\"false\""))
            div.form-row {
                (text("project", "project", "Project", "", &data.prefill.project, "placeholder=\"default\" autocomplete=\"off\""))
                (number("priority", "priority", "Priority", "", "", "min=\"-1000\" max=\"1000\" placeholder=\"0\""))
                (number("attempts", "maxAttempts", "Tries", "", "", "min=\"1\" max=\"100\" placeholder=\"5\""))
            }
        },
    )
}

fn chat(data: &Data) -> Markup {
    html! {
        div.chat data-chat="" {
            form.card.form #chat-form {
                (model(data))
                (text_area("system", "system", "System prompt", "", "", "rows=\"2\""))
                div.form-row {
                    (number("temperature", "temperature", "Temperature", "", "", "min=\"0\" max=\"2\" step=\"0.05\" placeholder=\"model's\""))
                    (number("tokens", "max_tokens", "Longest answer, tokens", "", "", "min=\"1\" placeholder=\"model's\""))
                }
                div.actions { button type="button" #chat-clear { "New conversation" } }
            }
            section.chat-talk aria-label="Conversation" {
                div.chat-log #chat-log role="log" aria-live="polite" aria-label="Messages" tabindex="0" {}
                p.notice.bad #chat-error role="alert" hidden {}
                p.faint #chat-status role="status" {}
                form.chat-say #chat-say {
                    (field("message", "Message", "", &html! {
                        textarea id="message" rows="3" required placeholder="Enter sends, Shift+Enter begins a line" {}
                    }))
                    div.actions {
                        button.primary type="submit" #chat-send { "Send" }
                        button.danger type="button" #chat-stop hidden { "Stop" }
                    }
                }
                noscript { p.notice { "Chats need JavaScript." } }
            }
        }
    }
}

fn transcribe(data: &Data) -> Markup {
    html! {
        div.maker data-transcribe="" {
            section.card aria-label="What to write down" {
                form.form #transcribe-form {
                    (model(data))
                    (field("file", "Recording", "A file of sound or video", &html! {
                        input type="file" id="file" name="file" accept="audio/*,video/*" aria-describedby="file-hint";
                    }))
                    div.actions {
                        button type="button" #record hidden { "Record" }
                        span.faint #record-status role="status" {}
                    }
                    audio #recorded controls hidden aria-label="What was recorded" {}
                    (text("language", "language", "Language", "", "", "placeholder=\"detected\" autocomplete=\"off\""))
                    (text("hint", "prompt", "Words to expect", "", "", "autocomplete=\"off\""))
                    div.actions {
                        button.primary type="submit" #transcribe-send { "Transcribe" }
                        button.danger type="button" #transcribe-stop hidden { "Stop" }
                    }
                    p.notice.bad #transcribe-error role="alert" hidden {}
                    noscript { p.notice { "Uploads from this page need JavaScript." } }
                }
            }
            section.maker-result aria-label="Transcript" {
                p.faint #transcribe-status role="status" { "The text appears here." }
                div.prose #transcript-text {}
                ol.segments #transcript-segments aria-label="Segments" hidden {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use studio_store::JobState;

    use super::*;
    use crate::pages::samples;
    use crate::parts::tests::{check, shell};

    #[test]
    fn every_tab_renders_for_every_role() {
        for role in Role::ALL {
            for tab in Tab::ALL {
                let text = check(&page(&shell(*role), &samples::playground(tab)));
                let submits = *role >= Role::Submitter;
                assert_eq!(
                    text.contains("<form class=\"form\"") || text.contains("chat-form"),
                    submits,
                    "{role} {tab:?}"
                );
                assert_eq!(Tab::of_word(tab.word()), Some(tab));
            }
        }
    }

    #[test]
    fn without_a_model_there_is_nothing_to_make_with() {
        let mut data = samples::playground(Tab::Speak);
        data.models.retain(|(model, _)| model.kind == TaskKind::Image);
        assert!(check(&page(&shell(Role::Admin), &data)).contains("No model for this"));
    }

    #[test]
    fn a_job_can_be_made_again_and_shows_its_result() {
        let mut data = samples::playground(Tab::Picture);
        let detail = samples::detail(TaskKind::Image, JobState::Running);
        data.prefill.task = detail.task.as_object().cloned().unwrap();
        data.prefill.task.insert("clipSkip".to_owned(), 2.into());
        data.prefill.model = detail.job.model.clone();
        data.job = Some(detail);
        let text = check(&page(&shell(Role::Submitter), &data));
        assert!(text.contains("A red square on a &lt;table&gt;</textarea>"), "{text}");
        assert!(text.contains("value=\"7\"") && text.contains("&quot;clipSkip&quot;: 2"), "{text}");
        assert!(text.contains("data-stage=\"job-1\"") && text.contains("/api/v1/jobs/job-1/cancel"));
        assert!(!text.contains("&quot;kind&quot;"), "the kind has a field of its own");
    }

    #[test]
    fn every_kind_has_a_place_where_it_is_made_again() {
        for kind in TaskKind::ALL {
            let tab = Tab::of_kind(kind);
            assert!(tab.kind().is_none_or(|of_tab| of_tab == kind));
            assert!(!matches!(tab, Tab::Chat | Tab::Transcribe), "they show no job");
        }
    }
}
