//! `/v1/models`: what may be named as `model`.

use serde_json::{Value, json};
use studio_protocol::TaskKind;

/// Who has a model that no address says more about.
const OURS: &str = "studio";
/// Addresses that name an owner in their first segment.
const HUBS: &[&str] = &["https://huggingface.co/", "https://hf-mirror.com/"];

/// A model, as far as clients are told of it.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// What requests name.
    pub id: &'a str,
    /// What it makes, where that is known before a job is tried.
    pub kind: Option<TaskKind>,
    /// What runs it.
    pub engine: &'a str,
    /// Where its first file comes from.
    pub source: Option<&'a str>,
}

/// The list.
pub fn list<'a>(models: impl IntoIterator<Item = Listed<'a>>) -> Value {
    let data: Vec<Value> = models.into_iter().map(one).collect();
    json!({ "object": "list", "data": data })
}

/// One of the list.
pub fn one(model: Listed<'_>) -> Value {
    json!({
        "id": model.id,
        "object": "model",
        // When a model was made is not known.
        "created": 0,
        "owned_by": owner(model.source),
        "kind": model.kind,
        "engine": model.engine,
    })
}

fn owner(source: Option<&str>) -> &str {
    let path = source.and_then(|url| HUBS.iter().find_map(|hub| url.strip_prefix(hub)));
    let owner = path.and_then(|path| path.split_once('/')).map(|(owner, _)| owner);
    owner.filter(|owner| !owner.is_empty()).unwrap_or(OURS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_says_whose_it_is_and_what_it_makes() {
        let of = |source| {
            one(Listed { id: "z-image", kind: Some(TaskKind::Image), engine: "sd-cpp", source })["owned_by"]
                .clone()
        };
        assert_eq!(of(Some("https://huggingface.co/Tongyi-MAI/Z-Image/resolve/main/x.gguf")), "Tongyi-MAI");
        assert_eq!(of(Some("studio:///models/z/x.gguf")), "studio");
        assert_eq!(of(None), "studio");
        let listed = Listed { id: "a", kind: Some(TaskKind::AudioTts), engine: "sherpa-onnx", source: None };
        assert_eq!(
            list([listed]),
            json!({ "object": "list", "data": [{
                "id": "a", "object": "model", "created": 0, "owned_by": "studio",
                "kind": "audio_tts", "engine": "sherpa-onnx",
            }] })
        );
    }
}
