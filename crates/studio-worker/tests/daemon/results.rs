//! Results on their way: uploads, the spool, restarts.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use crate::support::{
    Answer, Peer, Request, Studio, TestWorker, approved_config, chat, picture, until, with_attempt,
};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye"];

async fn make(peer: &mut Peer, claim: serde_json::Value) {
    peer.offer(claim).await;
    peer.expect("accept").await;
}

fn uploads(studio: &Studio) -> Vec<Request> {
    studio.requests().into_iter().filter(|request| request.path.ends_with("/complete")).collect()
}

#[tokio::test]
async fn a_picture_is_uploaded_as_the_protocol_says() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, "{}"));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, with_attempt(picture("job-1"), 2)).await;
    let upload = studio.requested(1).await.remove(0);
    assert_eq!(
        (upload.method.as_str(), upload.path.as_str()),
        ("POST", "/graphics/api/workers/w-1/jobs/job-1/complete")
    );
    assert_eq!(upload.header("authorization").unwrap(), "Bearer tok");
    assert_eq!(upload.header("x-job-attempt").unwrap(), "2");
    let parts = upload.parts();
    let names: Vec<&str> = parts.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(names, ["prompt", "ext", "image"]);
    assert_eq!(parts[0].2, "ein Füchschen \"im\" Wald".as_bytes());
    assert_eq!(parts[1].2, b"png");
    assert!(
        parts[2].1.contains("filename=\"job-1.png\"") && parts[2].1.contains("image/png"),
        "{}",
        parts[2].1
    );
    assert!(parts[2].2.starts_with(b"\x89PNG"));
    assert_eq!(parts[2].2[16..24], [0, 0, 0, 64, 0, 0, 0, 48], "the size that was asked for");
    until("the spool is empty", || worker.spool().is_empty().then_some(())).await;
    until("the work folder is empty", || {
        fs::read_dir(worker.path("work")).map_or(true, |mut all| all.next().is_none()).then_some(())
    })
    .await;
    // No frame follows an upload.
    peer.send(json!({"type": "cancel", "jobId": "job-none", "reason": ""})).await;
    make(&mut peer, chat("job-2")).await;
}

#[tokio::test]
async fn without_a_lease_the_upload_names_no_attempt() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(204, ""));
    let _worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(&[]).await;
    make(&mut peer, picture("job-1")).await;
    assert_eq!(studio.requested(1).await[0].header("x-job-attempt"), None);
}

#[tokio::test]
async fn a_busy_studio_gets_the_upload_again() {
    let mut studio = Studio::start().await;
    let tries = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&tries);
    studio.answer(move |_| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Answer::of(503, "busy"),
        1 => Answer::of(500, ""),
        _ => Answer::of(200, ""),
    });
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, with_attempt(picture("job-1"), 1)).await;
    studio.requested(3).await;
    until("the spool is empty", || worker.spool().is_empty().then_some(())).await;
    assert_eq!(tries.load(Ordering::Relaxed), 3);
    let bodies: Vec<_> = uploads(&studio).iter().map(|upload| upload.parts()[2].2.clone()).collect();
    assert!(bodies.windows(2).all(|pair| pair[0] == pair[1]));
}

#[tokio::test]
async fn a_conflict_is_the_end_of_a_result_without_another_word() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(409, "not yours any more"));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, with_attempt(picture("job-1"), 1)).await;
    studio.requested(1).await;
    until("the spool is empty", || worker.spool().is_empty().then_some(())).await;
    // `expect` fails on any frame but the wanted one and logs.
    make(&mut peer, chat("job-2")).await;
    peer.expect("completeJson").await;
    assert_eq!(uploads(&studio).len(), 1);
}

