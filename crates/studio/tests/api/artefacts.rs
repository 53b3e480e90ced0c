//! Artefacts: whole, in ranges, cached, and never run by a browser.

use serde_json::json;
use sha2::{Digest, Sha256};

use crate::desk::{Answer, Desk, image};

const CONTENT: &[u8] = b"0123456789";

struct Stored {
    desk: Desk,
    path: String,
    job: String,
}

async fn stored(ext: &str) -> Stored {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let job = desk.image("a").await;
    let id = desk.finish(&worker, &job, ext, CONTENT).await;
    Stored { path: format!("/api/v1/artefacts/{id}"), desk, job }
}

impl Stored {
    async fn get(&self, headers: &[(&str, &str)]) -> Answer {
        self.desk.call_with(&self.desk.admin, "GET", &self.path, None, headers).await
    }
}

#[tokio::test]
async fn the_bytes_come_back_with_their_hash_and_type() {
    let artefact = stored("webp").await;
    let answer = artefact.get(&[]).await;
    assert_eq!((answer.status.as_u16(), &answer.bytes[..]), (200, CONTENT));
    let hash = hex::encode(Sha256::digest(CONTENT));
    assert_eq!(answer.header("etag"), Some(format!("\"{hash}\"").as_str()));
    assert_eq!(answer.header("content-type"), Some("image/webp"));
    assert_eq!(answer.header("content-length"), Some("10"));
    assert_eq!(answer.header("accept-ranges"), Some("bytes"));
    let name = format!("inline; filename=\"{}.webp\"", artefact.job);
    assert_eq!(answer.header("content-disposition"), Some(name.as_str()));
    let of_job = artefact.desk.get(&format!("/api/v1/jobs/{}/artefact", artefact.job)).await;
    assert_eq!((of_job.status.as_u16(), &of_job.bytes[..]), (200, CONTENT));
    let listed = &artefact.desk.get("/api/v1/artefacts").await.ok()["items"][0];
    assert_eq!((listed["sha256"].as_str(), &listed["bytes"]), (Some(hash.as_str()), &json!(10)));
    assert_eq!(
        (listed["job"].as_str(), &listed["meta"]),
        (Some(artefact.job.as_str()), &json!({ "steps": 8 }))
    );
    assert!(listed.get("key").is_none(), "where it is kept is nobody's business");
    assert_eq!(artefact.desk.get(&format!("/api/v1/jobs/{}/result", artefact.job)).await.problem().0, 404);
}

#[tokio::test]
async fn parts_can_be_asked_for() {
    let artefact = stored("png").await;
    for (range, content, told) in [
        ("bytes=0-3", "0123", "bytes 0-3/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=5-500", "56789", "bytes 5-9/10"),
    ] {
        let answer = artefact.get(&[("Range", range)]).await;
        assert_eq!((answer.status.as_u16(), &answer.bytes[..]), (206, content.as_bytes()), "{range}");
        assert_eq!(answer.header("content-range"), Some(told));
        assert_eq!(answer.header("content-length"), Some(content.len().to_string().as_str()));
    }
    for range in ["bytes=10-", "bytes=99-100", "bytes=-0"] {
        let answer = artefact.get(&[("Range", range)]).await;
        assert_eq!(answer.problem(), (416, Some("Range".into())), "{range}");
        assert_eq!(answer.header("content-range"), Some("bytes */10"));
    }
    for range in ["bytes=0-1,4-5", "bytes=3-1", "items=0-1", "nonsense"] {
        let answer = artefact.get(&[("Range", range)]).await;
        assert_eq!((answer.status.as_u16(), &answer.bytes[..]), (200, CONTENT), "{range}");
    }
    let etag = artefact.get(&[]).await.header("etag").unwrap().to_owned();
    let same = artefact.get(&[("Range", "bytes=0-0"), ("If-Range", &etag)]).await;
    assert_eq!(same.status, 206);
    let other = artefact.get(&[("Range", "bytes=0-0"), ("If-Range", "\"other\"")]).await;
    assert_eq!((other.status.as_u16(), &other.bytes[..]), (200, CONTENT));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let artefact = stored("png").await;
    let etag = artefact.get(&[]).await.header("etag").unwrap().to_owned();
    let answer = artefact.get(&[("If-None-Match", &etag)]).await;
    assert_eq!((answer.status.as_u16(), answer.bytes.len()), (304, 0));
    assert_eq!(answer.header("etag"), Some(etag.as_str()));
    let head = artefact.desk.call(&artefact.desk.admin, "HEAD", &artefact.path, None).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("10"));
}

