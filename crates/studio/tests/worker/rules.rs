//! Who is offered what and what comes of it, over real sockets (protocol sections 6, 9, 10 and 11).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::{Value, json};
use studio_protocol::{Capabilities, Feature, FeatureSet, StudioFrame, TaskKind};
use testkit::{RawSession, RawWorker};

use crate::served::Served;

/// Long enough for an offer that should not come: the studio offers within milliseconds.
const A_MOMENT: Duration = Duration::from_millis(400);

fn ours() -> Capabilities {
    Capabilities { features: FeatureSet::of(&Feature::ALL), ..RawWorker::synthetic() }
}

fn outcomes(job: &Value) -> Vec<&str> {
    job["history"]
        .as_array()
        .expect("a history")
        .iter()
        .filter_map(|attempt| attempt["outcome"].as_str())
        .collect()
}

async fn accept(session: &mut RawSession, job: &str, attempt: Option<u32>) {
    let mut frame = json!({"type": "accept", "jobId": job});
    if let Some(attempt) = attempt {
        frame["attempt"] = attempt.into();
    }
    session.send_json(frame).await;
}

/// Sends a result and returns whether it was called stale.
async fn complete(session: &mut RawSession, job: &str, attempt: Option<u32>) -> bool {
    let mut frame =
        json!({"type": "completeJson", "jobId": job, "result": {"object": "chat.completion", "by": attempt}});
    if let Some(attempt) = attempt {
        frame["attempt"] = attempt.into();
    }
    session.send_json(frame).await;
    let ack = session.expect("completeAck", |frame| {
        if let StudioFrame::CompleteAck(ack) = frame { Some(ack.stale) } else { None }
    });
    ack.await
}

#[tokio::test]
async fn a_busy_worker_is_asked_again_after_its_next_heartbeat_and_nothing_is_counted() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let job = studio.submit_chat().await;
    for code in ["busy", "paused", "insufficient_memory"] {
        assert_eq!(session.offer().await.job_id.as_str(), job);
        session.send_json(json!({"type": "reject", "jobId": job, "reason": "not now", "code": code})).await;
        studio.until(&job, "queued").await;
        session.expect_silence(A_MOMENT).await;
        session.send_json(json!({"type": "heartbeat", "capabilities": RawWorker::synthetic()})).await;
    }
    session.offer().await;
    accept(&mut session, &job, None).await;
    let running = studio.until(&job, "running").await;
    assert_eq!(running["attempts"], 1, "{running}");
    assert_eq!(
        running["history"].as_array().map(Vec::len),
        Some(1),
        "a refusal leaves no history: {running}"
    );
}

#[tokio::test]
async fn a_refusal_without_a_known_reason_sends_the_job_elsewhere() {
    let studio = Served::start().await;
    let job = studio.submit_chat().await;
    let (_, mut first) = studio.worker(&RawWorker::synthetic()).await;
    first.offer().await;
    first.send_json(json!({"type": "reject", "jobId": job, "reason": "no", "code": "mood"})).await;
    studio.until(&job, "queued").await;
    first.heartbeat(&RawWorker::synthetic(), None).await;
    first.expect_silence(A_MOMENT).await;
    let (_, mut second) = studio.worker(&RawWorker::synthetic()).await;
    assert_eq!(second.offer().await.job_id.as_str(), job);
}

#[tokio::test]
async fn failures_are_counted_up_to_the_maximum_and_what_is_not_retryable_ends_at_once() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    let task = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
    let job = studio.api.submit(json!({"model": "synthetic-chat", "task": task, "maxAttempts": 2})).await;
    for attempt in 1..=2 {
        assert_eq!(session.offer().await.attempt, Some(attempt));
        accept(&mut session, &job, Some(attempt)).await;
        let fail = json!({"type": "fail", "jobId": job, "error": format!("boom {attempt}"), "retryable": true, "attempt": attempt});
        session.send_json(fail).await;
        session.expect("failAck", |frame| matches!(frame, StudioFrame::FailAck(_)).then_some(())).await;
    }
    let failed = studio.until(&job, "failed").await;
    assert_eq!((&failed["attempts"], &failed["error"]), (&json!(2), &json!("boom 2")), "{failed}");
    let other = studio.submit_chat().await;
    session.offer().await;
    accept(&mut session, &other, Some(1)).await;
    session
        .send_json(
            json!({"type": "fail", "jobId": other, "error": "never", "retryable": false, "attempt": 1}),
        )
        .await;
    let failed = studio.until(&other, "failed").await;
    assert_eq!((&failed["attempts"], &failed["error"]), (&json!(1), &json!("never")), "{failed}");
}

