//! Whoever sends nonsense is answered as the protocol says, and the honest workers beside go on working.

use std::time::Duration;

use e2e::{SOON, Story, chat, outcomes, picture};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use studio_protocol::MAX_FRAME_BYTES;
use testkit::{Identity, RawWorker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const HONEST_JOBS: usize = 120;
/// Frames of one hostile session after another; the studio ends each of them.
const SEVENTEEN_MIB: usize = 17 * 1024 * 1024;
/// Connections that send half a request and stay.
const HALF_OPEN: usize = 150;

#[tokio::test]
async fn honest_workers_are_not_disturbed_by_hostile_ones() {
    let story = Story::begin().await;
    let first = story.worker("attic").await;
    let second = story.worker("cellar").await;
    let raw = RawWorker::new(&story.studio.url());
    let code = story.api.join_code(1).await;
    let hostile = raw.join(&RawWorker::synthetic(), &code).await;
    // A hostile worker must not be offered jobs: it would keep them.
    story.api.patch(&format!("/workers/{}", hostile.worker_id), &json!({"paused": true})).await;
    let held = story.running(picture("a slow fox [[delay=8000]]")).await;
    let jobs = (0..HONEST_JOBS).map(|n| {
        if n % 2 == 0 { chat(&format!("{n} [[delay=40]]")) } else { picture(&format!("{n} [[delay=40]]")) }
    });
    let batch = story.api.submit_batch("honest", jobs.collect()).await;

    let honest = story.api.until_done(&batch, HONEST_JOBS as u64, Duration::from_mins(2));
    let attack = async {
        let _half_open = half_open(&story).await;
        nonsense_frames(&raw, &hostile, &held).await;
        nonsense_requests(&story, &raw, &hostile, &held).await;
        registrations(&raw).await;
    };
    tokio::join!(honest, attack);

    let jobs = story.api.jobs(&format!("batch={batch}")).await;
    for job in &jobs {
        let job = story.api.job(job["id"].as_str().expect("an id")).await;
        assert_eq!(outcomes(&job), ["done"], "{job}");
    }
    assert_eq!(outcomes(&story.until(&held, "done").await), ["done"]);
    for worker in [&first, &second] {
        assert!(!worker.log().contains("reconnect"), "{}", worker.log());
    }
    let log = story.studio.log();
    assert!(!log.contains("panicked"), "{log}");
    assert_eq!(log.matches("worker connected").count() - hostile_sessions(), 2, "honest sessions went on");
}

/// Sessions that the hostile worker got open: one for each of its frames.
fn hostile_sessions() -> usize {
    frames("").len()
}

fn frames(held: &str) -> Vec<Value> {
    vec![
        json!({"type": "accept", "jobId": held}),
        json!({"type": "accept", "jobId": held, "attempt": -1}),
        json!({"type": "fail", "jobId": held, "error": "mine", "retryable": false}),
        json!({"type": "completeJson", "jobId": held, "result": {"stolen": true}}),
        json!({"type": "progress", "jobId": held, "step": 1, "steps": "many"}),
        json!({"type": "heartbeat", "capabilities": {"vramTotalGb": "lots"}}),
        json!({"type": "heartbeat", "capabilities": []}),
        json!({"type": ["hello"]}),
        json!({"jobId": held}),
        json!("hello"),
        json!({"type": "fail", "jobId": held, "error": "x".repeat(SEVENTEEN_MIB), "retryable": true}),
        json!({"type": "someday", "pad": "x".repeat(MAX_FRAME_BYTES)}),
        json!({"type": "hello", "authToken": "again", "capabilities": {}}),
    ]
}

async fn nonsense_frames(raw: &RawWorker, hostile: &Identity, held: &str) {
    for frame in frames(held) {
        let mut session = raw.session(hostile, &RawWorker::synthetic()).await;
        let text = frame.to_string();
        session.send_text(text.clone()).await;
        let (code, reason) = session.expect_close(SOON).await;
        assert_eq!(code, 4002, "{reason}: {text:.120}");
    }
    let nested = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for text in [nested.as_str(), "\u{0}", "{\"type\":\"hello\",", ""] {
        let mut session = raw.connect(hostile).await;
        session.send_text(text).await;
        assert_eq!(session.expect_close(SOON).await.0, 4002, "{text:.40}");
    }
}

async fn nonsense_requests(story: &Story, raw: &RawWorker, hostile: &Identity, held: &str) {
    let complete = format!("/workers/{}/jobs/{held}/complete", hostile.worker_id);
    let large = "x".repeat(SEVENTEEN_MIB);
    for (what, bearer, body, expected) in [
        ("no token", None, None, StatusCode::UNAUTHORIZED),
        ("a wrong token", Some("wrong"), None, StatusCode::UNAUTHORIZED),
        ("not multipart", Some(hostile.token.as_str()), Some("{}".to_owned()), StatusCode::CONFLICT),
        ("17 MiB of something", Some(hostile.token.as_str()), Some(large.clone()), StatusCode::CONFLICT),
    ] {
        let answer = raw.send(Method::POST, &complete, bearer, body).await;
        assert_eq!(answer.status, expected, "{what}: {}", answer.body);
    }
    let stolen = raw.upload(hostile, held, Some(1), "png", vec![0; 1_000_000]).await;
    assert_eq!(stolen.status, StatusCode::CONFLICT, "{}", stolen.body);
    let answer =
        raw.send(Method::POST, "/workers/register-request", None, Some(format!("\"{large}\""))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
    for body in [
        json!({"model": "synthetic"}),
        json!([1, 2]),
        json!({"model": "none", "task": {"kind": "image", "prompt": "a"}}),
    ] {
        let answer =
            story.api.send(story.api.request(Method::POST, "/jobs").json(&body)).await.expect("an answer");
        assert!(answer.status.is_client_error(), "{body}: {} {}", answer.status, answer.body);
        assert!(answer.body["title"].is_string(), "{}", answer.body);
    }
    let stranger = story.api.with_key("wrong");
    let answer = stranger.send(stranger.request(Method::GET, "/jobs")).await.expect("an answer");
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
}

async fn registrations(raw: &RawWorker) {
    let mut refused = 0;
    for _ in 0..40 {
        let body = RawWorker::registration_body(&RawWorker::secret(), &RawWorker::synthetic()).to_string();
        let answer = raw.send(Method::POST, "/workers/register-request", None, Some(body)).await;
        assert!(
            answer.status.is_success() || answer.status == StatusCode::TOO_MANY_REQUESTS,
            "{}",
            answer.status
        );
        refused += usize::from(answer.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused >= 30, "ten a minute: {refused} of 40 were refused");
}

/// Half requests, and bytes that are no HTTP at all.
async fn half_open(story: &Story) -> Vec<TcpStream> {
    let mut open = Vec::new();
    for n in 0..HALF_OPEN {
        let mut stream = TcpStream::connect(story.studio.address()).await.expect("the studio listens");
        let text: &[u8] = match n % 3 {
            0 => b"GET /api/v1/jobs HTTP/1.1\r\nHost: x\r\nX-Half:",
            1 => b"POST /api/v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{",
            _ => b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 not TLS here\r\n\r\n",
        };
        stream.write_all(text).await.expect("a socket can be written");
        open.push(stream);
    }
    let mut answer = Vec::new();
    let garbage = &mut open[2];
    let _ = tokio::time::timeout(SOON, garbage.read_to_end(&mut answer)).await.expect("garbage is answered");
    open
}
