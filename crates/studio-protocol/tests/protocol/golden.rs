//! Each golden file reads as its value, and the value is written as the golden file.

use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_json::value::RawValue;
use studio_protocol::*;

use crate::samples::{self, all_capabilities, base_capabilities, studio_frames, worker_frames};

/// `read` came out of the golden file `name` and must be `expected`, in memory and on the wire.
fn assert_golden<T: Debug + Serialize>(name: &str, read: &T, expected: &T) {
    assert_eq!(tree(read), samples::tree(name), "{name} is not written as it was read");
    assert_eq!(tree(expected), samples::tree(name), "{name} is not written as the golden file says");
    // The order of the keys within a result differs, and only there.
    assert_eq!(letters(read), letters(expected), "{name} does not read as expected");
}

fn tree<T: Serialize>(message: &T) -> Value {
    serde_json::from_str(&encode(message)).unwrap()
}

/// What a value consists of, whatever the order.
fn letters<T: Debug>(value: &T) -> Vec<char> {
    let mut letters: Vec<char> =
        format!("{value:?}").replace("\\n", "").chars().filter(|c| !c.is_whitespace()).collect();
    letters.sort_unstable();
    letters
}

#[test]
fn every_worker_frame() {
    for (name, expected) in worker_frames() {
        let read =
            decode_worker_frame(&samples::text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_golden(name, &read, &expected);
    }
}

#[test]
fn every_studio_frame() {
    for (name, expected) in studio_frames() {
        let read =
            decode_studio_frame(&samples::text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_golden(name, &read, &expected);
    }
}

#[test]
fn every_registration_message() {
    let request = RegisterRequest {
        install_id: "6f0f3b3e-6d4b-4d1c-8f50-0a4c3f1d2b7a".into(),
        registration_secret_hash: "cd".repeat(32),
        capabilities: base_capabilities(),
        user_agent: "studio-worker/0.1.0".into(),
        join_code: None,
    };
    assert_message("registration/request", &request);
    assert_message(
        "registration/request.extended",
        &RegisterRequest { capabilities: all_capabilities(), join_code: Some("FOX-4711".into()), ..request },
    );
    assert_message(
        "registration/response",
        &RegisterResponse { request_id: "rr-1".into(), status: "pending".into() },
    );
    assert_message("registration/status.pending", &RegistrationStatus::Pending);
    assert_message(
        "registration/status.approved",
        &RegistrationStatus::Approved { worker_id: "w-1".into(), auth_token: "ef".repeat(32) },
    );
    assert_message(
        "registration/status.rejected",
        &RegistrationStatus::Rejected { reason: "not one of ours".into() },
    );
}

fn assert_message<T: Debug + PartialEq + Serialize + DeserializeOwned>(name: &str, expected: &T) {
    let read: T = from_json(&samples::text(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(read, *expected, "{name}");
    assert_golden(name, &read, expected);
}

#[test]
fn no_golden_file_is_left_out() {
    let mut worker: Vec<_> = worker_frames().into_iter().map(|(name, _)| name.to_owned()).collect();
    let mut studio: Vec<_> = studio_frames().into_iter().map(|(name, _)| name.to_owned()).collect();
    worker.sort();
    studio.sort();
    assert_eq!(samples::names("worker"), worker);
    assert_eq!(samples::names("studio"), studio);
    assert_eq!(samples::names("registration").len(), 6);
}

#[test]
fn every_frame_type_has_a_golden_file() {
    for (name, frame) in worker_frames() {
        // A new variant breaks the build here, and is then added to the samples.
        let tag = match frame {
            WorkerFrame::Hello(_) => "hello",
            WorkerFrame::Heartbeat(_) => "heartbeat",
            WorkerFrame::Accept(_) => "accept",
            WorkerFrame::Reject(_) => "reject",
            WorkerFrame::CompleteJson(_) => "completeJson",
            WorkerFrame::Fail(_) => "fail",
            WorkerFrame::LogBatch(_) => "logBatch",
            WorkerFrame::ReadyForMore => "readyForMore",
            WorkerFrame::Progress(_) => "progress",
            WorkerFrame::Preview(_) => "preview",
            WorkerFrame::Delta(_) => "delta",
            WorkerFrame::Release(_) => "release",
            WorkerFrame::Goodbye(_) => "goodbye",
        };
        assert_eq!(tag_in(name), tag);
    }
    for (name, frame) in studio_frames() {
        let tag = match frame {
            StudioFrame::Welcome(_) => "welcome",
            StudioFrame::Offer(_) | StudioFrame::OfferRaw(_) | StudioFrame::BadOffer(_) => "offer",
            StudioFrame::HeartbeatAck => "heartbeatAck",
            StudioFrame::CompleteAck(_) => "completeAck",
            StudioFrame::FailAck(_) => "failAck",
            StudioFrame::Error(_) => "error",
            StudioFrame::Cancel(_) => "cancel",
            StudioFrame::Pause => "pause",
            StudioFrame::Resume => "resume",
            StudioFrame::Drain => "drain",
            StudioFrame::LoadModel(_) => "loadModel",
            StudioFrame::UnloadModel(_) => "unloadModel",
            StudioFrame::UpdateNow => "updateNow",
        };
        assert_eq!(tag_in(name), tag);
    }
}

/// `worker/hello.extended` is about `hello`.
fn tag_in(name: &str) -> &str {
    let file = name.rsplit('/').next().unwrap();
    file.split('.').next().unwrap()
}

#[test]
fn an_offer_passed_on_unread_is_the_offer() {
    let pass = |json: Value| RawValue::from_string(json.to_string()).unwrap();
    for (name, claim) in samples::claim::offers() {
        let golden = samples::tree(name);
        let unread = StudioFrame::OfferRaw(Box::new(OfferRaw {
            claim: OfferClaimRaw {
                job_id: claim.job_id,
                project: claim.project,
                asset_name: claim.asset_name,
                model: claim.model,
                vram_gb_estimate: claim.vram_gb_estimate,
                task: pass(golden["claim"]["task"].clone()),
                model_source: pass(golden["claim"]["modelSource"].clone()),
                attempt: claim.attempt,
                lease_ms: claim.lease_ms,
                traceparent: claim.traceparent,
            },
        }));
        assert_eq!(tree(&unread), golden, "{name}");
    }
}

#[test]
fn secrets_do_not_show_in_debug() {
    let hello = decode_worker_frame(&samples::text("worker/hello")).unwrap();
    assert!(!format!("{hello:?}").contains("tok"));
    let approved: RegistrationStatus = from_json(&samples::text("registration/status.approved")).unwrap();
    assert!(!format!("{approved:?}").contains("efef"));
    let request: RegisterRequest = from_json(&samples::text("registration/request.extended")).unwrap();
    let shown = format!("{request:?}");
    assert!(!shown.contains("cdcd") && !shown.contains("FOX"), "{shown}");
}
