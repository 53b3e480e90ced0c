//! The worker protocol against a whole studio, frame by frame (protocol sections 2, 3, 6, 10 and 11).

#[path = "worker/hostile.rs"]
mod hostile;
#[expect(clippy::unwrap_used, reason = "a test that is wrong about these fails")]
#[path = "worker/inputs.rs"]
mod inputs;
#[expect(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test that is wrong about these fails"
)]
#[path = "worker/live.rs"]
mod live;
#[expect(clippy::unwrap_used, reason = "set-up that fails should panic")]
#[path = "worker/models.rs"]
mod models;
#[path = "worker/rules.rs"]
mod rules;
#[expect(clippy::unwrap_used, reason = "set-up that fails should panic")]
#[path = "worker/served.rs"]
mod served;
#[path = "worker/steered.rs"]
mod steered;

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use served::Served;
use studio_protocol::{Feature, FeatureSet, MAX_FRAME_BYTES, StudioFrame};
use testkit::RawWorker;

const SOON: Duration = Duration::from_secs(5);

fn ours() -> studio_protocol::Capabilities {
    let features = FeatureSet::of(&Feature::ALL);
    studio_protocol::Capabilities { features, ..RawWorker::synthetic() }
}

#[tokio::test]
async fn registering_twice_is_one_request_and_approval_rotates_the_token() {
    let studio = Served::start().await;
    let secret = RawWorker::secret();
    let body = RawWorker::registration_body(&secret, &RawWorker::synthetic()).to_string();
    let register = || studio.raw.send(Method::POST, "/workers/register-request", None, Some(body.clone()));
    let (first, second) = (register().await, register().await);
    assert_eq!(first.body["requestId"], second.body["requestId"]);
    let id = first.body["requestId"].as_str().unwrap();
    let poll = async |bearer: Option<&str>| {
        studio.raw.send(Method::GET, &format!("/workers/register-requests/{id}"), bearer, None).await
    };
    assert_eq!(poll(Some(&secret)).await.body, json!({"status": "pending"}));
    assert_eq!(poll(None).await.status, StatusCode::UNAUTHORIZED);
    let wrong = poll(Some("wrong")).await;
    assert_eq!(wrong.status, StatusCode::UNAUTHORIZED);
    assert!(!wrong.body.to_string().contains("pending"));
    studio.api.post(&format!("/registrations/{id}/approve"), &json!({"name": "attic"})).await;
    let one = poll(Some(&secret)).await.body;
    assert_eq!(poll(Some("wrong")).await.status, StatusCode::UNAUTHORIZED);
    let two = poll(Some(&secret)).await.body;
    assert_eq!(one["workerId"], two["workerId"]);
    let open = async |token: &serde_json::Value| {
        let identity = testkit::Identity {
            worker_id: one["workerId"].as_str().unwrap().to_owned(),
            token: token.as_str().unwrap().to_owned(),
        };
        studio.raw.open(studio.raw.upgrade(&identity)).await.map(|_| ())
    };
    assert_eq!(open(&one["authToken"]).await, Err(StatusCode::UNAUTHORIZED));
    assert_eq!(open(&two["authToken"]).await, Ok(()));
}

