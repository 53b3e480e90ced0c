//! From a prompt and a few options to a task.
//!
//! Only what the user states is put in, so that the model's own defaults hold for the rest.

use clap::Args;
use serde_json::{Map, Value, json};
use studio_protocol::TaskKind;

/// Options that most tasks have.
#[derive(Debug, Clone, Default, Args)]
pub struct TaskOptions {
    /// Pixels
    #[arg(long, help_heading = "Task")]
    pub width: Option<u32>,
    /// Pixels
    #[arg(long, help_heading = "Task")]
    pub height: Option<u32>,
    /// Denoising steps
    #[arg(long, help_heading = "Task")]
    pub steps: Option<u32>,
    /// For the same picture again
    #[arg(long, help_heading = "Task")]
    pub seed: Option<u64>,
    /// What a picture or clip should not show
    #[arg(long, help_heading = "Task")]
    pub negative_prompt: Option<String>,
    /// File format, like webp, png, wav
    #[arg(long, help_heading = "Task")]
    pub ext: Option<String>,
    /// Length of a clip
    #[arg(long, help_heading = "Task")]
    pub seconds: Option<f64>,
    /// Longest answer of a chat, tokens
    #[arg(long, help_heading = "Task")]
    pub max_tokens: Option<u32>,
    /// Randomness of a chat, 0 is none
    #[arg(long, help_heading = "Task")]
    pub temperature: Option<f64>,
    /// Put before a chat
    #[arg(long, help_heading = "Task")]
    pub system: Option<String>,
    /// Who speaks
    #[arg(long, help_heading = "Task")]
    pub voice: Option<String>,
    /// Of speech or text
    #[arg(long, help_heading = "Task")]
    pub language: Option<String>,
}

impl TaskOptions {
    /// The task that a prompt asks of a model of this kind; for speech-to-text and meshes the prompt is an address.
    pub fn task(&self, kind: TaskKind, prompt: &str) -> Map<String, Value> {
        let mut task = Map::new();
        task.insert("kind".to_owned(), kind.as_str().into());
        let (name, value) = match kind {
            TaskKind::Image | TaskKind::Video => ("prompt", prompt.into()),
            TaskKind::Llm => ("messages", json!([{ "role": "user", "content": prompt }])),
            TaskKind::AudioTts => ("text", prompt.into()),
            TaskKind::AudioStt => ("inputUrl", prompt.into()),
            TaskKind::Mesh => ("imageUrl", prompt.into()),
        };
        task.insert(name.to_owned(), value);
        self.fill(kind, &mut task);
        task
    }

    /// Puts in what was stated where the task says nothing itself; options of other kinds are left out.
    pub fn fill(&self, kind: TaskKind, task: &mut Map<String, Value>) {
        for (name, value) in self.stated() {
            if fields_of(kind).contains(&name) {
                task.entry(name).or_insert(value);
            }
        }
    }

    fn stated(&self) -> Vec<(&'static str, Value)> {
        let all = [
            ("width", self.width.map(Value::from)),
            ("height", self.height.map(Value::from)),
            ("steps", self.steps.map(Value::from)),
            ("seed", self.seed.map(Value::from)),
            ("negativePrompt", self.negative_prompt.clone().map(Value::from)),
            ("ext", self.ext.clone().map(Value::from)),
            ("seconds", self.seconds.map(Value::from)),
            ("maxTokens", self.max_tokens.map(Value::from)),
            ("temperature", self.temperature.map(Value::from)),
            ("system", self.system.clone().map(Value::from)),
            ("voice", self.voice.clone().map(Value::from)),
            ("language", self.language.clone().map(Value::from)),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
    }
}

fn fields_of(kind: TaskKind) -> &'static [&'static str] {
    match kind {
        TaskKind::Image => &["width", "height", "steps", "seed", "negativePrompt", "ext"],
        TaskKind::Llm => &["maxTokens", "temperature", "system"],
        TaskKind::AudioStt => &["language"],
        TaskKind::AudioTts => &["voice", "language", "ext"],
        TaskKind::Video => &["width", "height", "seconds", "negativePrompt", "ext"],
        TaskKind::Mesh => &["seed", "ext"],
    }
}

#[cfg(test)]
mod tests {
    use studio_protocol::Task;

    use super::*;

    #[test]
    fn every_kind_gets_a_task_that_the_protocol_reads() {
        let options = TaskOptions {
            width: Some(64),
            ext: Some("png".to_owned()),
            max_tokens: Some(9),
            voice: Some("low".to_owned()),
            ..TaskOptions::default()
        };
        for kind in TaskKind::ALL {
            let task = Value::from(options.task(kind, "https://example.org/x"));
            let read: Task = serde_json::from_value(task).unwrap();
            assert_eq!(read.kind(), kind);
            assert_eq!(read.prompt(), "https://example.org/x");
        }
    }

    #[test]
    fn nothing_is_put_in_that_was_not_said() {
        let task = TaskOptions::default().task(TaskKind::Image, "fox");
        assert_eq!(Value::from(task), json!({ "kind": "image", "prompt": "fox" }));
        let options =
            TaskOptions { width: Some(64), voice: Some("low".to_owned()), ..TaskOptions::default() };
        let mut own = options.task(TaskKind::Image, "fox");
        assert_eq!(Value::from(own.clone()), json!({ "kind": "image", "prompt": "fox", "width": 64 }));
        own.insert("width".to_owned(), 32.into());
        options.fill(TaskKind::Image, &mut own);
        assert_eq!(own["width"], 32);
    }
}
