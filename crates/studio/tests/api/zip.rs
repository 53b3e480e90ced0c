//! A batch as one archive, read by somebody else's reader.

use std::process::Command;

use serde_json::{Value, json};

use crate::desk::{Desk, chat, image};

/// Names, sizes and checksums by Python's reader; the manifest as JSON.
fn read(bytes: &[u8]) -> Value {
    const SCRIPT: &str = "import hashlib, json, sys, zipfile\n\
        z = zipfile.ZipFile(sys.argv[1])\n\
        assert z.testzip() is None\n\
        names = z.namelist()\n\
        files = {n: hashlib.sha256(z.read(n)).hexdigest() for n in names}\n\
        print(json.dumps({'names': names, 'files': files, 'manifest': json.loads(z.read('manifest.json'))}))";
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), bytes).expect("it can be written");
    let ran = Command::new("python3").args(["-c", SCRIPT]).arg(file.path()).output().expect("python runs");
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("it prints JSON")
}

async fn jobs_of(desk: &Desk, batch: &str) -> Vec<String> {
    let page = desk.get(&format!("/api/v1/jobs?batch={batch}&limit=500")).await.ok();
    let ids = page["items"].as_array().expect("a list").iter().rev();
    ids.map(|job| job["id"].as_str().expect("an id").to_owned()).collect()
}

#[tokio::test]
async fn everything_that_a_batch_made_is_in_it() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let mut jobs = vec![image("a fox"), image("a cat"), chat("hello"), image("never made"), image("lost")];
    jobs[0]["assetName"] = json!("animals/fox");
    jobs[0]["task"]["seed"] = json!(77);
    jobs[1]["assetName"] = json!("../../etc/passwd");
    jobs[1]["task"]["initImageUrl"] = json!(format!("data:image/png;base64,{}", "A".repeat(1000)));
    let batch = desk.id_of("/api/v1/batches", json!({ "name": "My set: 1", "jobs": jobs })).await;
    let ids = jobs_of(&desk, &batch).await;
    desk.finish(&worker, &ids[0], "png", b"the fox").await;
    desk.finish(&worker, &ids[1], "webp", b"the cat").await;
    desk.answer(&worker, &ids[2], "{\"text\":\"hi\"}").await;
    desk.finish(&worker, &ids[4], "png", b"the lost one").await;
    desk.state.artefacts.delete(&format!("{}/1", ids[4])).await.unwrap();
    let answer = desk.get(&format!("/api/v1/batches/{batch}/zip")).await;
    assert_eq!(answer.header("content-type"), Some("application/zip"));
    assert_eq!(answer.header("content-disposition"), Some("attachment; filename=\"My-set--1.zip\""));
    let archive = read(&answer.bytes);
    let fox = format!("animals/fox-{}.png", ids[0]);
    let cat = format!("etc/passwd-{}.webp", ids[1]);
    let said = format!("{}.json", ids[2]);
    assert_eq!(archive["names"], json!(["manifest.json", fox, cat, said]));
    let manifest = &archive["manifest"];
    assert_eq!(manifest["batch"]["id"], batch.as_str());
    assert_eq!(manifest["jobs"].as_array().unwrap().len(), 5);
    let line = &manifest["jobs"][0];
    assert_eq!((&line["seed"], &line["task"]["prompt"]), (&json!(77), &json!("a fox")));
    assert_eq!((&line["file"], &line["meta"]), (&json!(fox), &json!({ "steps": 8 })));
    assert_eq!(line["sha256"], archive["files"][&fox]);
    assert_eq!(manifest["jobs"][1]["task"]["initImageUrl"], "data: (1022 characters)");
    assert_eq!(manifest["jobs"][3]["state"], "queued");
    assert!(manifest["jobs"][3].get("file").is_none());
}

#[tokio::test]
async fn an_archive_is_for_those_who_see_the_batch() {
    let desk = Desk::open().await;
    let batch = desk.id_of("/api/v1/batches", json!({ "jobs": [image("a")] })).await;
    let path = format!("/api/v1/batches/{batch}/zip");
    let stranger = desk.key("admin", Some("red")).await;
    assert_eq!(desk.call(&stranger, "GET", &path, None).await.problem().0, 404);
    let viewer = desk.key("viewer", None).await;
    let empty = desk.call(&viewer, "GET", &path, None).await;
    assert_eq!(read(&empty.bytes)["names"], json!(["manifest.json"]));
    let head = desk.call(&viewer, "HEAD", &path, None).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(desk.get("/api/v1/batches/batch-0/zip").await.problem().0, 404);
}

#[tokio::test]
async fn ten_thousand_files_are_sent_piece_by_piece() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let jobs: Vec<Value> = (0..10).map(|_| chat("hi")).collect();
    let jobs: Vec<Value> = jobs
        .into_iter()
        .map(|mut job| {
            job["count"] = json!(1000);
            job
        })
        .collect();
    let batch = desk.id_of("/api/v1/batches", json!({ "jobs": jobs })).await;
    let id = studio_store::BatchId::from(batch.as_str());
    let answered = desk.state.store.write(move |db| {
        let now = studio_protocol::Timestamp::now();
        let mut after = 0;
        loop {
            let page = db.made_by_batch(&id, after, 500)?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, detail, _) in page {
                db.claim(&detail.job.id, &worker, now)?;
                db.complete_json(&detail.job.id, &worker, None, "{\"text\":\"hi\"}", None, now)?;
            }
        }
    });
    answered.await.unwrap();
    let request = axum::http::Request::get(format!("/api/v1/batches/{batch}/zip"))
        .header("authorization", format!("Bearer {}", desk.admin))
        .body(axum::body::Body::empty())
        .unwrap();
    let mut body = desk.send(request).await.into_body().into_data_stream();
    let (mut archive, mut largest) = (Vec::new(), 0);
    while let Some(piece) = futures_util::StreamExt::next(&mut body).await {
        let piece = piece.unwrap();
        archive.extend_from_slice(&piece);
        // The directory at the end names every file; nothing else grows with their number.
        largest = if piece.starts_with(b"PK\x01\x02") { largest } else { largest.max(piece.len()) };
    }
    assert!(largest < 64 * 1024, "{largest} bytes were held at once");
    let archive = read(&archive);
    assert_eq!(archive["names"].as_array().unwrap().len(), 10_001);
    assert_eq!(archive["manifest"]["jobs"].as_array().unwrap().len(), 10_000);
}
