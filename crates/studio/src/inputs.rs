//! What clients bring for their jobs: which kinds of it, how large, and where workers fetch it.

use std::fmt::Write;
use std::time::Duration;

use model_store::MAX_RECORDING_BYTES;
use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::{INPUT_PREFIX, MAX_INPUT_BYTES, Timestamp, rewrite_inputs};
use studio_store::InputId;

use crate::links::{Link, signed_path};
use crate::signing::Signer;

/// How long an input is kept that no open job names: a client submits its jobs within the day.
pub const INPUT_KEPT: Duration = Duration::from_hours(24);
/// How long a worker may take from the offer to the fetch: models of many gigabytes come before inputs.
const OFFER_TTL: Duration = Duration::from_hours(24);

/// A kind of input: what it is called, what workers know it as, its extension.
struct Kind {
    names: &'static [&'static str],
    ext: &'static str,
}

/// What engines read. Nothing that a browser would run.
const KINDS: [Kind; 13] = [
    Kind { names: &["image/png"], ext: "png" },
    Kind { names: &["image/jpeg", "image/jpg"], ext: "jpg" },
    Kind { names: &["image/webp"], ext: "webp" },
    Kind { names: &["image/gif"], ext: "gif" },
    Kind { names: &["image/bmp"], ext: "bmp" },
    Kind { names: &["audio/wav", "audio/x-wav", "audio/wave", "audio/vnd.wave"], ext: "wav" },
    Kind { names: &["audio/mpeg", "audio/mp3"], ext: "mp3" },
    Kind { names: &["audio/ogg", "audio/opus", "application/ogg"], ext: "ogg" },
    Kind { names: &["audio/flac", "audio/x-flac"], ext: "flac" },
    Kind { names: &["audio/mp4", "audio/x-m4a", "audio/m4a", "audio/aac"], ext: "m4a" },
    Kind { names: &["audio/webm"], ext: "webm" },
    Kind { names: &["video/mp4"], ext: "mp4" },
    Kind { names: &["video/webm"], ext: "webm" },
];

/// What is known of an input by its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InputKind {
    /// The first of its names.
    pub mime: &'static str,
    /// Goes with it.
    pub ext: &'static str,
    /// The most that workers take of it.
    pub max_bytes: u64,
}

impl InputKind {
    /// Reads a content type; `None` when inputs are not of that type.
    pub fn of(content_type: &str) -> Option<Self> {
        let name = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kind = KINDS.iter().find(|kind| kind.names.contains(&name.as_str()))?;
        let mime = kind.names[0];
        let max_bytes = if mime.starts_with("image/") { MAX_INPUT_BYTES } else { MAX_RECORDING_BYTES };
        Some(Self { mime, ext: kind.ext, max_bytes })
    }

    /// Every type that is taken, for people.
    pub fn list() -> String {
        let mut list = String::new();
        for kind in &KINDS {
            let comma = if list.is_empty() { "" } else { ", " };
            let _ = write!(list, "{comma}{}", kind.names[0]);
        }
        list
    }
}

/// How a task names an input.
pub fn address(id: &InputId) -> String {
    format!("{INPUT_PREFIX}{id}")
}

/// Checks an address of the studio that stands in a task; addresses elsewhere are none of its business.
pub fn check_address(address: &str) -> Result<(), String> {
    let is_ours = address.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("studio:"));
    let id = address.strip_prefix(INPUT_PREFIX).unwrap_or_default();
    let is_plain = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    if is_ours && !is_plain {
        return Err(format!("`{address}`: an input of the studio is `{INPUT_PREFIX}<id>`"));
    }
    Ok(())
}

/// The task as a worker should see it: inputs of the studio become addresses below `base` that need no credential.
///
/// `None` when it names none.
pub fn for_worker(signer: &Signer, task: &RawValue, base: &str, now: Timestamp) -> Option<Box<RawValue>> {
    // Nearly every task names none, and then it is not read.
    if !task.get().contains(INPUT_PREFIX) {
        return None;
    }
    let mut value: Value = serde_json::from_str(task.get()).ok()?;
    let changed = rewrite_inputs(&mut value, |address| {
        let id = address.strip_prefix(INPUT_PREFIX)?;
        Some(format!("{base}{}", signed_path(signer, Link::Input, id, now, OFFER_TTL).0))
    });
    changed.then(|| RawValue::from_string(value.to_string()).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_known_by_all_its_names() {
        let kind = InputKind::of("Image/JPG; q=1").unwrap();
        assert_eq!((kind.mime, kind.ext, kind.max_bytes), ("image/jpeg", "jpg", MAX_INPUT_BYTES));
        assert_eq!(InputKind::of("audio/x-wav").unwrap().max_bytes, MAX_RECORDING_BYTES);
        for wrong in ["", "image/svg+xml", "text/html", "application/octet-stream", "image", "image/*"] {
            assert_eq!(InputKind::of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn addresses_of_the_studio_name_an_input() {
        for fine in ["https://h/x", "data:image/png;base64,AA", "studio:///inputs/in-1"] {
            assert_eq!(check_address(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "studio:",
            "studio:///inputs/",
            "studio:///inputs/../admin.key",
            "studio:///inputs/in-1/x",
            "studio:///inputs/in-1?x",
            "studio:///inputs/in%2D1",
            "studio:///models/m/f",
            "STUDIO:///inputs/in-1",
        ] {
            assert!(check_address(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_worker_is_told_where_to_fetch_and_texts_stay() {
        let signer = Signer::new(&[7; 32]);
        let now = Timestamp::from_millis(0);
        let task =
            r#"{"kind":"image","prompt":"studio:///inputs/in-2","initImageUrl":"studio:///inputs/in-1"}"#;
        let raw = RawValue::from_string(task.to_owned()).unwrap();
        let told = for_worker(&signer, &raw, "http://10.0.0.7:4780", now).unwrap();
        let told: Value = serde_json::from_str(told.get()).unwrap();
        let url = told["initImageUrl"].as_str().unwrap();
        assert!(url.starts_with("http://10.0.0.7:4780/files/inputs/in-1?expires=86400&signature="), "{url}");
        assert_eq!(told["prompt"], "studio:///inputs/in-2");
        for plain in [r#"{"kind":"llm"}"#, r#"{"kind":"image","prompt":"studio:///inputs/in-2"}"#] {
            let raw = RawValue::from_string(plain.to_owned()).unwrap();
            assert!(for_worker(&signer, &raw, "http://h", now).is_none());
        }
    }
}
