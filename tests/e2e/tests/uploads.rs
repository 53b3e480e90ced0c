//! Uploads of any size, in any order, hanging or not: the studio's memory stays flat and the current claim is served.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, memory_peak_kib, outcomes, picture, reset_memory_peak};
use reqwest::{Method, StatusCode};
use serde_json::json;
use studio_protocol::{Capabilities, Feature, FeatureSet};
use testkit::{Identity, RawSession, RawWorker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const MIB: usize = 1024 * 1024;
/// How much the memory may rise above what an idle studio has; each upload below is larger.
const FLAT_KIB: u64 = 16 * 1024;

struct Scene {
    story: Story,
    raw: RawWorker,
    identity: Identity,
    session: RawSession,
    job: String,
}

/// A raw worker that runs a picture job.
async fn scene(capabilities: &Capabilities) -> Scene {
    let story = Story::begin().await;
    let raw = RawWorker::new(&story.studio.url());
    let identity = raw.join(capabilities, &story.api.join_code(1).await).await;
    let mut session = raw.session(&identity, capabilities).await;
    session.heartbeat(capabilities, None).await;
    let job = story.api.submit(picture("a fox")).await;
    session.offer().await;
    session.send_json(json!({"type": "accept", "jobId": job, "attempt": 1})).await;
    story.until(&job, "running").await;
    Scene { story, raw, identity, session, job }
}

fn ours() -> Capabilities {
    Capabilities { features: FeatureSet::of(&Feature::ALL), ..RawWorker::synthetic() }
}

impl Scene {
    fn path(&self) -> String {
        format!("/graphics/api/workers/{}/jobs/{}/complete", self.identity.worker_id, self.job)
    }

    async fn post(&self, form: reqwest::multipart::Form) -> (StatusCode, String) {
        let url = format!("{}{}", self.story.studio.url(), self.path());
        let request = reqwest::Client::new().request(Method::POST, url).bearer_auth(&self.identity.token);
        let answer = request.multipart(form).send().await.expect("an answer");
        (answer.status(), answer.text().await.expect("the body comes to its end"))
    }
}

fn image(bytes: Vec<u8>) -> reqwest::multipart::Part {
    reqwest::multipart::Part::bytes(bytes).file_name("job.png").mime_str("image/png").expect("a MIME type")
}

#[tokio::test]
async fn memory_stays_flat_for_a_prompt_part_of_forty_mib_and_a_picture_of_a_hundred() {
    let scene = scene(&ours()).await;
    let pid = scene.story.studio.pid();
    reset_memory_peak(pid);
    let idle = memory_peak_kib(pid);
    let form = reqwest::multipart::Form::new()
        .text("prompt", "x".repeat(40 * MIB))
        .text("ext", "png")
        .part("image", image(vec![7; 100 * MIB]));
    let (status, body) = scene.post(form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    let peak = memory_peak_kib(pid);
    println!("idle {idle} KiB, peak {peak} KiB");
    assert!(peak < idle + FLAT_KIB, "idle {idle} KiB, peak {peak} KiB");
    let done = scene.story.until(&scene.job, "done").await;
    assert_eq!(done["artefact"]["bytes"], 100 * MIB);
}

/// A worker that sees a reset instead of the answer would send a result that nobody wants for ever.
#[tokio::test]
async fn a_large_upload_that_is_refused_is_told_so() {
    let scene = scene(&ours()).await;
    let large = || vec![7; 100 * MIB];
    let forged = Identity { token: "forged".into(), ..scene.identity.clone() };
    let answer = scene.raw.upload(&forged, &scene.job, Some(1), "png", large()).await;
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{}", answer.body);
    scene.story.api.post(&format!("/jobs/{}/cancel", scene.job), &json!({})).await;
    let answer = scene.raw.upload(&scene.identity, &scene.job, Some(1), "png", large()).await;
    assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    let stranger = scene.story.api.with_key("wrong");
    let batch =
        json!({"model": "synthetic", "jobs": [{"task": {"kind": "image", "prompt": "x".repeat(20 * MIB)}}]});
    let request = stranger.request(Method::POST, "/batches").json(&batch);
    assert_eq!(stranger.send(request).await.expect("an answer").status, StatusCode::UNAUTHORIZED);
    // Nor is the connection spoiled for what comes next on it.
    for _ in 0..20 {
        let answer = scene.raw.upload(&scene.identity, &scene.job, Some(1), "png", vec![7; MIB]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{}", answer.body);
    }
}

#[tokio::test]
async fn the_order_of_the_parts_does_not_decide_whether_a_result_is_taken() {
    let mut scene = scene(&ours()).await;
    // The bytes before what they are: as other workers may send it.
    let form = reqwest::multipart::Form::new()
        .part("image", image(b"PNG".to_vec()))
        .text("ext", "png")
        .text("prompt", "a fox")
        .text("generationMeta", r#"{"seed": 7}"#);
    let (status, body) = scene.post(form).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    assert_eq!(scene.story.api.artefact(&scene.job).await, b"PNG");
    scene.session.heartbeat(&ours(), None).await;
}

#[tokio::test]
async fn a_second_upload_overtakes_one_that_hangs() {
    let scene = scene(&ours()).await;
    let mut hanging = TcpStream::connect(scene.story.studio.address()).await.expect("the studio listens");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: studio\r\nAuthorization: Bearer {}\r\nX-Job-Attempt: 1\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"prompt\"\r\n\r\na fox\r\n\
         --b\r\nContent-Disposition: form-data; name=\"ext\"\r\n\r\npng\r\n\
         --b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"j.png\"\r\nContent-Type: image/png\r\n\r\nhalf a pict",
        scene.path(),
        scene.identity.token
    );
    hanging.write_all(head.as_bytes()).await.expect("a socket can be written");
    let second = scene.raw.upload(&scene.identity, &scene.job, Some(1), "png", b"whole".to_vec()).await;
    assert_eq!(second.status, StatusCode::OK, "{}", second.body);
    let done = scene.story.until(&scene.job, "done").await;
    assert_eq!(outcomes(&done), ["done"]);
    // The first one comes to its end after all, and changes nothing.
    let mut rest = vec![b'x'; 1_000_000 - (head.len() - head.find("--b").expect("a boundary")) - 7];
    rest.extend_from_slice(b"\r\n--b--");
    hanging.write_all(&rest).await.expect("a socket can be written");
    let mut answer = vec![0; 12];
    tokio::time::timeout(SOON, hanging.read_exact(&mut answer)).await.expect("an answer").expect("an answer");
    assert_eq!(String::from_utf8_lossy(&answer), "HTTP/1.1 409");
    assert_eq!(scene.story.api.artefact(&scene.job).await, b"whole");
}

#[tokio::test]
async fn an_upload_that_is_cut_leaves_the_claim_and_no_bytes() {
    let scene = scene(&ours()).await;
    let mut cut = TcpStream::connect(scene.story.studio.address()).await.expect("the studio listens");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: studio\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"j.png\"\r\n\r\nhalf a pict",
        scene.path(),
        scene.identity.token
    );
    cut.write_all(head.as_bytes()).await.expect("a socket can be written");
    drop(cut);
    assert_eq!(scene.story.api.job(&scene.job).await["state"], "running");
    let whole = scene.raw.upload(&scene.identity, &scene.job, Some(1), "png", b"whole".to_vec()).await;
    assert_eq!(whole.status, StatusCode::OK, "{}", whole.body);
    let folder = scene.story.studio.data_dir().join("artefacts");
    testkit::wait_until("only the whole one is kept", SOON, async || files(&folder) == 1).await;
}

#[tokio::test]
async fn what_a_killed_studio_had_half_written_is_swept() {
    let mut scene = scene(&ours()).await;
    let mut upload = TcpStream::connect(scene.story.studio.address()).await.expect("the studio listens");
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: studio\r\nAuthorization: Bearer {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000000\r\n\r\n\
         --b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"j.png\"\r\n\r\n",
        scene.path(),
        scene.identity.token
    );
    upload.write_all(head.as_bytes()).await.expect("a socket can be written");
    upload.write_all(&vec![7; 2 * MIB]).await.expect("a socket can be written");
    let folder = scene.story.studio.data_dir().join("artefacts");
    testkit::wait_until("the upload is under way", SOON, async || files(&folder) == 1).await;
    scene.story.studio.restart().await;
    testkit::wait_until("nothing of it is left", SOON, async || files(&folder) == 0).await;
    let whole = scene.raw.upload(&scene.identity, &scene.job, Some(1), "png", b"whole".to_vec()).await;
    assert_eq!(whole.status, StatusCode::OK, "the claim outlives the studio: {}", whole.body);
}

/// A base worker beside one with every extension: each gets what it understands, and both work.
#[tokio::test]
async fn a_base_worker_works_beside_ours() {
    let base = RawWorker::synthetic();
    let mut scene = scene(&base).await;
    let worker = scene.story.worker("attic").await;
    let beside = scene.story.done(picture("beside")).await;
    assert_eq!(beside["worker"], e2e::id_of(&worker).as_str());
    // Cancelled meanwhile: its late result changes nothing, and it gets its next job within 12 s.
    scene.story.api.post(&format!("/jobs/{}/cancel", scene.job), &json!({})).await;
    scene.session.expect_silence(Duration::from_millis(300)).await;
    let late = scene.raw.upload(&scene.identity, &scene.job, None, "png", b"late".to_vec()).await;
    assert_eq!(late.status, StatusCode::CONFLICT, "{}", late.body);
    drop(worker);
    let freed = Instant::now();
    let next = scene.story.api.submit(picture("next")).await;
    let mut heartbeats = tokio::time::interval(Duration::from_secs(5));
    let claim = loop {
        tokio::select! {
            claim = scene.session.offer() => break claim,
            _ = heartbeats.tick() => {}
        }
        scene.session.send_json(json!({"type": "heartbeat", "capabilities": base})).await;
    };
    assert!(freed.elapsed() < Duration::from_secs(12), "{:?}", freed.elapsed());
    assert_eq!((claim.job_id.as_str(), claim.attempt), (next.as_str(), None));
    scene.session.send_json(json!({"type": "accept", "jobId": next})).await;
    let taken = scene.raw.upload(&scene.identity, &next, None, "png", b"next".to_vec()).await;
    assert_eq!(taken.status, StatusCode::OK, "{}", taken.body);
    assert_eq!(scene.story.api.job(&scene.job).await["state"], "cancelled");
}

fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .map(|path| if path.is_dir() { files(&path) } else { 1 })
        .sum()
}

#[tokio::test]
async fn a_picture_that_a_client_brought_reaches_the_engine_through_the_worker() {
    let story = Story::begin().await;
    let worker = story.worker("attic").await;
    let picture_of = |ext: &str| {
        let request =
            story.api.request(Method::POST, "/inputs").header("content-type", format!("image/{ext}"));
        story.api.send(request.body(vec![7_u8; 100 * 1024]))
    };
    let input = picture_of("png").await.expect("an answer");
    assert_eq!(input.status, StatusCode::CREATED, "{:?}", input.body);
    let edit = |url: &str| {
        let mut job = picture("a fox in this picture");
        job["task"]["initImageUrl"] = json!(url);
        job["maxAttempts"] = json!(1);
        job
    };
    let done = story.done(edit(input.body["url"].as_str().expect("an address"))).await;
    assert_eq!(outcomes(&done), ["done"]);
    // An address that nobody signed is what a worker cannot fetch: the job above was done because it could.
    let id = input.body["id"].as_str().expect("an id");
    let unsigned = format!("{}/files/inputs/{id}?expires=99999999999&signature=00", story.studio.url());
    let job = story.api.submit(edit(&unsigned)).await;
    let failed = story.until(&job, "failed").await;
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("403")), "{failed}");
    assert!(!worker.log().contains("signature="), "signatures are in no log: {}", worker.log());
}
