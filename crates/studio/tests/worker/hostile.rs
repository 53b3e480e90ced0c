//! A worker that lies: what it says of itself is text wherever it is shown, and its forms have a shape.

use std::time::Duration;

use futures_util::{StreamExt, stream};
use serde_json::json;
use studio_protocol::{Capabilities, Feature, FeatureSet};
use testkit::{RawWorker, wait_for};

use crate::served::Served;

const SOON: Duration = Duration::from_secs(20);
/// Quotes that leave an attribute, tags, and lines that a log or a page of numbers would take for its own.
const LIE: &str =
    "\"'><img src=x><script>alert(1)</script>\"} 1\nstudio_jobs 99\n\u{1b}[2Jdata: x\n\nevent: y";

fn liar() -> Capabilities {
    Capabilities {
        machine_name: LIE.to_owned(),
        agent_version: LIE.to_owned(),
        model_engines: vec!["synthetic".to_owned(), LIE.to_owned()],
        loaded_models: vec![LIE.to_owned()],
        features: FeatureSet::of(&Feature::ALL),
        ..RawWorker::synthetic()
    }
}

#[tokio::test]
async fn what_a_worker_says_is_text() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&liar()).await;
    let worker = &identity.worker_id;
    let job = studio.submit_chat().await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    let entry = |job: Option<&str>| json!({"ts": "2026-11-24T12:00:00Z", "level": "warn", "category": LIE, "message": LIE, "jobId": job});
    session.send_json(json!({"type": "logBatch", "entries": [entry(None), entry(Some(&job))]})).await;
    session.send_json(json!({"type": "fail", "jobId": job, "error": LIE, "retryable": false})).await;
    studio.until(&job, "failed").await;
    let shown = async |path: &str| {
        let answer = reqwest::Client::new()
            .get(format!("{}{path}", studio.url))
            .bearer_auth(studio.key())
            .header("accept", "text/html")
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.text().await.unwrap()
    };
    let of_worker = format!("/workers/{worker}");
    let page = wait_for("its lines are shown", SOON, async || {
        let page = shown(&of_worker).await;
        page.contains("studio_jobs 99").then_some(page)
    })
    .await;
    let mut pages = vec![(of_worker.clone(), page)];
    for path in ["/", "/workers", "/jobs", "/models", &format!("/jobs/{job}"), "/jobs?state=failed"] {
        pages.push((path.to_owned(), shown(path).await));
    }
    for (path, page) in &pages {
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{path}");
    }
    let shown_somewhere = pages.iter().filter(|(_, page)| page.contains("&lt;script&gt;alert(1)")).count();
    assert!(shown_somewhere >= 3, "shown on {shown_somewhere} pages");
    let numbers = shown("/metrics").await;
    assert!(!numbers.lines().any(|line| line == "studio_jobs 99" || line.starts_with("data:")), "{numbers}");
    let lines = numbers.lines().filter(|line| !line.starts_with('#'));
    for line in lines {
        assert!(line.starts_with("studio_") || line.starts_with("process_"), "a forged line: {line}");
    }
}

/// An upload whose first part never begins is refused after some MiB, whoever sends it.
#[tokio::test]
async fn an_upload_without_shape_is_refused() {
    let studio = Served::start().await;
    let (identity, mut session) = studio.worker(&RawWorker::synthetic()).await;
    let job = studio.submit_image().await;
    assert_eq!(session.offer().await.job_id.as_str(), job);
    session.send_json(json!({"type": "accept", "jobId": job})).await;
    studio.until(&job, "running").await;
    let start = b"--b\r\nContent-Disposition: form-data; name=\"".to_vec();
    let endless = stream::iter([start]).chain(stream::repeat(vec![b'a'; 64 * 1024]));
    let url = format!("{}/graphics/api/workers/{}/jobs/{job}/complete", studio.url, identity.worker_id);
    let sent = reqwest::Client::new()
        .post(url)
        .bearer_auth(&identity.token)
        .header("content-type", "multipart/form-data; boundary=b")
        .body(reqwest::Body::wrap_stream(endless.map(Ok::<_, std::io::Error>)))
        .send();
    let answer = tokio::time::timeout(SOON, sent).await.expect("it is read for ever");
    // The connection may be closed under a sender that does not stop.
    if let Ok(answer) = answer {
        assert!(answer.status().is_client_error(), "{}", answer.status());
    }
    assert_eq!(studio.api.job(&job).await["state"], "running");
    let right = studio.raw.upload(&identity, &job, None, "png", b"\x89PNG".to_vec()).await;
    assert!(right.status.is_success(), "{right:?}");
}
