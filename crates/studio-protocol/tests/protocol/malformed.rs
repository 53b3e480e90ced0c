//! Frames that are broken: the error says in which field, and an offer that still names its job is not one.

use serde_json::{Value, json};
use studio_protocol::*;

use crate::samples::{self, studio_frames, worker_frames};

/// Values that may be any JSON, or whose keys are data.
const FREE: [&str; 6] = ["result", "jsonSchema", "reasoning", "chatTemplateKwargs", "toolChoice", "type"];
/// Objects whose keys are data.
const MAPS: [&str; 5] = ["supportedModelsPerKind", "slots", "modelSpeeds", "tools", "toolCalls"];
/// Optional keys of `cliDefaults` are data of the engine.
const ENGINE_KEYS: [&str; 6] =
    ["samplingMethod", "flowShift", "zeroCondT", "offloadToCpu", "contextSize", "mmap"];

/// Keys without which a frame cannot be understood; every other key has a default or is optional.
fn is_required(name: &str, path: &str, key: &str) -> bool {
    let in_capabilities = path.starts_with("/capabilities");
    let required_everywhere = [
        "authToken",
        "capabilities",
        "jobId",
        "reason",
        "error",
        "retryable",
        "entries",
        "ts",
        "level",
        "category",
        "message",
        "step",
        "steps",
        "mime",
        "data",
        "index",
        "text",
        "workerId",
        "serverTime",
        "claim",
        "gameId",
        "assetName",
        "model",
        "vramGbEstimate",
        "task",
        "modelSource",
        "kind",
        "messages",
        "role",
        "content",
        "inputUrl",
        "imageUrl",
        "engine",
        "files",
        "url",
        "filename",
        "cliDefaults",
        "code",
    ];
    if in_capabilities && path != "/capabilities" {
        return false;
    }
    match (path, key) {
        // Optional here, required elsewhere.
        (path, "jobId") if path.starts_with("/entries") => false,
        ("/code", _) => name.starts_with("studio"),
        // Of `loadModel`; a claim must have them.
        ("/modelSource" | "/vramGbEstimate", _) => false,
        (path, "cfgScale" | "steps" | "width" | "height") => {
            path.contains("/modelSource/") || path == "/steps"
        }
        (path, "name") => path.contains("/loras/"),
        (_, "prompt") => name.contains("offer.image") || name.contains("offer.video"),
        _ => required_everywhere.contains(&key),
    }
}

