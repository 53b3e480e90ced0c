//! Connecting, heartbeats, and every way a session ends. Time is paused.

use std::time::Duration;

use serde_json::json;
use studio_worker::Exit;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::support::{Answer, Studio, TestWorker, approved_config, until};

#[tokio::test(start_paused = true)]
async fn hello_then_heartbeats_every_five_seconds() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.connection().await;
    let hello = peer.next().await;
    let said = &hello["capabilities"];
    assert_eq!(said["modelEngines"], json!(["synthetic"]));
    assert_eq!(
        (&said["autoEnabled"], &said["agentVersion"]),
        (&json!(true), &json!(env!("CARGO_PKG_VERSION")))
    );
    assert!(said["features"].as_array().unwrap().contains(&json!("lease")));
    assert!(
        said["vramThresholdGb"].as_f64().unwrap() > 0.0 && !said["machineName"].as_str().unwrap().is_empty()
    );
    assert!(said.get("userPresence").is_none() && said.get("slots").is_none());
    peer.welcome(&[]).await;
    let first = peer.next().await;
    assert_eq!(first["type"], "heartbeat", "right after the welcome");
    assert!(
        first["capabilities"].is_object()
            && first.get("currentJobId").is_none()
            && first.get("heldJobs").is_none()
    );
    for _ in 0..4 {
        let before = Instant::now();
        peer.send(json!({"type": "heartbeatAck"})).await;
        assert_eq!(peer.next().await["type"], "heartbeat");
        let gap = before.elapsed();
        assert!(gap > Duration::from_millis(4_900) && gap < Duration::from_millis(5_100), "{gap:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_count_as_frames() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    let start = Instant::now();
    let ended = async {
        loop {
            tokio::select! {
                frame = peer.next_or_close() => if let Err(close) = frame { break close },
                () = tokio::time::sleep(Duration::from_secs(3)) => peer.ping().await,
            }
        }
    };
    assert_eq!(ended.await, Some((1000, "session ended".to_owned())));
    let after = start.elapsed();
    assert!(after >= Duration::from_secs(19) && after < Duration::from_secs(22), "{after:?}");
    studio.connection().await;
}

#[tokio::test(start_paused = true)]
async fn a_studio_that_never_welcomes_is_left_after_twenty_seconds() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.connection().await;
    let start = Instant::now();
    assert_eq!(peer.next().await["type"], "hello");
    let (frames, close) = peer.closed().await;
    assert!(frames.is_empty(), "nothing before the welcome: {frames:?}");
    assert_eq!(close, Some((1000, "session ended".to_owned())));
    assert!(start.elapsed() >= Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_that_nobody_answers_is_given_up_after_fifteen_seconds() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = format!(
        "api_base_url = \"http://{}\"\ninstall_id = \"i\"\nworker_id = \"w-1\"\nauth_token = \"tok\"\n",
        listener.local_addr().unwrap()
    );
    let _worker = TestWorker::start(&config);
    let (_first, _) = listener.accept().await.unwrap();
    let start = Instant::now();
    let (_second, _) = listener.accept().await.unwrap();
    let after = start.elapsed();
    assert!(after >= Duration::from_secs(15) && after < Duration::from_secs(17), "{after:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_ends_the_worker_and_keeps_the_config() {
    let studio = Studio::start().await;
    studio.refuse_upgrades(Some(Answer::of(401, "")));
    let mut worker = TestWorker::start(&approved_config(&studio));
    assert_eq!(worker.exit().await, Exit::AuthFailed);
    assert!(worker.config().contains("auth_token = \"tok\""));
    assert_eq!(studio.upgrades().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_registration_is_cleared_and_asked_anew_at_once() {
    let studio = Studio::start().await;
    studio.refuse_upgrades(Some(Answer::of(404, "no such worker")));
    studio.answer(|_| Answer::json(json!({"requestId": "rr-2", "status": "pending"})));
    let start = Instant::now();
    let worker = TestWorker::start(&approved_config(&studio));
    let request = studio.requested(1).await.remove(0);
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_ne!(request.json()["installId"], "install-0");
    let text =
        until("the new request is saved", || Some(worker.config()).filter(|text| text.contains("rr-2")))
            .await;
    assert!(!text.contains("auth_token") && !text.contains("install-0"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn other_answers_to_the_upgrade_are_retried_and_shown() {
    let mut studio = Studio::start().await;
    studio.refuse_upgrades(Some(Answer::of(503, "starting up, come back")));
    let worker = TestWorker::start(&approved_config(&studio));
    until("three attempts", || (studio.upgrades().len() >= 3).then_some(())).await;
    let shown = || std::fs::read_to_string(worker.path("status.json")).ok();
    until("the reason is shown", || shown().filter(|text| text.contains("503: starting up, come back")))
        .await;
    studio.refuse_upgrades(None);
    studio.session(&[]).await;
}

#[tokio::test(start_paused = true)]
async fn every_close_code_has_its_end() {
    for (code, exit) in [
        (4001, Some(Exit::AuthFailed)),
        (4003, Some(Exit::DuplicateWorker)),
        (1000, None),
        (1001, None),
        (1011, None),
        (4002, None),
    ] {
        let mut studio = Studio::start().await;
        let mut worker = TestWorker::start(&approved_config(&studio));
        studio.session(&[]).await.close(code).await;
        if let Some(exit) = exit {
            assert_eq!(worker.exit().await, exit, "{code}");
        } else {
            studio.session(&[]).await;
        }
        assert!(worker.config().contains("auth_token = \"tok\""), "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_deleted_worker_registers_anew() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::json(json!({"requestId": "rr-2", "status": "pending"})));
    let worker = TestWorker::start(&approved_config(&studio));
    studio.session(&[]).await.close(4004).await;
    assert_ne!(studio.requested(1).await[0].json()["installId"], "install-0");
    until("credentials are cleared", || (!worker.config().contains("auth_token")).then_some(())).await;
}

#[tokio::test(start_paused = true)]
async fn an_error_frame_does_the_same_and_is_answered_with_a_close() {
    for (code, exit, reason) in [
        ("auth_failed", Some(Exit::AuthFailed), "auth failed"),
        ("duplicate_worker", Some(Exit::DuplicateWorker), "session ended"),
        ("protocol_violation", None, "protocol violation"),
        ("internal_error", None, "session ended"),
        ("never_heard_of", None, "session ended"),
    ] {
        let mut studio = Studio::start().await;
        let mut worker = TestWorker::start(&approved_config(&studio));
        let mut peer = studio.session(&[]).await;
        peer.send(json!({"type": "error", "code": code, "message": "because"})).await;
        let (_, close) = peer.closed().await;
        assert_eq!(close, Some((1000, reason.to_owned())), "{code}");
        if let Some(exit) = exit {
            assert_eq!(worker.exit().await, exit, "{code}");
        } else {
            studio.session(&[]).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn the_attempts_that_the_owner_allows_are_spent() {
    let studio = Studio::start().await;
    studio.refuse_upgrades(Some(Answer::of(502, "")));
    let mut worker = TestWorker::start(&format!("{}ws_reconnect_attempts = 2\n", approved_config(&studio)));
    assert_eq!(worker.exit().await, Exit::ReconnectsSpent);
    assert_eq!(studio.upgrades().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_ends_the_session_and_what_is_unknown_does_not() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    peer.send(json!({"type": "futureFrame", "x": [1, 2]})).await;
    assert_eq!(peer.expect("heartbeat").await["type"], "heartbeat");
    peer.send(json!({"type": "completeAck"})).await;
    let (_, close) = peer.closed().await;
    assert_eq!(close, Some((1000, "protocol violation".to_owned())));
    let mut peer = studio.session(&[]).await;
    peer.send_text("{\"type\": \"heartb").await;
    let (_, close) = peer.closed().await;
    assert_eq!(close, Some((1000, "protocol violation".to_owned())));
}

#[tokio::test(start_paused = true)]
async fn a_signal_says_goodbye_where_it_is_understood() {
    for (features, last) in [(&["goodbye"][..], Some("goodbye")), (&[], None)] {
        let mut studio = Studio::start().await;
        let mut worker = TestWorker::start(&approved_config(&studio));
        let mut peer = studio.session(features).await;
        worker.signal();
        let (frames, close) = peer.closed().await;
        assert_eq!(frames.last().and_then(|frame| frame["type"].as_str()), last);
        assert_eq!(close, Some((1000, "session ended".to_owned())));
        assert_eq!(worker.exit().await, Exit::Clean);
    }
}