#[tokio::test]
async fn a_released_job_is_the_next_to_go_and_counts_nothing() {
    let studio = Served::start().await;
    let (_, mut leaver) = studio.worker(&ours()).await;
    let first = studio.submit_chat().await;
    let second = studio.submit_chat().await;
    leaver.offer().await;
    accept(&mut leaver, &first, Some(1)).await;
    studio.until(&first, "running").await;
    leaver.send_json(json!({"type": "release", "jobId": first, "reason": "going home", "attempt": 1})).await;
    studio.until(&first, "queued").await;
    leaver.send_json(json!({"type": "goodbye", "reason": "going home"})).await;
    leaver.close("session ended").await;
    let (_, mut heir) = studio.worker(&ours()).await;
    let claim = heir.offer().await;
    assert_eq!((claim.job_id.as_str(), claim.attempt), (first.as_str(), Some(2)));
    accept(&mut heir, &first, Some(2)).await;
    assert!(!complete(&mut heir, &first, Some(2)).await);
    let done = studio.until(&first, "done").await;
    assert_eq!(outcomes(&done), ["released", "done"]);
    assert_eq!(done["attempts"], 1, "{done}");
    assert_eq!(heir.offer().await.job_id.as_str(), second);
}

#[tokio::test]
async fn goodbye_gives_back_at_once_and_a_close_alone_does_not() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    accept(&mut session, &job, Some(1)).await;
    studio.until(&job, "running").await;
    session.close("session ended").await;
    let mut session = studio.raw.session(&identity, &ours()).await;
    assert_eq!(studio.api.job(&job).await["state"], "running", "a close is no goodbye");
    session.heartbeat(&ours(), Some(&job)).await;
    session.send_json(json!({"type": "goodbye", "reason": "moving out"})).await;
    studio.until(&job, "queued").await;
}

#[tokio::test]
async fn a_worker_that_returns_keeps_the_job_that_it_names_and_loses_the_one_that_it_does_not() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    accept(&mut session, &job, Some(1)).await;
    studio.until(&job, "running").await;
    session.cut();
    let mut session = studio.raw.session(&identity, &ours()).await;
    let held = json!({"type": "heartbeat", "capabilities": ours(), "heldJobs": [job]});
    session.send_json(held).await;
    session.expect_silence_but_acks(A_MOMENT).await;
    assert_eq!(outcomes(&studio.api.job(&job).await), Vec::<&str>::new());
    session.cut();
    let mut session = studio.raw.session(&identity, &ours()).await;
    session.heartbeat(&ours(), None).await;
    let claim = session.offer().await;
    assert_eq!((claim.job_id.as_str(), claim.attempt), (job.as_str(), Some(2)));
    assert_eq!(outcomes(&studio.api.job(&job).await), ["lost"]);
}

#[tokio::test]
async fn an_old_attempt_is_stale_and_what_was_acknowledged_is_acknowledged_again() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    accept(&mut session, &job, Some(1)).await;
    studio.until(&job, "running").await;
    studio.api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    session
        .send_json(
            json!({"type": "fail", "jobId": job, "error": "cancelled", "retryable": false, "attempt": 1}),
        )
        .await;
    studio.api.post(&format!("/jobs/{job}/retry"), &json!({})).await;
    assert_eq!(session.offer().await.attempt, Some(2));
    accept(&mut session, &job, Some(2)).await;
    studio.until(&job, "running").await;
    assert!(complete(&mut session, &job, Some(1)).await, "attempt 1 is stale");
    assert_eq!(studio.api.job(&job).await["state"], "running");
    assert!(!complete(&mut session, &job, Some(2)).await);
    assert_eq!(studio.until(&job, "done").await["result"]["by"], 2);
    complete(&mut session, &job, Some(2)).await;
    let next = studio.submit_chat().await;
    assert_eq!(session.offer().await.job_id.as_str(), next, "the session stays open");
}

#[tokio::test]
async fn an_upload_of_an_old_attempt_is_refused_after_the_next_began() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_image().await;
    session.offer().await;
    accept(&mut session, &job, Some(1)).await;
    studio.until(&job, "running").await;
    session.send_json(json!({"type": "release", "jobId": job, "reason": "paused", "attempt": 1})).await;
    studio.until(&job, "queued").await;
    let upload = async |attempt: u32, bytes: &[u8]| {
        studio.raw.upload(&identity, &job, Some(attempt), "png", bytes.to_vec()).await.status
    };
    assert_eq!(upload(1, b"late").await, StatusCode::CONFLICT);
    let (other, mut second) = studio.worker(&ours()).await;
    assert_eq!(second.offer().await.attempt, Some(2));
    accept(&mut second, &job, Some(2)).await;
    studio.until(&job, "running").await;
    assert_eq!(upload(1, b"later").await, StatusCode::CONFLICT);
    assert_eq!(upload(2, b"not mine").await, StatusCode::CONFLICT);
    let answer = studio.raw.upload(&other, &job, Some(2), "png", b"mine".to_vec()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(studio.api.artefact(&job).await, b"mine");
}

