//! Local jobs beside those of a studio, and how they end.

use std::time::{Duration, Instant};

use model_store::{ModelStore, Settings};
use serde_json::{Value, json};
use studio_protocol::ModelSource;

use super::support::{Program, alone, chat, left, with};
use crate::support::{
    Answer, Peer, Studio, TestWorker, approved_config, chat as studio_chat, is_alive, slow_chat, until,
};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "slots", "goodbye", "control"];
const WEIGHTS: &str = "these are the weights";

async fn answer(peer: &mut Peer, claim: Value) -> Value {
    peer.offer(claim).await;
    peer.until_not(&["progress", "logBatch"]).await
}

#[tokio::test]
async fn a_client_that_goes_away_calls_its_job_off() {
    let worker = alone();
    let program = Program::of(&worker).await;
    for stream in [true, false] {
        let asked = with(chat("[[delay=60000]] slow"), "stream", json!(stream));
        let client = async {
            // A stream has its head at once, and is not read any further.
            let _answer = program.post("/chat/completions", asked).await;
            std::future::pending::<()>().await;
        };
        let running = tokio::select! {
            () = client => unreachable!("it waits"),
            running = program.until_running(1) => running,
        };
        assert_eq!((&running[0]["origin"], &running[0]["kind"]), (&json!("local"), &json!("llm")));
        assert!(running[0]["id"].as_str().unwrap().starts_with("local-"));
        let gone = Instant::now();
        program.until_running(0).await;
        assert!(gone.elapsed() < Duration::from_secs(5), "{:?}", gone.elapsed());
    }
    until("nothing is left", || left(&worker).is_empty().then_some(())).await;
    assert_eq!(program.ask("/chat/completions", chat("still here")).await["object"], "chat.completion");
}

#[tokio::test]
async fn an_engine_that_is_deaf_to_it_is_killed() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let request = program.post("/chat/completions", chat("[[hang]]"));
    let pid = tokio::select! {
        _ = request => panic!("answered"),
        pid = async {
            program.until_running(1).await;
            loop {
                if let Some(pid) = program.engine_pid().await {
                    break pid;
                }
                tokio::task::yield_now().await;
            }
        } => pid,
    };
    program.until_running(0).await;
    until("the engine is killed", || (!is_alive(pid)).then_some(())).await;
    program.ask("/chat/completions", chat("a new one")).await;
}

#[tokio::test]
async fn a_local_job_takes_the_slot_and_the_studios_jobs_go_on_beside_it() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    let program = Program::of(&worker).await;
    let slow = program.post("/chat/completions", chat("[[delay=60000]] mine"));
    let busy = async {
        program.until_running(1).await;
        answer(&mut peer, studio_chat("job-1")).await
    };
    let busy = tokio::select! { _ = slow => panic!("answered"), busy = busy => busy };
    assert_eq!((&busy["type"], &busy["code"]), (&json!("reject"), &json!("busy")), "{busy}");
    program.until_running(0).await;
    // Its own job first: a local one is answered meanwhile, and both are done.
    assert_eq!(answer(&mut peer, slow_chat("job-2", 1_500)).await["type"], "accept");
    program.ask("/chat/completions", chat("beside it")).await;
    let complete = peer.until_not(&["progress", "logBatch"]).await;
    assert_eq!(
        (&complete["type"], &complete["jobId"]),
        (&json!("completeJson"), &json!("job-2")),
        "{complete}"
    );
}

#[tokio::test]
async fn a_pause_keeps_the_studios_jobs_away_and_not_the_owners_own() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&format!("{}paused = true\n", approved_config(&studio)));
    let mut peer = studio.session(OURS).await;
    let program = Program::of(&worker).await;
    program.ask("/chat/completions", chat("mine")).await;
    assert_eq!(answer(&mut peer, studio_chat("job-1")).await["code"], "paused");
}

#[tokio::test]
async fn a_pause_that_frees_the_memory_ends_local_jobs_and_takes_no_more() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let request = program.refused("/chat/completions", chat("[[delay=60000]] slow"));
    tokio::pin!(request);
    tokio::select! {
        _ = &mut request => panic!("answered"),
        _ = program.until_running(1) => {}
    }
    let pause = program.request(reqwest::Method::POST, "/api/v1/pause").bearer_auth(&program.token);
    let ask = json!({"until": {"kind": "resumed"}, "when": "now", "freeMemory": true});
    assert!(pause.json(&ask).send().await.unwrap().status().is_success());
    assert_eq!(request.await.0, 503);
    let (status, retry, error) = program.refused("/chat/completions", chat("more")).await;
    assert!(status == 503 && retry.is_some(), "{error}");
    assert!(error["message"].as_str().unwrap().contains("memory"), "{error}");
}