#[tokio::test]
async fn a_rejected_worker_is_told_why_and_an_unknown_request_is_not_found() {
    let studio = Served::start().await;
    let registration = studio.raw.register(&RawWorker::synthetic(), None).await;
    let path = format!("/registrations/{}/reject", registration.request_id);
    studio.api.post(&path, &json!({"reason": "not ours"})).await;
    assert_eq!(
        studio.raw.poll(&registration).await.body,
        json!({"status": "rejected", "reason": "not ours"})
    );
    let unknown = testkit::Registration { request_id: "rr-nobody".into(), ..registration };
    assert_eq!(studio.raw.poll(&unknown).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn bad_registrations_name_the_field_and_leave_no_row() {
    let studio = Served::with(|settings| settings.trust_proxy = true).await;
    let good = RawWorker::registration_body(&RawWorker::secret(), &RawWorker::synthetic());
    for (field, value) in [
        ("installId", json!(null)),
        ("installId", json!("")),
        ("registrationSecretHash", json!("ABC")),
        ("registrationSecretHash", json!(7)),
        ("capabilities", json!("many")),
        ("userAgent", json!(["x"])),
    ] {
        let mut body = good.clone();
        body[field] = value.clone();
        let answer =
            studio.raw.send(Method::POST, "/workers/register-request", None, Some(body.to_string())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{field}={value}: {}", answer.body);
        assert!(answer.body.to_string().contains(field), "{field}: {}", answer.body);
    }
    for text in ["", "{", "[]", "nonsense"] {
        let answer =
            studio.raw.send(Method::POST, "/workers/register-request", None, Some(text.into())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "`{text}`: {}", answer.body);
    }
    let listed = studio.api.get("/registrations").await;
    assert_eq!(listed["items"], json!([]));
}

#[tokio::test]
async fn the_eleventh_registration_of_a_minute_has_to_wait() {
    let studio = Served::start().await;
    let register = || async {
        let body = RawWorker::registration_body(&RawWorker::secret(), &RawWorker::synthetic()).to_string();
        studio.raw.send(Method::POST, "/workers/register-request", None, Some(body)).await.status
    };
    for _ in 0..10 {
        assert!(register().await.is_success());
    }
    assert_eq!(register().await, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn join_codes_approve_at_once_and_only_as_often_as_they_say() {
    let studio = Served::start().await;
    let code = studio.api.join_code(1).await;
    let typed = code.to_lowercase().replace('-', "");
    studio.raw.join(&RawWorker::synthetic(), &typed).await;
    for code in [code.as_str(), "0000-0000-0000-0000", ""] {
        let mut body = RawWorker::registration_body(&RawWorker::secret(), &RawWorker::synthetic());
        body["joinCode"] = json!(code);
        let answer =
            studio.raw.send(Method::POST, "/workers/register-request", None, Some(body.to_string())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
        assert!(answer.body.to_string().contains("joinCode"), "{}", answer.body);
    }
}

#[tokio::test]
async fn the_upgrade_tells_a_wrong_token_from_an_unknown_worker() {
    let studio = Served::start().await;
    let identity = studio.identity().await;
    let wrong = testkit::Identity { token: "wrong".into(), ..identity.clone() };
    assert_eq!(studio.raw.open(studio.raw.upgrade(&wrong)).await.err(), Some(StatusCode::UNAUTHORIZED));
    let unknown = testkit::Identity { worker_id: "w-nobody".into(), ..identity.clone() };
    assert_eq!(studio.raw.open(studio.raw.upgrade(&unknown)).await.err(), Some(StatusCode::NOT_FOUND));
    studio.api.delete(&format!("/workers/{}", identity.worker_id)).await;
    assert_eq!(studio.raw.open(studio.raw.upgrade(&identity)).await.err(), Some(StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn whatever_comes_before_hello_is_a_violation() {
    let studio = Served::start().await;
    let job = studio.submit_chat().await;
    let identity = studio.identity().await;
    for text in [
        json!({"type": "heartbeat", "capabilities": {}}).to_string(),
        json!({"type": "accept", "jobId": job}).to_string(),
        json!({"type": "completeJson", "jobId": job, "result": {}}).to_string(),
        json!({"type": "someday"}).to_string(),
        json!({"type": "hello"}).to_string(),
        json!({"type": "hello", "authToken": 7, "capabilities": {}}).to_string(),
        "no json".to_owned(),
    ] {
        let mut session = studio.raw.connect(&identity).await;
        session.send_text(text.clone()).await;
        let code = session.expect("an error", |frame| {
            if let StudioFrame::Error(error) = frame { Some(error.code) } else { None }
        });
        assert_eq!(code.await, studio_protocol::ErrorCode::ProtocolViolation, "{text}");
        assert_eq!(session.expect_close(SOON).await.0, 4002, "{text}");
    }
    assert_eq!(studio.api.job(&job).await["state"], "queued");
}

#[tokio::test]
async fn a_hello_with_another_token_is_not_let_in() {
    let studio = Served::start().await;
    let identity = studio.identity().await;
    let mut session = studio.raw.connect(&identity).await;
    session.send_json(json!({"type": "hello", "authToken": "other", "capabilities": {}})).await;
    assert_eq!(session.expect_close(SOON).await.0, 4001);
}

#[tokio::test]
async fn broken_frames_end_the_session_that_sent_them_and_no_other() {
    let studio = Served::start().await;
    let (_, mut bystander) = studio.worker(&RawWorker::synthetic()).await;
    let identity = studio.identity().await;
    let large = format!(
        r#"{{"type":"fail","jobId":"j","error":"{}","retryable":true}}"#,
        "x".repeat(MAX_FRAME_BYTES)
    );
    for text in [
        "{".to_owned(),
        "[]".to_owned(),
        r#"{"type":7}"#.to_owned(),
        r#"{"type":"accept"}"#.to_owned(),
        r#"{"type":"accept","jobId":5}"#.to_owned(),
        r#"{"type":"fail","jobId":"j","error":"e"}"#.to_owned(),
        r#"{"type":"completeJson","jobId":"j"}"#.to_owned(),
        r#"{"type":"heartbeat"}"#.to_owned(),
        r#"{"type":"hello","authToken":"t","capabilities":{}}"#.to_owned(),
        large,
    ] {
        let mut session = studio.raw.session(&identity, &RawWorker::synthetic()).await;
        session.heartbeat(&RawWorker::synthetic(), None).await;
        session.send_text(text.clone()).await;
        assert_eq!(session.expect_close(SOON).await.0, 4002, "{text:.80}");
    }
    let mut session = studio.raw.session(&identity, &RawWorker::synthetic()).await;
    session.send_binary(vec![0; 8]).await;
    assert_eq!(session.expect_close(SOON).await.0, 4002);
    bystander.heartbeat(&RawWorker::synthetic(), None).await;
}

#[tokio::test]
async fn frames_of_newer_workers_and_unknown_keys_are_skipped() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&RawWorker::synthetic()).await;
    session.send_json(json!({"type": "someday", "x": 1})).await;
    session.send_json(json!({"type": "readyForMore"})).await;
    session.send_json(json!({"type": "delta", "jobId": "j", "index": 0, "text": "a"})).await;
    session.send_json(json!({"type": "goodbye", "reason": "not agreed on"})).await;
    let job = studio.submit_chat().await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
    session.send_json(json!({"type": "accept", "jobId": job, "mood": "good"})).await;
    studio.until(&job, "running").await;
}

#[tokio::test]
async fn welcome_lists_what_both_sides_have() {
    let studio = Served::start().await;
    let identity = studio.identity().await;
    let base = studio.raw.connect(&identity).await.hello(&identity, &RawWorker::synthetic()).await;
    assert_eq!((base.worker_id.as_str(), base.features), (identity.worker_id.as_str(), FeatureSet::NONE));
    let mut capabilities = RawWorker::synthetic();
    capabilities.features = FeatureSet::of(&[Feature::Lease, Feature::Control]);
    let welcome = studio.raw.connect(&identity).await.hello(&identity, &capabilities).await;
    assert_eq!(welcome.features, capabilities.features);
    let age = studio_protocol::Timestamp::now().as_millis() - welcome.server_time.as_millis();
    assert!((0..60_000).contains(&age), "{age}");
}

#[tokio::test]
async fn a_base_worker_does_a_chat_and_a_picture() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let chat = studio.submit_chat().await;
    let claim = session.offer().await;
    assert_eq!((claim.attempt, claim.lease_ms), (None, None));
    session.send_json(json!({"type": "accept", "jobId": chat})).await;
    let result = json!({"object": "chat.completion", "choices": [{"index": 0}]});
    session.send_json(json!({"type": "completeJson", "jobId": chat, "result": result, "prompt": "hi"})).await;
    session.expect("completeAck", |frame| matches!(frame, StudioFrame::CompleteAck(_)).then_some(())).await;
    assert_eq!(studio.until(&chat, "done").await["result"], result);
    let picture = studio.submit_image().await;
    assert_eq!(session.offer().await.job_id.as_str(), picture);
    session.send_json(json!({"type": "accept", "jobId": picture})).await;
    let answer = studio.raw.upload(&identity, &picture, None, "webp", b"RIFFwebp".to_vec()).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let job = studio.until(&picture, "done").await;
    assert_eq!(job["artefact"]["mime"], "image/webp");
    assert_eq!(studio.api.artefact(&picture).await, b"RIFFwebp");
    let next = studio.submit_chat().await;
    assert_eq!(session.offer().await.job_id.as_str(), next);
}

#[tokio::test]
async fn uploads_are_taken_once_for_the_claim_that_is_current() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_image().await;
    let claim = session.offer().await;
    assert_eq!((claim.attempt, claim.lease_ms), (Some(1), Some(30_000)));
    session.send_json(json!({"type": "accept", "jobId": job, "attempt": 1})).await;
    studio.until(&job, "running").await;
    let stranger = studio.identity().await;
    let upload = async |who, attempt, bytes: &[u8]| {
        studio.raw.upload(who, &job, attempt, "png", bytes.to_vec()).await.status
    };
    assert_eq!(upload(&stranger, Some(1), b"theirs").await, StatusCode::CONFLICT);
    assert_eq!(upload(&identity, Some(7), b"stale").await, StatusCode::CONFLICT);
    let forged = testkit::Identity { token: "forged".into(), ..identity.clone() };
    assert_eq!(upload(&forged, Some(1), b"forged").await, StatusCode::UNAUTHORIZED);
    assert_eq!(studio.api.job(&job).await["state"], "running");
    assert_eq!(upload(&identity, Some(1), b"first").await, StatusCode::OK);
    assert_eq!(upload(&identity, Some(1), b"second").await, StatusCode::CONFLICT);
    assert_eq!(studio.api.artefact(&job).await, b"first");
    let kept = studio.state.artefacts.keys().await.unwrap();
    assert_eq!(kept.len(), 1, "{kept:?}");
}

#[tokio::test]
async fn uploads_that_are_incomplete_or_too_large_change_nothing() {
    let studio = Served::with(|settings| settings.max_artefact_bytes = 1_000_000).await;
    let (identity, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let job = studio.submit_image().await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    studio.until(&job, "running").await;
    let url = format!("{}/graphics/api/workers/{}/jobs/{job}/complete", studio.url, identity.worker_id);
    let post = async |form: reqwest::multipart::Form| {
        let request = reqwest::Client::new().post(&url).bearer_auth(&identity.token).multipart(form);
        request.send().await.unwrap()
    };
    let image = || reqwest::multipart::Part::bytes(b"x".to_vec()).file_name("x.png");
    let form = reqwest::multipart::Form::new;
    for (missing, form) in [
        ("prompt", form().text("ext", "png").part("image", image())),
        ("ext", form().text("prompt", "p").part("image", image())),
        ("image", form().text("prompt", "p").text("ext", "png")),
        ("ext", form().text("prompt", "p").text("ext", "../../x").part("image", image())),
        (
            "generationMeta",
            form().text("prompt", "p").text("generationMeta", "{").text("ext", "png").part("image", image()),
        ),
    ] {
        let answer = post(form).await;
        assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "{missing}");
        let body = answer.text().await.unwrap();
        assert!(body.contains(missing), "{missing}: {body}");
    }
    let large = reqwest::multipart::Part::bytes(vec![7; 1_000_001]).file_name("x.png");
    let answer = post(form().text("prompt", "p").text("ext", "png").part("image", large)).await;
    assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(studio.api.job(&job).await["state"], "running");
    assert!(studio.state.artefacts.keys().await.unwrap().is_empty());
    assert_eq!(
        studio.raw.upload(&identity, &job, None, "png", b"good".to_vec()).await.status,
        StatusCode::OK
    );
}

#[tokio::test]
async fn an_upload_while_the_socket_is_away_is_taken() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let job = studio.submit_image().await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    studio.until(&job, "running").await;
    session.cut();
    assert_eq!(
        studio.raw.upload(&identity, &job, None, "png", b"late".to_vec()).await.status,
        StatusCode::OK
    );
    studio.until(&job, "done").await;
}

#[tokio::test]
async fn the_older_of_two_sockets_is_closed_for_good() {
    let studio = Served::start().await;
    let (identity, mut older) = studio.worker(&RawWorker::synthetic()).await;
    let mut newer = studio.raw.session(&identity, &RawWorker::synthetic()).await;
    let (code, reason) = older.expect_close(SOON).await;
    assert_eq!(code, 4003, "{reason}");
    newer.heartbeat(&RawWorker::synthetic(), None).await;
    let worker = studio.api.get(&format!("/workers/{}", identity.worker_id)).await;
    assert_eq!(worker["online"], true, "{worker}");
}

#[tokio::test]
async fn a_removed_worker_is_closed_and_its_job_waits_again() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    studio.api.delete(&format!("/workers/{}", identity.worker_id)).await;
    assert_eq!(session.expect_close(SOON).await.0, 4004);
    assert_eq!(studio.api.job(&job).await["state"], "queued");
}

#[tokio::test]
async fn jobs_that_a_worker_does_not_hold_are_none_of_its_business() {
    let studio = Served::start().await;
    let job = studio.submit_image().await;
    for frame in [
        json!({"type": "accept", "jobId": job}),
        json!({"type": "fail", "jobId": job, "error": "e", "retryable": false}),
        json!({"type": "completeJson", "jobId": job, "result": {}}),
        json!({"type": "accept", "jobId": "job-nobody"}),
    ] {
        let mut capabilities = RawWorker::synthetic();
        capabilities.auto_enabled = false;
        let (_, mut session) = studio.worker(&capabilities).await;
        session.send_json(frame.clone()).await;
        assert_eq!(session.expect_close(SOON).await.0, 4002, "{frame}");
    }
    assert_eq!(studio.api.job(&job).await["state"], "queued");
}

#[tokio::test]
async fn a_cancelled_job_is_stopped_on_the_worker() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job, "attempt": 1})).await;
    studio.until(&job, "running").await;
    studio.api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    let told = session.expect("cancel", |frame| {
        if let StudioFrame::Cancel(cancel) = frame { Some(cancel.job_id) } else { None }
    });
    assert_eq!(told.await.as_str(), job);
    session
        .send_json(
            json!({"type": "fail", "jobId": job, "error": "cancelled", "retryable": false, "attempt": 1}),
        )
        .await;
    let ack =
        session.expect(
            "failAck",
            |frame| if let StudioFrame::FailAck(ack) = frame { Some(ack.stale) } else { None },
        );
    assert!(ack.await);
    assert_eq!(studio.api.job(&job).await["state"], "cancelled");
}

