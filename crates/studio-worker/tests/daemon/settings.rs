//! Settings through the local API: all or nothing, and in use at once.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use worker_local::{ClientError, ConfigChange, Problem};

use crate::support::{Peer, Studio, TestWorker, approved_config, chat, client};

const OURS: &[&str] = &["progress", "resume", "release", "slots", "control", "goodbye", "lease"];

fn change(pairs: &[(&str, Value)]) -> ConfigChange {
    let changes: BTreeMap<String, Value> =
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    ConfigChange { changes }
}

fn refused(error: ClientError) -> Problem {
    match error {
        ClientError::Refused(problem) => problem,
        other => panic!("{other}"),
    }
}

/// The next frame of a type, which must come well before the next heartbeat that is due anyway.
async fn at_once(peer: &mut Peer, wanted: &str) -> Value {
    tokio::time::timeout(Duration::from_secs(2), peer.expect(wanted)).await.expect("it comes at once")
}

#[tokio::test]
async fn a_change_is_in_the_file_and_in_the_next_heartbeat_which_is_now() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&format!("# mine\n{}", approved_config(&studio)));
    let mut peer = studio.session(OURS).await;
    let client = client(&worker.path("")).await;
    // Past the heartbeats of the start.
    while tokio::time::timeout(Duration::from_millis(500), peer.expect("heartbeat")).await.is_ok() {
        peer.send(json!({"type": "heartbeatAck"})).await;
    }
    let view = client.change_config(&change(&[("vram_threshold_gb", json!(3.5))])).await.unwrap();
    let heartbeat = at_once(&mut peer, "heartbeat").await;
    assert_eq!(heartbeat["capabilities"]["vramThresholdGb"], 3.5);
    let setting = view.settings.iter().find(|setting| setting.key == "vram_threshold_gb").unwrap();
    assert_eq!((&setting.value, setting.live), (&Some(json!(3.5)), true));
    assert!((client.status(None).await.unwrap().memory.threshold_gb - 3.5).abs() < 1e-9);
    let text = worker.config();
    assert!(text.starts_with("# mine\n") && text.contains("vram_threshold_gb = 3.5"), "{text}");
    let view = client.change_config(&change(&[("vram_threshold_gb", Value::Null)])).await.unwrap();
    let setting = view.settings.iter().find(|setting| setting.key == "vram_threshold_gb").unwrap();
    assert_eq!(setting.value, None);
}

#[tokio::test]
async fn what_is_wrong_is_told_by_key_and_nothing_is_changed() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker.path("")).await;
    let before = worker.config();
    let wrong = change(&[
        ("slots", json!(0)),
        ("paused", json!("perhaps")),
        ("auth_token", json!("x")),
        ("no_such_key", json!(1)),
        ("vram_threshold_gb", json!(4)),
    ]);
    let problem = refused(client.change_config(&wrong).await.unwrap_err());
    assert_eq!((problem.status, problem.code.as_str()), (422, "invalidSettings"));
    let keys: Vec<&str> = problem.problems.iter().map(|problem| problem.key.as_str()).collect();
    assert_eq!(keys, ["auth_token", "no_such_key", "paused", "slots"]);
    assert_eq!(worker.config(), before);
    fs::write(worker.path("config.toml"), "paused = maybe\n").unwrap();
    let problem = refused(client.change_config(&change(&[("slots", json!(2))])).await.unwrap_err());
    assert!(problem.status == 409 && problem.detail.contains("line 1"), "{problem:?}");
    assert_eq!(worker.config(), "paused = maybe\n", "a file that somebody edits is left alone");
}

#[tokio::test]
async fn more_slots_are_used_at_once_and_the_rest_waits_for_a_restart() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    let client = client(&worker.path("")).await;
    let wanted = change(&[
        ("slots", json!(2)),
        ("disk_cap_gb", json!(50)),
        ("model_idle_secs", json!(60)),
        ("remote_control", json!(false)),
        ("engine_threads", json!(3)),
        ("log_dir", json!("/elsewhere")),
    ]);
    let view = client.change_config(&wanted).await.unwrap();
    assert_eq!(view.restart_needed, ["log_dir", "engine_threads"]);
    drop(peer.closed().await);
    let mut peer = studio.session(OURS).await;
    assert_eq!(peer.first_heartbeat["capabilities"]["slots"]["llm"], 2);
    let features = peer.first_heartbeat["capabilities"]["features"].as_array().unwrap();
    assert!(features.contains(&json!("slots")) && !features.contains(&json!("control")), "{features:?}");
    assert_eq!(client.models().await.unwrap().disk.cap_bytes, Some(50 << 30));
    for job in ["job-1", "job-2"] {
        peer.offer(crate::support::slow_chat(job, 2_000)).await;
        assert_eq!(peer.expect("accept").await["jobId"], job);
    }
    peer.offer(chat("job-3")).await;
    assert_eq!(peer.expect("reject").await["code"], "busy");
}

#[tokio::test]
async fn a_studio_that_moved_is_found_at_its_new_address() {
    let mut old = Studio::start().await;
    let mut new = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&old));
    let mut peer = old.session(OURS).await;
    let client = client(&worker.path("")).await;
    client.change_config(&change(&[("api_base_url", json!(new.url()))])).await.unwrap();
    peer.closed().await;
    new.session(OURS).await;
    let status = client.status(None).await.unwrap();
    assert_eq!(status.api_base_url, new.url());
}

#[tokio::test]
async fn a_change_by_hand_is_taken_up_too_and_a_variable_is_said_to_win() {
    let mut studio = Studio::start().await;
    let program = crate::support::Program::new(Some(&approved_config(&studio)));
    let mut command = program.command(&["run"]);
    let mut running = command.env("STUDIO_WORKER_SLOTS", "3").spawn().unwrap();
    let mut peer = studio.session(OURS).await;
    let client = client(program.dir.path()).await;
    let view = client.config().await.unwrap();
    let slots = view.settings.iter().find(|setting| setting.key == "slots").unwrap();
    assert_eq!(slots.overridden_by.as_deref(), Some("STUDIO_WORKER_SLOTS"));
    assert_eq!(slots.value, Some(json!(3)));
    let problem = refused(client.change_config(&change(&[("slots", json!(2))])).await.unwrap_err());
    assert!(problem.problems[0].problem.contains("STUDIO_WORKER_SLOTS"), "{problem:?}");
    let path = program.path("config.toml");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("vram_threshold_gb = 2.5\n{text}")).unwrap();
    while peer.expect("heartbeat").await["capabilities"]["vramThresholdGb"] != 2.5 {
        peer.send(json!({"type": "heartbeatAck"})).await;
    }
    running.kill().await.unwrap();
}