#[tokio::test]
async fn a_browser_shows_pictures_and_saves_all_else() {
    for (ext, mime, place) in [
        ("gif", "image/gif", "inline"),
        ("wav", "audio/wav", "inline"),
        ("mp4", "video/mp4", "inline"),
        ("glb", "model/gltf-binary", "attachment"),
        ("html", "application/octet-stream", "attachment"),
        ("svg", "application/octet-stream", "attachment"),
    ] {
        let answer = stored(ext).await.get(&[]).await;
        assert_eq!(answer.header("content-type"), Some(mime));
        assert!(answer.header("content-disposition").unwrap().starts_with(place), "{ext}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        assert!(answer.header("content-security-policy").unwrap().contains("sandbox"));
    }
}

#[tokio::test]
async fn artefacts_of_a_batch_come_in_pages() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let lonely = desk.image("x").await;
    desk.finish(&worker, &lonely, "png", CONTENT).await;
    let batch = desk.id_of("/api/v1/batches", json!({ "jobs": [image("a"), image("b"), image("c")] })).await;
    let jobs = desk.get(&format!("/api/v1/jobs?batch={batch}")).await.ok();
    for job in jobs["items"].as_array().unwrap() {
        desk.finish(&worker, job["id"].as_str().unwrap(), "png", CONTENT).await;
    }
    let first = desk.get(&format!("/api/v1/artefacts?batch={batch}&limit=2")).await.ok();
    assert_eq!(first["items"].as_array().unwrap().len(), 2);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = desk.get(&format!("/api/v1/artefacts?batch={batch}&limit=2&cursor={cursor}")).await.ok();
    assert_eq!(second["items"].as_array().unwrap().len(), 1);
    assert_eq!(desk.get("/api/v1/artefacts").await.ok()["items"].as_array().unwrap().len(), 4);
    assert_eq!(desk.get("/api/v1/artefacts?batch=batch-0").await.problem().0, 404);
}

#[tokio::test]
async fn bytes_that_the_disk_lost_are_a_fault_of_the_studio() {
    let artefact = stored("png").await;
    let key = artefact.desk.state.artefacts.keys().await.unwrap().remove(0);
    artefact.desk.state.artefacts.delete(&key).await.unwrap();
    let answer = artefact.get(&[]).await;
    assert_eq!(answer.problem().0, 500);
    assert!(!String::from_utf8_lossy(&answer.bytes).contains(&key), "where it was kept is nobody's business");
}

#[tokio::test]
async fn artefacts_are_found_by_what_made_them() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let mut other = image("b");
    other["project"] = json!("other");
    let (mine, other) = (desk.image("a").await, desk.id_of("/api/v1/jobs", other).await);
    desk.finish(&worker, &mine, "png", CONTENT).await;
    desk.finish(&worker, &other, "png", CONTENT).await;
    let found = async |query: &str| {
        let listed = desk.get(&format!("/api/v1/artefacts?{query}")).await.ok();
        listed["items"].as_array().unwrap().iter().map(|item| item["job"].clone()).collect::<Vec<_>>()
    };
    let model = desk.get(&format!("/api/v1/jobs/{mine}")).await.ok()["model"].as_str().unwrap().to_owned();
    assert_eq!(found("").await, [other.as_str(), mine.as_str()]);
    assert_eq!(found("project=other").await, [other.as_str()]);
    assert_eq!(found(&format!("model={model}&kind=image&project=default")).await, [mine.as_str()]);
    assert_eq!(found("kind=video").await, Vec::<serde_json::Value>::new());
    assert_eq!(desk.get("/api/v1/artefacts?kind=statue").await.problem(), (400, Some("kind".into())));
    let bound = desk.key("viewer", Some("other")).await;
    let listed = desk.call(&bound, "GET", "/api/v1/artefacts", None).await.ok();
    assert_eq!((listed["items"].as_array().unwrap().len(), &listed["items"][0]["job"]), (1, &json!(other)));
}