#[tokio::test]
async fn progress_is_seen_and_logs_are_kept_with_the_job() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job, "attempt": 1})).await;
    let progress =
        json!({"type": "progress", "jobId": job, "attempt": 1, "step": 3, "steps": 8, "stage": "running"});
    session.send_json(progress).await;
    let entry = json!({"ts": "2026-05-25T12:00:00.000Z", "level": "info", "category": "engine", "message": "hm", "jobId": job});
    let foreign = json!({"ts": "2026-05-25T12:00:00.000Z", "level": "info", "category": "engine", "message": "psst", "jobId": "job-x"});
    session.send_json(json!({"type": "logBatch", "entries": [entry, foreign]})).await;
    testkit::wait_until("the progress is seen", SOON, async || {
        studio.api.job(&job).await["progress"]["step"] == 3
    })
    .await;
    testkit::wait_until("the log is kept", SOON, async || {
        let logs = studio.api.get(&format!("/jobs/{job}/logs")).await;
        logs.to_string().contains("hm") && !logs.to_string().contains("psst")
    })
    .await;
}

#[tokio::test]
async fn a_studio_that_stops_says_so_and_keeps_the_claim() {
    let studio = Served::start().await;
    let (_, mut session) = studio.worker(&ours()).await;
    let job = studio.submit_chat().await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job, "attempt": 1})).await;
    studio.until(&job, "running").await;
    studio.state.tasks.stop_softly();
    assert_eq!(session.expect_close(SOON).await.0, 1001);
    let detail = studio.api.job(&job).await;
    assert_eq!(detail["state"], "running");
    assert!(studio.home.path().exists());
}