#[tokio::test]
async fn slots_let_several_offers_out_and_a_base_worker_has_one() {
    let studio = Served::start().await;
    let mut capabilities = ours();
    capabilities.slots.insert(TaskKind::Llm.as_str().to_owned(), 3);
    let (_, mut wide) = studio.worker(&capabilities).await;
    let mut jobs = Vec::new();
    for _ in 0..5 {
        jobs.push(studio.submit_chat().await);
    }
    for job in &jobs[..3] {
        assert_eq!(wide.offer().await.job_id.as_str(), job);
    }
    wide.expect_silence(A_MOMENT).await;
    let (_, mut base) = studio.worker(&RawWorker::synthetic()).await;
    assert_eq!(base.offer().await.job_id.as_str(), jobs[3]);
    base.expect_silence(A_MOMENT).await;
    accept(&mut wide, &jobs[0], Some(1)).await;
    complete(&mut wide, &jobs[0], Some(1)).await;
    assert_eq!(wide.offer().await.job_id.as_str(), jobs[4]);
}

#[tokio::test]
async fn only_a_worker_that_fits_is_offered_a_job() {
    let studio = Served::start().await;
    let source = json!({"engine": "synthetic", "files": [], "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 8, "height": 8}});
    let model = json!({"kind": "llm", "vramGb": 8.0, "source": source});
    studio.api.put("/models/synthetic-large", &model).await;
    let base = RawWorker::synthetic();
    let unfit = [
        ("paused", Capabilities { auto_enabled: false, ..base.clone() }),
        ("no such kind", Capabilities { task_kinds: vec!["image".into()], ..base.clone() }),
        ("no such engine", Capabilities { model_engines: vec!["sd-cpp".into()], ..base.clone() }),
        ("too small", Capabilities { vram_threshold_gb: 7.9, ..base.clone() }),
        ("in use", Capabilities { only_when_idle: true, ..base.clone() }),
    ];
    let mut sessions = Vec::new();
    for (what, capabilities) in &unfit {
        sessions.push((what, studio.worker(capabilities).await.1));
    }
    let task = json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]});
    let job = studio.api.submit(json!({"model": "synthetic-large", "task": task})).await;
    for (what, session) in &mut sessions {
        if let Some(received) = session.receive(A_MOMENT / 4).await {
            panic!("{what}: {received:?}");
        }
    }
    assert_eq!(studio.api.job(&job).await["state"], "queued");
    let (_, mut fit) = studio.worker(&base).await;
    assert_eq!(fit.offer().await.model, "synthetic-large");
}

#[tokio::test]
async fn a_heartbeat_may_change_what_a_worker_takes() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let paused = Capabilities { auto_enabled: false, ..RawWorker::synthetic() };
    session.heartbeat(&paused, None).await;
    let job = studio.submit_chat().await;
    session.expect_silence(A_MOMENT).await;
    session.send_json(json!({"type": "heartbeat", "capabilities": RawWorker::synthetic()})).await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
}

#[tokio::test]
async fn a_worker_gets_nothing_before_its_first_heartbeat() {
    let studio = Served::start().await;
    let job = studio.submit_chat().await;
    let identity = studio.identity().await;
    let mut session = studio.raw.session(&identity, &RawWorker::synthetic()).await;
    session.expect_silence(A_MOMENT).await;
    session.send_json(json!({"type": "heartbeat", "capabilities": RawWorker::synthetic()})).await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
}

#[tokio::test]
async fn null_for_absent_fields_is_taken() {
    let studio = Served::start().await;
    let identity = studio.identity().await;
    let mut session = studio.raw.connect(&identity).await;
    let mut capabilities = json!(RawWorker::synthetic());
    capabilities["userPresence"] = Value::Null;
    session
        .send_json(json!({"type": "hello", "authToken": identity.token, "capabilities": capabilities}))
        .await;
    session.send_json(json!({"type": "heartbeat", "capabilities": capabilities, "currentJobId": null})).await;
    let job = studio.submit_chat().await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
    session.send_json(json!({"type": "reject", "jobId": job, "reason": "no", "code": null})).await;
    studio.until(&job, "queued").await;
}
