//! What others than engines want to know of a task.

use serde_json::Value;

use super::Task;

/// Fields that a base worker would ignore; offered only where the extension `options` is used.
const OPTIONS: [&str; 21] = [
    "scheduler",
    "flowShift",
    "guidance",
    "eta",
    "clipSkip",
    "loras",
    "refImageUrls",
    "batchCount",
    "vaeTiling",
    "topK",
    "minP",
    "repeatPenalty",
    "frequencyPenalty",
    "presencePenalty",
    "tools",
    "toolChoice",
    "embed",
    // Of messages.
    "toolCalls",
    "toolCallId",
    "name",
    "reasoningContent",
];
/// How the address of an input that a client brought to the studio begins; workers never see one.
pub const INPUT_PREFIX: &str = "studio:///inputs/";
/// Fields that hold addresses of inputs, or lists of them.
const INPUT_FIELDS: [&str; 7] =
    ["initImageUrl", "maskUrl", "refImageUrl", "refImageUrls", "images", "inputUrl", "imageUrl"];
/// The picture size at which speeds are compared.
const MEGAPIXEL: f64 = 1_000_000.0;
/// Frames a second of a clip that states none.
const USUAL_FPS: f64 = 16.0;
/// Denoising steps of a clip that states none.
const USUAL_CLIP_STEPS: u32 = 20;

/// Whether a task, as a client stated it, needs a worker that knows the extension `options`.
pub fn states_options(task: &Value) -> bool {
    let Some(fields) = task.as_object() else { return false };
    let kind = fields.get("kind").and_then(Value::as_str).unwrap_or_default();
    let is_option = |key: &str| match key {
        // Pictures have had these from the beginning, and meshes a seed.
        "seed" => !matches!(kind, "image" | "mesh"),
        "steps" | "cfgScale" | "samplingMethod" => kind == "video",
        key => OPTIONS.contains(&key),
    };
    let in_messages = fields.get("messages").and_then(Value::as_array).is_some_and(|messages| {
        messages.iter().filter_map(Value::as_object).any(|message| message.keys().any(|key| is_option(key)))
    });
    in_messages || fields.keys().any(|key| is_option(key))
}

/// Puts other addresses in the place of those that `to` gives one for; whether it gave any.
///
/// Texts that merely look like an address stay as they are: only the fields of [`Task::inputs`] are looked at.
pub fn rewrite_inputs(task: &mut Value, mut to: impl FnMut(&str) -> Option<String>) -> bool {
    let Some(fields) = task.as_object_mut() else { return false };
    let mut changed = false;
    let mut put = |value: &mut Value| {
        if let Some(address) = value.as_str().and_then(&mut to) {
            *value = address.into();
            changed = true;
        }
    };
    for field in INPUT_FIELDS {
        match fields.get_mut(field) {
            Some(Value::Array(list)) => list.iter_mut().for_each(&mut put),
            Some(value) => put(value),
            None => {}
        }
    }
    changed
}

impl Task {
    /// The addresses of what must be fetched before the task can run, without repetition, in their order.
    pub fn inputs(&self) -> Vec<&str> {
        let mut inputs: Vec<&str> = match self {
            Self::Image(task) => [&task.init_image_url, &task.mask_url, &task.ref_image_url]
                .into_iter()
                .flatten()
                .chain(&task.ref_image_urls)
                .map(String::as_str)
                .collect(),
            Self::Llm(task) => task.images.iter().map(String::as_str).collect(),
            Self::AudioStt(task) => vec![&task.input_url],
            Self::Video(task) => task.init_image_url.iter().map(String::as_str).collect(),
            Self::Mesh(task) => vec![&task.image_url],
            Self::AudioTts(_) => Vec::new(),
        };
        let mut seen = std::collections::HashSet::new();
        inputs.retain(|input| seen.insert(*input));
        inputs
    }

