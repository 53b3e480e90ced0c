//! What a model's defaults say beside its files.

use std::collections::BTreeMap;

use engine_protocol::Failure;
use serde_json::{Map, Value};

/// More threads than that make these small models slower.
const MOST_DEFAULT_THREADS: usize = 4;
/// What a person may ask for.
const MOST_THREADS: u64 = 256;
/// The back ends of ONNX Runtime that sherpa-onnx knows; one that the library at hand lacks falls back to the processor.
const PROVIDERS: &[&str] = &["cpu", "cuda", "coreml", "directml", "xnnpack", "nnapi", "trt"];

/// Checked load-time settings.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(super) family: Option<String>,
    pub(crate) threads: i32,
    pub(crate) provider: String,
    /// Names of speakers.
    pub(crate) voices: BTreeMap<String, u32>,
    /// Of the model: what a voice speaks, and what a transcriber expects when the job does not say.
    pub(crate) language: Option<String>,
}

impl Settings {
    /// Reads `cliDefaults`; keys that are not known here belong to others.
    pub(super) fn read(defaults: &Map<String, Value>) -> Result<Self, Failure> {
        let threads = match defaults.get("threads") {
            None | Some(Value::Null) => default_threads(),
            Some(value) => {
                value.as_u64().filter(|threads| (1..=MOST_THREADS).contains(threads)).ok_or_else(|| {
                    wrong("threads", value, &format!("a whole number from 1 to {MOST_THREADS}"))
                })?
            }
        };
        let provider = text(defaults, "provider")?.unwrap_or_else(|| "cpu".to_owned());
        if !PROVIDERS.contains(&provider.as_str()) {
            return Err(wrong(
                "provider",
                &Value::from(provider),
                &format!("one of {}", PROVIDERS.join(", ")),
            ));
        }
        Ok(Self {
            family: text(defaults, "family")?,
            threads: i32::try_from(threads).unwrap_or(1),
            provider,
            voices: voices(defaults)?,
            language: text(defaults, "language")?,
        })
    }
}

fn default_threads() -> u64 {
    engine_protocol::harness::threads().min(MOST_DEFAULT_THREADS) as u64
}

fn text(defaults: &Map<String, Value>, key: &str) -> Result<Option<String>, Failure> {
    match defaults.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
        Some(value) => Err(wrong(key, value, "a text")),
    }
}

fn voices(defaults: &Map<String, Value>) -> Result<BTreeMap<String, u32>, Failure> {
    let expected = "an object of names with speakers' numbers";
    let entries = match defaults.get("voices") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(value) => return Err(wrong("voices", value, expected)),
    };
    let number = |value: &Value| value.as_u64().and_then(|number| u32::try_from(number).ok());
    entries
        .iter()
        .map(|(name, value)| {
            let number = number(value).ok_or_else(|| wrong(&format!("voices.{name}"), value, expected))?;
            Ok((name.clone(), number))
        })
        .collect()
}

fn wrong(key: &str, value: &Value, expected: &str) -> Failure {
    Failure::model(format!("`{key}` of the model's defaults is `{value}`: it must be {expected}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(defaults: &Value) -> Result<Settings, Failure> {
        Settings::read(defaults.as_object().unwrap())
    }

    #[test]
    fn all_keys_are_read_and_others_left() {
        let settings = read(&json!({
            "family": "kokoro", "threads": 3, "provider": "cuda", "voices": {"bella": 2}, "language": "en", "flowShift": 3
        }));
        let settings = settings.unwrap();
        assert_eq!((settings.family.as_deref(), settings.threads), (Some("kokoro"), 3));
        assert_eq!((settings.provider.as_str(), settings.voices["bella"]), ("cuda", 2));
        assert_eq!(settings.language.as_deref(), Some("en"));
        let plain = read(&json!({})).unwrap();
        assert!((1..=4).contains(&plain.threads) && plain.provider == "cpu" && plain.voices.is_empty());
    }

    #[test]
    fn wrong_types_are_named() {
        for (defaults, key) in [
            (json!({"threads": "many"}), "`threads`"),
            (json!({"threads": 0}), "`threads`"),
            (json!({"provider": "abacus"}), "`provider`"),
            (json!({"family": 3}), "`family`"),
            (json!({"voices": ["a"]}), "`voices`"),
            (json!({"voices": {"a": -1}}), "`voices.a`"),
            (json!({"language": {}}), "`language`"),
        ] {
            let message = read(&defaults).unwrap_err().message;
            assert!(message.contains(key), "{message}");
        }
    }
}