/// Every JSON pointer into `value` that ends in a key.
fn keys(value: &Value, at: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter().filter(|(key, _)| !FREE.contains(&key.as_str())) {
                let path = format!("{at}/{key}");
                found.push((path.clone(), key.clone()));
                if !MAPS.contains(&key.as_str()) {
                    keys(field, &path, found);
                }
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                keys(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn without(golden: &Value, path: &str) -> Value {
    let (parent, key) = path.rsplit_once('/').unwrap();
    let mut broken = golden.clone();
    broken.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(key);
    broken
}

fn with(golden: &Value, path: &str, value: Value) -> Value {
    let mut broken = golden.clone();
    *broken.pointer_mut(path).unwrap() = value;
    broken
}

/// Values of another type than `value`.
fn other_types(value: &Value) -> Vec<Value> {
    [json!(true), json!(-1.5), json!("?"), json!(["?"]), json!({"?": 1})]
        .into_iter()
        .filter(|other| std::mem::discriminant(other) != std::mem::discriminant(value))
        .collect()
}

/// What a reader of either side says of a broken frame.
fn complaint(folder: &str, frame: &Value) -> Option<String> {
    let text = frame.to_string();
    if folder == "worker" {
        return decode_worker_frame(&text).err().map(|error| chain(&error));
    }
    match decode_studio_frame(&text) {
        Err(error) => Some(chain(&error)),
        Ok(StudioFrame::BadOffer(offer)) => {
            assert_eq!(offer.job_id.as_str(), "job-1", "a bad offer names its job");
            Some(offer.problem)
        }
        Ok(_) => None,
    }
}

fn chain(error: &DecodeError) -> String {
    assert!(matches!(error, DecodeError::Malformed { .. }), "{error}");
    error.to_string()
}

fn goldens() -> Vec<(&'static str, &'static str)> {
    let worker = worker_frames().into_iter().map(|(name, _)| ("worker", name));
    worker.chain(studio_frames().into_iter().map(|(name, _)| ("studio", name))).collect()
}

#[test]
fn a_missing_field_is_named_or_has_a_default() {
    let mut refused = 0;
    for (folder, name) in goldens() {
        let golden = samples::tree(name);
        let mut paths = Vec::new();
        keys(&golden, "", &mut paths);
        for (path, key) in paths {
            let problem = complaint(folder, &without(&golden, &path));
            match problem {
                Some(problem) => {
                    assert!(is_required(name, &path, &key), "{name}: {path} should be optional: {problem}");
                    assert!(problem.contains(&key), "{name}: {path}: {problem}");
                    refused += 1;
                }
                None => assert!(!is_required(name, &path, &key), "{name} was read without {path}"),
            }
        }
    }
    assert!(refused > 100, "only {refused} fields were tried");
}

#[test]
fn a_field_of_a_wrong_type_is_named() {
    let mut refused = 0;
    for (folder, name) in goldens() {
        let golden = samples::tree(name);
        let mut paths = Vec::new();
        keys(&golden, "", &mut paths);
        paths.retain(|(path, key)| !(path.contains("cliDefaults/") && ENGINE_KEYS.contains(&key.as_str())));
        for (path, key) in paths {
            for wrong in other_types(golden.pointer(&path).unwrap()) {
                let problem = complaint(folder, &with(&golden, &path, wrong.clone()))
                    .unwrap_or_else(|| panic!("{name}: {path} was read from {wrong}"));
                assert!(problem.contains(&key), "{name}: {path} as {wrong}: {problem}");
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "only {refused} fields were tried");
}

#[test]
fn null_is_refused_where_a_value_is_required() {
    for (folder, name) in goldens() {
        let golden = samples::tree(name);
        let mut paths = Vec::new();
        keys(&golden, "", &mut paths);
        paths.retain(|(path, key)| !(path.contains("cliDefaults/") && ENGINE_KEYS.contains(&key.as_str())));
        for (path, key) in paths {
            match complaint(folder, &with(&golden, &path, Value::Null)) {
                Some(problem) => {
                    assert!(is_required(name, &path, &key), "{name}: {path} should take null: {problem}");
                    assert!(problem.contains(&key), "{name}: {path}: {problem}");
                }
                None => assert!(!is_required(name, &path, &key), "{name} was read with null for {path}"),
            }
        }
    }
}

#[test]
fn numbers_out_of_range_are_named() {
    for (path, value) in [
        ("/claim/task/width", json!(-1)),
        ("/claim/task/steps", json!(4_294_967_296_u64)),
        ("/claim/task/seed", json!(1.5)),
        ("/claim/attempt", json!(4_294_967_296_u64)),
        ("/claim/leaseMs", json!(-30_000)),
    ] {
        let key = path.rsplit('/').next().unwrap();
        let offer = with(&samples::tree("studio/offer.image.extended"), path, value);
        let problem = complaint("studio", &offer).unwrap_or_else(|| panic!("{path} was read"));
        assert!(problem.contains(key), "{path}: {problem}");
    }
}

#[test]
fn an_offer_of_an_unknown_kind_names_its_job_and_attempt() {
    let mut offer = samples::tree("studio/offer.llm.extended");
    offer["claim"]["task"] = json!({"kind": "smell", "prompt": "coffee"});
    let StudioFrame::BadOffer(bad) = decode_studio_frame(&offer.to_string()).unwrap() else {
        panic!("an unknown kind is not an offer")
    };
    assert_eq!((bad.job_id.as_str(), bad.attempt), ("job-1", Some(1)));
    assert_eq!(bad.problem, "task kind `smell` is not known to this worker");
}

#[test]
fn an_offer_that_does_not_name_its_job_is_an_error() {
    for offer in [
        json!({"type": "offer"}),
        json!({"type": "offer", "claim": {}}),
        json!({"type": "offer", "claim": {"jobId": 7}}),
        json!({"type": "offer", "claim": [{"jobId": "job-1"}]}),
    ] {
        let error = decode_studio_frame(&offer.to_string()).unwrap_err();
        assert!(matches!(error, DecodeError::Malformed { frame: "offer", .. }), "{offer}: {error}");
    }
}

#[test]
fn an_unknown_frame_type_is_told_apart_and_quoted_short() {
    for side in [|text: &str| decode_worker_frame(text).err(), |text: &str| decode_studio_frame(text).err()] {
        let error = side(r#"{"type":"telepathy","jobId":5}"#).unwrap();
        assert!(matches!(&error, DecodeError::UnknownType(tag) if tag == "telepathy"), "{error}");
        let long = format!(r#"{{"type":"{}"}}"#, "\\u0007x".repeat(10_000));
        let error = side(&long).unwrap();
        assert!(error.to_string().len() < 1_000, "{error}");
        assert!(!error.to_string().contains('\u{7}'), "control characters do not reach a terminal");
    }
}

#[test]
fn the_frames_of_the_other_side_are_unknown() {
    assert!(matches!(
        decode_worker_frame(&samples::text("studio/welcome")),
        Err(DecodeError::UnknownType(tag)) if tag == "welcome"
    ));
    assert!(matches!(
        decode_studio_frame(&samples::text("worker/hello")),
        Err(DecodeError::UnknownType(tag)) if tag == "hello"
    ));
}

#[test]
fn what_is_not_an_object_with_a_type_is_not_a_frame() {
    let deep = "[".repeat(100_000);
    for text in [
        "",
        " ",
        "null",
        "7",
        "\"hello\"",
        "[]",
        "{}",
        "[\"hello\"]",
        r#"["hello",{}]"#,
        r#"{"type":7}"#,
        r#"{"type":null}"#,
        "{",
        &deep,
    ] {
        assert!(matches!(decode_worker_frame(text), Err(DecodeError::NotAFrame(_))), "{text:.20}");
        assert!(matches!(decode_studio_frame(text), Err(DecodeError::NotAFrame(_))), "{text:.20}");
    }
}

#[test]
fn a_frame_above_the_limit_is_refused_by_its_size() {
    const SEVENTEEN_MIB: usize = 17 * 1024 * 1024;
    let fail = |bytes: usize| {
        let frame = r#"{"type":"fail","jobId":"j","retryable":true,"error":""}"#;
        let padding = "x".repeat(bytes - frame.len());
        format!(r#"{{"type":"fail","jobId":"j","retryable":true,"error":"{padding}"}}"#)
    };
    assert!(matches!(decode_worker_frame(&fail(SEVENTEEN_MIB)), Err(DecodeError::TooLarge(SEVENTEEN_MIB))));
    assert!(matches!(decode_studio_frame(&fail(SEVENTEEN_MIB)), Err(DecodeError::TooLarge(SEVENTEEN_MIB))));
    assert!(matches!(decode_worker_frame(&fail(MAX_FRAME_BYTES)), Ok(WorkerFrame::Fail(_))));
    assert!(matches!(decode_worker_frame(&fail(MAX_FRAME_BYTES + 1)), Err(DecodeError::TooLarge(_))));
}
