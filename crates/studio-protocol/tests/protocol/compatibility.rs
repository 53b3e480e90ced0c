//! Old readers with new data, new readers with old data.

use serde_json::{Map, Value, json};
use studio_protocol::*;

use crate::samples::{self, studio_frames, worker_frames};

/// Objects whose keys are data: a foreign key in them means something, and is kept.
const OPEN_OBJECTS: [&str; 11] = [
    "cliDefaults",
    "result",
    "jsonSchema",
    "reasoning",
    "chatTemplateKwargs",
    "supportedModelsPerKind",
    "slots",
    "modelSpeeds",
    "tools",
    "toolCalls",
    "toolChoice",
];

/// Puts a key that nobody knows into every object.
fn add_unknown_keys(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (key, field) in fields.iter_mut() {
                if !OPEN_OBJECTS.contains(&key.as_str()) {
                    add_unknown_keys(field);
                }
            }
            fields.insert("zzFromTheFuture".into(), json!({"a": [1, null, {"b": "c"}]}));
        }
        Value::Array(items) => items.iter_mut().for_each(add_unknown_keys),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn worker(value: &Value) -> WorkerFrame {
    decode_worker_frame(&value.to_string()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn studio(value: &Value) -> StudioFrame {
    decode_studio_frame(&value.to_string()).unwrap_or_else(|error| panic!("{value}: {error}"))
}

fn written<T: serde::Serialize>(message: &T) -> Value {
    serde_json::from_str(&encode(message)).unwrap()
}

#[test]
fn keys_of_newer_peers_are_ignored_at_every_level() {
    for (name, _) in worker_frames() {
        let golden = samples::tree(name);
        let mut newer = golden.clone();
        add_unknown_keys(&mut newer);
        assert_ne!(newer, golden);
        assert_eq!(written(&worker(&newer)), golden, "{name}");
    }
    for (name, _) in studio_frames() {
        let golden = samples::tree(name);
        let mut newer = golden.clone();
        add_unknown_keys(&mut newer);
        assert_eq!(written(&studio(&newer)), golden, "{name}");
    }
}

#[test]
fn keys_of_newer_peers_are_ignored_in_registrations() {
    fn check<T: serde::Serialize + serde::de::DeserializeOwned>(name: &str) {
        let golden = samples::tree(name);
        let mut newer = golden.clone();
        add_unknown_keys(&mut newer);
        let read: T = from_json(&newer.to_string()).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(written(&read), golden, "{name}");
    }
    check::<RegisterRequest>("registration/request");
    check::<RegisterRequest>("registration/request.extended");
    check::<RegisterResponse>("registration/response");
    for decision in ["pending", "approved", "rejected"] {
        check::<RegistrationStatus>(&format!("registration/status.{decision}"));
    }
}

#[test]
fn defaults_of_a_newer_engine_are_kept() {
    let mut offer = samples::tree("studio/offer.llm");
    offer["claim"]["modelSource"]["cliDefaults"]["flashAttention"] = json!("auto");
    assert_eq!(written(&studio(&offer)), offer);
}

#[test]
fn words_of_newer_peers_read_as_the_types_say() {
    let mut heartbeat = samples::tree("worker/heartbeat.extended");
    heartbeat["capabilities"]["userPresence"] = json!("asleep");
    heartbeat["capabilities"]["features"] = json!(["telepathy", "lease"]);
    heartbeat["capabilities"]["taskKinds"] = json!(["image", "smell"]);
    let WorkerFrame::Heartbeat(read) = worker(&heartbeat) else { panic!("not a heartbeat") };
    assert_eq!(read.capabilities.user_presence, None);
    assert_eq!(read.capabilities.features, FeatureSet::of(&[Feature::Lease]));
    assert!(read.capabilities.takes_kind(TaskKind::Image) && !read.capabilities.takes_kind(TaskKind::Mesh));

    let mut reject = samples::tree("worker/reject.busy");
    reject["code"] = json!("on_holiday");
    let WorkerFrame::Reject(read) = worker(&reject) else { panic!("not a reject") };
    assert_eq!(read.code, None, "an unknown code is no code: offered elsewhere");

    let mut progress = samples::tree("worker/progress.extended");
    progress["stage"] = json!("daydreaming");
    let WorkerFrame::Progress(read) = worker(&progress) else { panic!("not progress") };
    assert_eq!((read.stage, read.step), (None, 3));

    let mut error = samples::tree("studio/error.auth_failed");
    error["code"] = json!("tea_time");
    let StudioFrame::Error(read) = studio(&error) else { panic!("not an error") };
    assert_eq!(read.code, ErrorCode::InternalError, "try again");

    let mut welcome = samples::tree("studio/welcome.extended");
    welcome["features"] = json!(["telepathy", "cancel"]);
    let StudioFrame::Welcome(read) = studio(&welcome) else { panic!("not a welcome") };
    assert_eq!(read.features, FeatureSet::of(&[Feature::Cancel]));

    let mut offer = samples::tree("studio/offer.image.extended");
    offer["claim"]["modelSource"]["files"][0]["role"] = json!("control-net");
    let StudioFrame::Offer(read) = studio(&offer) else { panic!("not an offer") };
    assert_eq!(read.claim.model_source.files[0].role, FileRole::Other("control-net".into()));
    assert_eq!(written(&studio(&offer)), offer, "and is passed on as it came");
}

/// The least that each frame may consist of; what is missing has a default.
fn minimal_worker_frames() -> Vec<Value> {
    vec![
        json!({"type": "hello", "authToken": "tok", "capabilities": {}}),
        json!({"type": "heartbeat", "capabilities": {}}),
        json!({"type": "accept", "jobId": "j"}),
        json!({"type": "reject", "jobId": "j", "reason": "r"}),
        json!({"type": "completeJson", "jobId": "j", "result": null}),
        json!({"type": "fail", "jobId": "j", "error": "e", "retryable": true}),
        json!({"type": "logBatch", "entries": []}),
        json!({"type": "readyForMore"}),
        json!({"type": "progress", "jobId": "j", "step": 0, "steps": 0}),
        json!({"type": "delta", "jobId": "j", "index": 0, "text": ""}),
        json!({"type": "release", "jobId": "j", "reason": ""}),
    ]
}

/// The keys that may be absent, each with the object that it belongs to.
const OPTIONAL: [(&str, &[&str]); 8] = [
    ("heartbeat", &["currentJobId", "heldJobs"]),
    ("accept", &["attempt"]),
    ("reject", &["code", "attempt"]),
    ("completeJson", &["prompt", "attempt"]),
    ("fail", &["attempt"]),
    ("progress", &["etaMs", "stage", "bytes", "totalBytes", "attempt"]),
    ("delta", &["reasoning"]),
    ("release", &["attempt"]),
];

#[test]
fn minimal_worker_frames_and_explicit_nulls_read_alike() {
    for minimal in minimal_worker_frames() {
        let tag = minimal["type"].as_str().unwrap().to_owned();
        let mut nulls = minimal.clone();
        for (_, keys) in OPTIONAL.iter().filter(|(owner, _)| *owner == tag) {
            for key in *keys {
                nulls[*key] = Value::Null;
            }
        }
        if minimal.get("capabilities").is_some() {
            nulls["capabilities"] = null_capabilities();
        }
        assert_eq!(encode(&worker(&minimal)), encode(&worker(&nulls)), "{tag}");
    }
}

fn null_capabilities() -> Value {
    let WorkerFrame::Hello(hello) = worker(&samples::tree("worker/hello.extended")) else {
        panic!("not a hello")
    };
    let Value::Object(keys) = written(&hello.capabilities) else { panic!("not an object") };
    Value::Object(keys.into_iter().map(|(key, _)| (key, Value::Null)).collect::<Map<_, _>>())
}

#[test]
fn a_base_workers_empty_capabilities_are_a_base_worker() {
    let WorkerFrame::Hello(hello) = worker(&json!({"type": "hello", "authToken": "t", "capabilities": {}}))
    else {
        panic!("not a hello")
    };
    assert_eq!(hello.capabilities, Capabilities::default());
    assert!(hello.capabilities.features.is_empty() && hello.capabilities.slots.is_empty());
}

/// A task with its required fields only, the same with every default spelled out, and its optional keys.
fn tasks() -> Vec<(Value, Value, &'static [&'static str])> {
    vec![
        (
            json!({"kind": "image", "prompt": "p"}),
            json!({"kind": "image", "prompt": "p", "width": 512, "height": 512, "steps": 20, "ext": "webp"}),
            &[
                "negativePrompt",
                "initImageUrl",
                "maskUrl",
                "refImageUrl",
                "denoise",
                "cfgScale",
                "samplingMethod",
                "width",
                "height",
                "steps",
                "seed",
                "ext",
            ],
        ),
        (
            json!({"kind": "llm", "messages": []}),
            json!({"kind": "llm", "messages": [], "maxTokens": 512, "temperature": 0.7, "images": []}),
            &[
                "system",
                "maxTokens",
                "temperature",
                "topP",
                "stop",
                "jsonSchema",
                "reasoning",
                "chatTemplateKwargs",
                "images",
            ],
        ),
        (
            json!({"kind": "audio_stt", "inputUrl": "u"}),
            json!({"kind": "audio_stt", "inputUrl": "u"}),
            &["language", "translate", "prompt", "vad", "timestamps"],
        ),
        (
            json!({"kind": "audio_tts", "text": "t"}),
            json!({"kind": "audio_tts", "text": "t", "voice": "default", "ext": "wav"}),
            &["voice", "speed", "language", "ext"],
        ),
        (
            json!({"kind": "video", "prompt": "p"}),
            json!({"kind": "video", "prompt": "p", "seconds": 2.0, "width": 512, "height": 512, "ext": "mp4"}),
            &["negativePrompt", "initImageUrl", "seconds", "fps", "width", "height", "ext"],
        ),
        (
            json!({"kind": "mesh", "imageUrl": "u"}),
            json!({"kind": "mesh", "imageUrl": "u", "ext": "glb"}),
            &["seed", "ext"],
        ),
    ]
}

#[test]
fn tasks_of_older_studios_get_the_defaults_of_the_protocol() {
    for (minimal, full, optional) in tasks() {
        let mut nulls = minimal.clone();
        for key in optional {
            nulls[*key] = Value::Null;
        }
        for task in [&minimal, &nulls] {
            let read: Task = from_json(&task.to_string()).unwrap_or_else(|error| panic!("{task}: {error}"));
            assert_eq!(written(&read), full);
        }
    }
}

#[test]
fn nulls_in_an_offer_and_in_the_acknowledgements_are_absent_values() {
    let mut offer = samples::tree("studio/offer.image.extended");
    offer["claim"]["attempt"] = Value::Null;
    offer["claim"]["leaseMs"] = Value::Null;
    offer["claim"]["modelSource"]["files"][0]["approxBytes"] = Value::Null;
    offer["claim"]["modelSource"]["files"][0]["sha256"] = Value::Null;
    let StudioFrame::Offer(read) = studio(&offer) else { panic!("not an offer") };
    assert_eq!((read.claim.attempt, read.claim.lease_ms), (None, None));
    assert_eq!(read.claim.model_source.files[0].sha256, None);

    let ack = json!({"type": "completeAck", "jobId": "j", "stale": null});
    assert_eq!(encode(&studio(&ack)), r#"{"type":"completeAck","jobId":"j"}"#);
    let welcome =
        json!({"type": "welcome", "workerId": "w", "serverTime": "2026-05-25T12:00:00Z", "features": null});
    let StudioFrame::Welcome(read) = studio(&welcome) else { panic!("not a welcome") };
    assert!(read.features.is_empty());
}

#[test]
fn registrations_take_nulls_and_an_absent_reason() {
    let rejected = RegistrationStatus::Rejected { reason: String::new() };
    for text in [r#"{"status":"rejected"}"#, r#"{"status":"rejected","reason":null}"#] {
        assert_eq!(from_json::<RegistrationStatus>(text).unwrap(), rejected);
    }
    let mut request = samples::tree("registration/request.extended");
    request["joinCode"] = Value::Null;
    request["capabilities"] = null_capabilities();
    let read: RegisterRequest = from_json(&request.to_string()).unwrap();
    assert_eq!((read.join_code, read.capabilities), (None, Capabilities::default()));
}