#[tokio::test]
async fn a_refused_upload_fails_its_job() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(413, "too large"));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, with_attempt(picture("job-1"), 1)).await;
    let fail = peer.expect("fail").await;
    assert_eq!(fail["retryable"], false);
    assert!(fail["error"].as_str().unwrap().contains("413 too large"), "{fail}");
    until("the spool is empty", || worker.spool().is_empty().then_some(())).await;
}

#[tokio::test]
async fn results_survive_two_kills_while_the_studio_is_away() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(503, "going down"));
    let address = studio.address;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, with_attempt(picture("job-1"), 1)).await;
    studio.requested(1).await;
    make(&mut peer, with_attempt(chat("job-2"), 4)).await;
    let result = peer.expect("completeJson").await["result"].clone();
    drop((peer, studio));
    let mut dir = worker.kill().await;
    for _ in 0..2 {
        let worker = TestWorker::start_in(dir);
        until("both are there", || {
            (worker.spool() == ["job-1.json", "job-1.png", "job-2.json"]).then_some(())
        })
        .await;
        dir = worker.kill().await;
    }
    let mut studio = Studio::start_at(address).await;
    studio.answer(|_| Answer::of(200, ""));
    let worker = TestWorker::start_in(dir);
    let mut peer = studio.session(OURS).await;
    let heartbeat = &peer.first_heartbeat;
    assert_eq!(heartbeat["heldJobs"], json!(["job-1", "job-2"]));
    assert!(heartbeat.get("currentJobId").is_none());
    let again = peer.expect("completeJson").await;
    assert_eq!((&again["result"], &again["attempt"]), (&result, &json!(4)));
    peer.acknowledge("job-2").await;
    let upload = studio.requested(1).await.remove(0);
    assert_eq!(upload.header("x-job-attempt").unwrap(), "1");
    assert!(upload.parts()[2].2.starts_with(b"\x89PNG"));
    until("the spool is empty", || worker.spool().is_empty().then_some(())).await;
}

#[tokio::test]
async fn a_damaged_picture_is_failed_instead_of_uploaded() {
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::of(503, ""));
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, with_attempt(picture("job-1"), 1)).await;
    studio.requested(1).await;
    let dir = worker.kill().await;
    let path = dir.path().join("spool/job-1.png");
    let mut bytes = fs::read(&path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&path, bytes).unwrap();
    drop(peer);
    let seen = uploads(&studio).len();
    let worker = TestWorker::start_in(dir);
    let mut peer = studio.session(OURS).await;
    let fail = peer.expect("fail").await;
    assert_eq!((&fail["jobId"], &fail["retryable"]), (&json!("job-1"), &json!(true)));
    assert_eq!(uploads(&studio).len(), seen);
    assert!(worker.spool().is_empty());
}

#[tokio::test]
async fn a_spool_that_cannot_be_written_keeps_results_in_memory_and_refuses_new_jobs() {
    let mut studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    // A file in place of the folder fails every write, for root as well.
    fs::write(worker.path("spool"), "in the way").unwrap();
    make(&mut peer, chat("job-1")).await;
    peer.expect("completeJson").await;
    peer.offer(chat("job-2")).await;
    let reject = peer.expect("reject").await;
    assert_eq!(reject["code"], "busy");
    assert!(reject["reason"].as_str().unwrap().contains("disk"), "{reject}");
    fs::remove_file(worker.path("spool")).unwrap();
    until("the result is written now", || (worker.spool() == ["job-1.json"]).then_some(())).await;
    make(&mut peer, chat("job-3")).await;
}

#[tokio::test]
async fn a_signal_waits_for_the_acknowledgement() {
    let mut studio = Studio::start().await;
    let mut worker = TestWorker::start(&approved_config(&studio));
    let mut peer = studio.session(OURS).await;
    make(&mut peer, chat("job-1")).await;
    peer.expect("completeJson").await;
    worker.signal();
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(!worker.has_ended());
    peer.acknowledge("job-1").await;
    peer.expect("goodbye").await;
    worker.exit().await;
    assert!(worker.spool().is_empty());
}
