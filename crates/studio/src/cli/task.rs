//! From a prompt and a few options to a task.
//!
//! Only what the user states is put in, so that the model's own defaults hold for the rest.

use clap::Args;
use serde_json::{Map, Value, json};
use studio_protocol::{LoraUse, TaskKind};

use super::input::Input;

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
    /// Picture to begin with, or for a chat to look at: a file (at most 10 MiB) or an address
    #[arg(long, value_name = "FILE|URL", value_parser = Input::read, help_heading = "Task")]
    pub init_image: Option<Input>,
    /// Recording to write down: a file (at most 10 MiB) or an address
    #[arg(long, value_name = "FILE|URL", value_parser = Input::read, help_heading = "Task")]
    pub audio: Option<Input>,
    /// Fine-tune of the model to apply, several times; the weight is 1 unless stated
    #[arg(long = "lora", value_name = "NAME[=WEIGHT]", value_parser = parse_lora, help_heading = "Task")]
    pub loras: Vec<LoraUse>,
    /// Any field of a task, several times: scheduler=karras, topK=40, vaeTiling=true
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = parse_default, help_heading = "Task")]
    pub set: Vec<(String, Value)>,
}

impl TaskOptions {
    /// The task that a prompt asks of a model of this kind; for speech-to-text and meshes the prompt is an address.
    pub fn task(&self, kind: TaskKind, prompt: &str) -> Map<String, Value> {
        let mut task = Map::new();
        task.insert("kind".to_owned(), kind.as_str().into());
        let prompted = match kind {
            TaskKind::Image | TaskKind::Video => Some(("prompt", prompt.into())),
            TaskKind::Llm => Some(("messages", json!([{ "role": "user", "content": prompt }]))),
            TaskKind::AudioTts => Some(("text", prompt.into())),
            // With the input stated by an option, a prompt helps to understand it.
            TaskKind::AudioStt if self.audio.is_some() => {
                (!prompt.is_empty()).then(|| ("prompt", prompt.into()))
            }
            TaskKind::AudioStt => Some(("inputUrl", prompt.into())),
            TaskKind::Mesh if self.init_image.is_some() => None,
            TaskKind::Mesh => Some(("imageUrl", prompt.into())),
        };
        task.extend(prompted.map(|(name, value)| (name.to_owned(), value)));
        self.fill(kind, &mut task);
        task
    }

    /// Puts in what was stated where the task says nothing itself; options of other kinds are left out.
    pub fn fill(&self, kind: TaskKind, task: &mut Map<String, Value>) {
        for (name, value) in &self.set {
            task.entry(name).or_insert_with(|| value.clone());
        }
        for (name, value) in self.stated(kind) {
            if fields_of(kind).contains(&name) {
                task.entry(name).or_insert(value);
            }
        }
    }

    fn stated(&self, kind: TaskKind) -> Vec<(&'static str, Value)> {
        let picture = self.init_image.as_ref().map(|input| match kind {
            TaskKind::Llm => ("images", json!([input.address])),
            TaskKind::Mesh => ("imageUrl", input.address.clone().into()),
            TaskKind::Image | TaskKind::Video | TaskKind::AudioStt | TaskKind::AudioTts => {
                ("initImageUrl", input.address.clone().into())
            }
        });
        let loras = if self.loras.is_empty() { None } else { serde_json::to_value(&self.loras).ok() };
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
            ("inputUrl", self.audio.as_ref().map(|input| input.address.clone().into())),
            ("loras", loras),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?))).chain(picture).collect()
    }
}

fn fields_of(kind: TaskKind) -> &'static [&'static str] {
    match kind {
        TaskKind::Image => {
            &["width", "height", "steps", "seed", "negativePrompt", "ext", "initImageUrl", "loras"]
        }
        TaskKind::Llm => &["maxTokens", "temperature", "system", "seed", "images"],
        TaskKind::AudioStt => &["language", "inputUrl"],
        TaskKind::AudioTts => &["voice", "language", "ext"],
        TaskKind::Video => {
            &["width", "height", "seconds", "steps", "seed", "negativePrompt", "ext", "initImageUrl"]
        }
        TaskKind::Mesh => &["seed", "ext", "imageUrl"],
    }
}

fn parse_lora(text: &str) -> Result<LoraUse, String> {
    let (name, weight) = match text.split_once('=') {
        None => (text, 1.0),
        Some((name, weight)) => {
            (name, weight.parse().map_err(|_| format!("`{weight}` is not a weight like 0.8"))?)
        }
    };
    if name.is_empty() {
        return Err("a fine-tune has a name".to_owned());
    }
    Ok(LoraUse { name: name.to_owned(), weight })
}

/// Numbers, true, false and other JSON are taken as such, all else as text.
pub fn parse_default(text: &str) -> Result<(String, Value), String> {
    let (key, value) = text.split_once('=').ok_or_else(|| format!("`{text}` is not KEY=VALUE"))?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok((key.to_owned(), value))
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
    fn inputs_stand_where_their_kind_has_them() {
        let input = || Some(Input { address: "https://h/x".to_owned() });
        let options = TaskOptions { audio: input(), init_image: input(), ..TaskOptions::default() };
        let task = |kind: TaskKind, prompt: &str| Value::from(options.task(kind, prompt));
        assert_eq!(task(TaskKind::AudioStt, ""), json!({ "kind": "audio_stt", "inputUrl": "https://h/x" }));
        assert_eq!(task(TaskKind::AudioStt, "names")["prompt"], "names");
        assert_eq!(task(TaskKind::Mesh, ""), json!({ "kind": "mesh", "imageUrl": "https://h/x" }));
        assert_eq!(task(TaskKind::Llm, "what is it?")["images"], json!(["https://h/x"]));
        assert_eq!(task(TaskKind::Image, "bluer")["initImageUrl"], "https://h/x");
        assert_eq!(task(TaskKind::AudioTts, "hi"), json!({ "kind": "audio_tts", "text": "hi" }));
    }

    #[test]
    fn any_field_can_be_set_and_loras_have_weights() {
        let set = ["scheduler=karras", "eta=0.5", "width=9", r#"stop=["END"]"#];
        let options = TaskOptions {
            width: Some(64),
            set: set.map(|text| parse_default(text).unwrap()).into(),
            loras: vec![parse_lora("pixel").unwrap(), parse_lora("ink=0.5").unwrap()],
            ..TaskOptions::default()
        };
        let task = Value::from(options.task(TaskKind::Image, "fox"));
        assert_eq!(
            (&task["scheduler"], &task["eta"], &task["width"]),
            (&json!("karras"), &json!(0.5), &json!(9))
        );
        assert_eq!(task["stop"], json!(["END"]));
        let loras = json!([{ "name": "pixel", "weight": 1.0 }, { "name": "ink", "weight": 0.5 }]);
        assert_eq!(task["loras"], loras);
        assert!(parse_lora("ink=much").is_err() && parse_lora("=1").is_err());
    }

    #[test]
    fn defaults_have_the_type_that_they_look_like() {
        assert_eq!(parse_default("contextSize=8192").unwrap().1, 8192);
        assert_eq!(parse_default("mmap=true").unwrap().1, true);
        assert_eq!(parse_default("samplingMethod=euler").unwrap().1, "euler");
        assert!(parse_default("mmap").is_err());
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