    /// Width times height of a picture or a video's frame.
    pub fn pixels(&self) -> Option<u64> {
        let (width, height) = match self {
            Self::Image(task) => (task.width, task.height),
            Self::Video(task) => (task.width, task.height),
            Self::Llm(_) | Self::AudioStt(_) | Self::AudioTts(_) | Self::Mesh(_) => return None,
        };
        Some(u64::from(width) * u64::from(height))
    }

    /// How much there is to do, in units in which workers can be compared for one model: step-megapixels of pictures
    /// and clips, characters of speech; `None` where only the result tells.
    pub fn work(&self) -> Option<f64> {
        let area = |width: u32, height: u32| f64::from(width) * f64::from(height) / MEGAPIXEL;
        match self {
            Self::Image(task) => {
                let pictures = f64::from(task.batch_count.unwrap_or(1));
                Some(f64::from(task.steps) * area(task.width, task.height) * pictures)
            }
            Self::Video(task) => {
                let frames = task.seconds * task.fps.unwrap_or(USUAL_FPS);
                let steps = f64::from(task.steps.unwrap_or(USUAL_CLIP_STEPS));
                Some(steps * area(task.width, task.height) * frames)
            }
            Self::AudioTts(task) => Some(task.text.chars().count() as f64),
            Self::Llm(_) | Self::AudioStt(_) | Self::Mesh(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_base_task_needs_no_extension() {
        let base =
            json!({"kind": "image", "prompt": "p", "seed": 1, "steps": 4, "cfgScale": 2.0, "unknown": 1});
        assert!(!states_options(&base));
        assert!(!states_options(&json!({"kind": "llm", "messages": [{"role": "user", "content": "x"}]})));
        assert!(states_options(&json!({"kind": "llm", "messages": [], "seed": 1})));
        assert!(states_options(&json!({"kind": "image", "prompt": "p", "loras": []})));
        assert!(states_options(&json!({"kind": "llm", "messages": [{"role": "tool", "toolCallId": "1"}]})));
    }

    #[test]
    fn inputs_are_named_once() {
        let task: Task = serde_json::from_value(json!({
            "kind": "image", "prompt": "p", "initImageUrl": "https://h/a", "refImageUrl": "https://h/b",
            "refImageUrls": ["https://h/a", "https://h/c"],
        }))
        .unwrap();
        assert_eq!(task.inputs(), ["https://h/a", "https://h/b", "https://h/c"]);
    }

    #[test]
    fn every_input_of_every_kind_can_be_rewritten() {
        for task in [
            json!({"kind": "image", "prompt": "p", "initImageUrl": "x", "maskUrl": "x", "refImageUrl": "x", "refImageUrls": ["x"]}),
            json!({"kind": "llm", "messages": [{"role": "user", "content": "x"}], "images": ["x"]}),
            json!({"kind": "audio_stt", "inputUrl": "x"}),
            json!({"kind": "video", "prompt": "x", "initImageUrl": "x"}),
            json!({"kind": "mesh", "imageUrl": "x"}),
        ] {
            let read = |task: &Value| serde_json::from_value::<Task>(task.clone()).unwrap();
            assert_eq!(read(&task).inputs(), ["x"], "{task}");
            let mut other = task.clone();
            assert!(rewrite_inputs(&mut other, |address| Some(format!("{address}y"))));
            assert_eq!(read(&other).inputs(), ["xy"], "{task}");
            assert_eq!(other.get("prompt"), task.get("prompt"), "texts are no addresses");
            assert_eq!(other.get("messages"), task.get("messages"));
            assert!(!rewrite_inputs(&mut other, |_| None));
        }
    }

    #[test]
    fn work_grows_with_steps_and_area() {
        let picture = |steps: u32, side: u32| {
            let task = json!({"kind": "image", "prompt": "p", "steps": steps, "width": side, "height": side});
            serde_json::from_value::<Task>(task).unwrap().work().unwrap()
        };
        assert!((picture(8, 1000) - 8.0).abs() < 1e-9);
        assert!((picture(8, 1000) / picture(4, 500) - 8.0).abs() < 1e-9);
    }
}
