//! What a job needs before it can run: model files and inputs, fetched from the studio and from elsewhere.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::net::TcpListener;

use crate::support::{Answer, Peer, Studio, TestWorker, approved_config, chat, until};

const OURS: &[&str] =
    &["progress", "cancel", "lease", "resume", "release", "slots", "goodbye", "control", "options"];
const WEIGHTS: &str = "these are the weights";

fn with_file(mut claim: Value, url: &str, sha256: &str) -> Value {
    claim["modelSource"]["files"] = json!([
        {"role": "model", "url": url, "filename": "m.bin", "approxBytes": WEIGHTS.len(), "sha256": sha256}
    ]);
    claim
}

fn hash(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}

/// The next frame of this type; heartbeats are acknowledged, others are passed over.
async fn until_frame(peer: &mut Peer, wanted: &str, holds: impl Fn(&Value) -> bool) -> Value {
    loop {
        let frame = peer.next().await;
        if frame["type"] == "heartbeat" {
            peer.send(json!({"type": "heartbeatAck"})).await;
        }
        if frame["type"] == wanted && holds(&frame) {
            return frame;
        }
    }
}

#[tokio::test]
async fn a_models_files_are_fetched_once_and_told_in_the_heartbeat() {
    let mut studio = Studio::start().await;
    studio.answer(|request| {
        assert_eq!(
            request.header("authorization").as_deref(),
            Some("Bearer tok"),
            "the studio knows its worker"
        );
        Answer::of(200, WEIGHTS)
    });
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    let url = format!("{}/graphics/api/workers/w-1/models/synthetic/files/m.bin", studio.url());
    for job in ["job-1", "job-2"] {
        peer.offer(with_file(chat(job), &url, &hash(WEIGHTS))).await;
        if job == "job-1" {
            let report = until_frame(&mut peer, "progress", |frame| frame["stage"] == "downloading").await;
            assert_eq!(report["totalBytes"], WEIGHTS.len());
        }
        until_frame(&mut peer, "completeJson", |frame| frame["jobId"] == job).await;
        peer.acknowledge(job).await;
    }
    let file = worker.path("models").join("synthetic").join("m.bin");
    assert_eq!(std::fs::read_to_string(file).unwrap(), WEIGHTS);
    assert_eq!(studio.requests().len(), 1, "{:?}", studio.requests());
    let heartbeat = until_frame(&mut peer, "heartbeat", |frame| {
        frame["capabilities"]["presentModels"] == json!(["synthetic"])
    })
    .await;
    assert_eq!(heartbeat["capabilities"]["loadedModels"], json!(["synthetic"]));
    assert!(heartbeat["capabilities"]["modelSpeeds"]["synthetic"].as_f64().is_some_and(|speed| speed > 0.0));
}

#[tokio::test]
async fn files_that_are_not_what_was_promised_fail_the_job_in_words() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, "something else entirely"));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    peer.offer(with_file(chat("job-1"), &format!("{}/m.bin", studio.url()), &hash(WEIGHTS))).await;
    let fail = until_frame(&mut peer, "fail", |_| true).await;
    let error = fail["error"].as_str().unwrap();
    assert!(error.contains(&hash(WEIGHTS)), "{error}");
    assert!(!worker.path("models").join("synthetic").join("m.bin").exists());
    peer.send(json!({"type": "failAck", "jobId": "job-1"})).await;
    peer.offer(chat("job-2")).await;
    until_frame(&mut peer, "completeJson", |frame| frame["jobId"] == "job-2").await;
}

#[tokio::test]
async fn a_download_that_is_called_off_ends_at_once() {
    let mut studio = Studio::start().await;
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    // It takes the connection and never says a word.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/m.bin", silent.local_addr().unwrap());
    peer.offer(with_file(chat("job-1"), &url, &hash(WEIGHTS))).await;
    let (connection, _) = silent.accept().await.unwrap();
    let asked = std::time::Instant::now();
    peer.send(json!({"type": "cancel", "jobId": "job-1", "reason": "changed my mind"})).await;
    let fail = until_frame(&mut peer, "fail", |_| true).await;
    assert_eq!((fail["error"].as_str(), fail["retryable"].as_bool()), (Some("cancelled"), Some(false)));
    assert!(asked.elapsed() < std::time::Duration::from_secs(2), "{:?}", asked.elapsed());
    drop(connection);
}

#[tokio::test]
async fn inputs_are_fetched_and_a_missing_one_is_named() {
    let mut studio = Studio::start().await;
    studio.answer(|request| match request.path.as_str() {
        "/there.wav" => Answer::of(200, "RIFF"),
        _ => Answer::of(404, "no"),
    });
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    let recording = |job: &str, url: &str| {
        let mut claim = chat(job);
        claim["model"] = json!("synthetic-stt");
        claim["task"] = json!({"kind": "audio_stt", "inputUrl": url});
        claim
    };
    peer.offer(recording("job-1", &format!("{}/there.wav", studio.url()))).await;
    until_frame(&mut peer, "completeJson", |frame| frame["jobId"] == "job-1").await;
    peer.acknowledge("job-1").await;
    peer.offer(recording("job-2", "data:audio/wav;base64,UklGRg==")).await;
    until_frame(&mut peer, "completeJson", |frame| frame["jobId"] == "job-2").await;
    peer.acknowledge("job-2").await;
    peer.offer(recording("job-3", &format!("{}/missing.wav", studio.url()))).await;
    let fail = until_frame(&mut peer, "fail", |_| true).await;
    assert!(fail["error"].as_str().unwrap().contains("missing.wav"), "{fail}");
}

#[tokio::test]
async fn an_operator_loads_and_unloads_a_model() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, WEIGHTS));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    let source =
        with_file(chat("-"), &format!("{}/m.bin", studio.url()), &hash(WEIGHTS))["modelSource"].clone();
    peer.send(
        json!({"type": "loadModel", "model": "synthetic", "modelSource": source, "vramGbEstimate": 0.0}),
    )
    .await;
    let loaded = |wanted: Value| move |frame: &Value| frame["capabilities"]["loadedModels"] == wanted;
    until_frame(&mut peer, "heartbeat", loaded(json!(["synthetic"]))).await;
    peer.send(json!({"type": "unloadModel", "model": "synthetic"})).await;
    until_frame(&mut peer, "heartbeat", loaded(Value::Null)).await;
    // Its files are known here by now.
    peer.send(json!({"type": "loadModel", "model": "synthetic"})).await;
    until_frame(&mut peer, "heartbeat", loaded(json!(["synthetic"]))).await;
    until("its file", || worker.path("models/synthetic/m.bin").exists().then_some(())).await;
}