#[tokio::test]
async fn too_many_are_told_when_to_come_again() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let eight = || with(chat("[[delay=60000]] many"), "n", json!(8));
    let all = async {
        tokio::join!(
            program.post("/chat/completions", eight()),
            program.post("/chat/completions", eight()),
            program.post("/chat/completions", eight()),
            program.post("/chat/completions", eight()),
        )
    };
    let one_more = async {
        program.until_running(32).await;
        program.refused("/chat/completions", chat("one more")).await
    };
    let (status, retry, error) =
        tokio::select! { _ = all => panic!("answered"), refused = one_more => refused };
    assert_eq!(status, 503);
    assert!(retry.unwrap().parse::<u64>().unwrap() >= 1);
    assert!(error["message"].as_str().unwrap().contains("32 jobs"), "{error}");
    program.until_running(0).await;
}

#[tokio::test]
async fn a_model_that_does_not_fit_is_refused_and_the_studios_job_goes_on() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, WEIGHTS));
    let dir = tempfile::tempdir().unwrap();
    let source: ModelSource = serde_json::from_value(json!({
        "engine": "synthetic", "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 8, "height": 8},
        "files": [{"role": "model", "url": format!("{}/m.bin", studio.url()), "filename": "m.bin",
            "approxBytes": WEIGHTS.len()}],
    }))
    .unwrap();
    studio_runtime::install_crypto();
    let store = ModelStore::open(Settings::new(dir.path())).unwrap();
    store.ensure("synthetic-large", &source, |_| ()).await.unwrap();

    let config = format!(
        "{}models_root = \"{}\"\nmemory_reserve_gb = 1000\n",
        approved_config(&studio),
        dir.path().display()
    );
    let worker = TestWorker::start(&config);
    let mut peer = studio.session(OURS).await;
    let program = Program::of(&worker).await;
    let listed = program.get("/v1/models").await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(answer(&mut peer, slow_chat("job-1", 1_000)).await["type"], "accept");
    for stream in [false, true] {
        let asked = with(with(chat("x"), "model", json!("synthetic-large")), "stream", json!(stream));
        let (status, retry, error) = program.refused("/chat/completions", asked).await;
        assert_eq!(status, 503);
        assert!(retry.is_some() && error["message"].as_str().unwrap().contains("does not fit"), "{error}");
    }
    let complete = peer.until_not(&["progress", "logBatch"]).await;
    assert_eq!(
        (&complete["type"], &complete["jobId"]),
        (&json!("completeJson"), &json!("job-1")),
        "{complete}"
    );
}

#[tokio::test]
async fn who_waits_hears_that_the_worker_ends() {
    let mut worker = alone();
    let program = Program::of(&worker).await;
    let request = program.refused("/chat/completions", chat("[[delay=60000]] slow"));
    tokio::pin!(request);
    tokio::select! {
        _ = &mut request => panic!("answered"),
        _ = program.until_running(1) => {}
    }
    worker.signal();
    let (status, _, error) = request.await;
    assert_eq!(status, 503);
    assert!(error["message"].as_str().unwrap().contains("about to end"), "{error}");
    worker.exit().await;
    assert!(left(&worker).is_empty());
}

#[tokio::test]
async fn a_local_job_is_in_the_history_with_its_picture() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let asked = json!({"model": "synthetic", "prompt": "a fox", "size": "64x48"});
    program.ask("/images/generations", asked).await;
    let record = program.until_recorded().await;
    assert_eq!(
        (&record["origin"], &record["end"], &record["kind"]),
        (&json!("local"), &json!("done"), &json!("image"))
    );
    assert_eq!(record["hasThumbnail"], true, "{record}");
    assert_eq!(record["prompt"], "a fox");
}

#[tokio::test]
async fn the_owner_calls_a_local_job_off_and_its_client_is_told() {
    let worker = alone();
    let program = Program::of(&worker).await;
    let request = program.refused("/chat/completions", chat("[[delay=60000]] slow"));
    tokio::pin!(request);
    let running = tokio::select! {
        _ = &mut request => panic!("answered"),
        running = program.until_running(1) => running,
    };
    let path = format!("/api/v1/jobs/{}/release", running[0]["id"].as_str().unwrap());
    let release = program.request(reqwest::Method::POST, &path).bearer_auth(&program.token);
    assert!(release.json(&json!(null)).send().await.unwrap().status().is_success());
    let (status, _, error) = request.await;
    assert!(status == 422 && error["message"].as_str().unwrap().contains("called off"), "{status} {error}");
    let record = program.until_recorded().await;
    assert_eq!((&record["origin"], &record["end"]), (&json!("local"), &json!("cancelled")));
}

#[tokio::test]
async fn an_end_after_the_jobs_waits_for_local_ones() {
    let mut worker = alone();
    let program = Program::of(&worker).await;
    let request = program.ask("/chat/completions", chat("[[delay=700]] slow"));
    tokio::pin!(request);
    tokio::select! {
        _ = &mut request => panic!("answered"),
        _ = program.until_running(1) => {}
    }
    let shutdown = program.request(reqwest::Method::POST, "/api/v1/shutdown").bearer_auth(&program.token);
    shutdown.json(&json!({"afterJobs": true})).send().await.unwrap();
    let (status, _, _) = program.refused("/chat/completions", chat("too late")).await;
    assert_eq!(status, 503);
    assert_eq!(request.await["object"], "chat.completion");
    worker.exit().await;
}
