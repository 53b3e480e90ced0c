//! Whatever a worker or a client brings, no route gives it out so that a browser would run it.

use axum::body::Body;
use axum::http::Request;

use crate::desk::{Answer, Desk};

/// What a browser shows without running anything, and what it saves.
const HARMLESS: &[&str] = &[
    "image/png",
    "image/jpeg",
    "image/webp",
    "image/gif",
    "audio/wav",
    "video/mp4",
    "application/octet-stream",
    "application/problem+json",
    "application/json",
    "application/zip",
];

const POLYGLOTS: &[&[u8]] = &[
    b"<!DOCTYPE html><script>alert(1)</script>",
    b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
    b"GIF89a/*<script>*/=1;alert(1)//</script>",
    b"%PDF-1.7 <script>alert(1)</script>",
    b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script>",
    b"<?xml version=\"1.0\"?><html xmlns=\"http://www.w3.org/1999/xhtml\"><script>alert(1)</script></html>",
    b"+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
];

async fn open(desk: &Desk, path: &str) -> Answer {
    let request = Request::get(path)
        .header("authorization", format!("Bearer {}", desk.admin))
        .header("accept", "text/html,application/xhtml+xml,image/svg+xml,*/*")
        .header("sec-fetch-dest", "document")
        .body(Body::empty())
        .expect("a request");
    Answer::read(desk.send(request).await).await
}

#[track_caller]
fn check(answer: &Answer, named: &str) {
    assert!(answer.status.as_u16() < 500, "{named}: {}", answer.status);
    let kind = answer.header("content-type").unwrap_or_default().to_owned();
    assert!(HARMLESS.contains(&kind.as_str()), "{named}: {kind}");
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{named}");
    let policy = answer.header("content-security-policy").unwrap_or_default();
    assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{named}: {policy}");
    assert!(!policy.contains("allow-"), "{named}: {policy}");
    let shown = kind.starts_with("image/") || kind.starts_with("audio/") || kind.starts_with("video/");
    let told = kind.ends_with("json");
    let disposition = answer.header("content-disposition").unwrap_or_default();
    assert!(shown || told || disposition.starts_with("attachment"), "{named}: {kind} is {disposition:?}");
    assert!(!disposition.contains(['\\', '<', '\r', '\n']), "{named}: {disposition}");
}

#[tokio::test]
async fn no_artefact_is_rendered_on_any_route() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    for ext in [
        "svg", "SVG", "html", "htm", "shtml", "xhtml", "xml", "pdf", "js", "mht", "swf", "css", "png", "gif",
        "wav", "json",
    ] {
        for bytes in POLYGLOTS {
            let batch = serde_json::json!({ "name": "<script>\"\r\n", "jobs": [crate::desk::image("x")] });
            let batch = desk.post("/api/v1/batches", batch).await;
            // Control characters in a name are refused; the rest is data.
            let batch = if batch.status.is_success() {
                batch.ok()
            } else {
                let plain = serde_json::json!({ "name": "<script>\"", "jobs": [crate::desk::image("x")] });
                desk.post("/api/v1/batches", plain).await.ok()
            };
            let batch = batch["id"].as_str().expect("an id").to_owned();
            let jobs = desk.get(&format!("/api/v1/jobs?batch={batch}")).await.ok();
            let job = jobs["items"][0]["id"].as_str().expect("an id").to_owned();
            let id = desk.finish(&worker, &job, ext, bytes).await.to_string();
            let link = desk.post(&format!("/api/v1/artefacts/{id}/link"), serde_json::json!({})).await.ok();
            let link = link["url"].as_str().expect("an address").to_owned();
            let link = &link[link.find("/files/").expect("a path")..];
            for path in [
                format!("/api/v1/artefacts/{id}"),
                format!("/api/v1/jobs/{job}/artefact"),
                format!("/api/v1/artefacts/{id}/thumbnail"),
                format!("/api/v1/artefacts/{id}/thumbnail?size=512"),
                format!("/api/v1/batches/{batch}/zip"),
                link.to_owned(),
            ] {
                check(&open(&desk, &path).await, &format!("{path} of {ext}"));
            }
        }
    }
}

/// What is declared as a picture is given out as that picture, or not taken.
#[tokio::test]
async fn no_input_is_rendered_on_any_route() {
    let desk = Desk::open().await;
    for kind in [
        "image/png",
        "image/gif",
        "audio/wav",
        "video/mp4",
        "IMAGE/PNG ; charset=utf-7",
        "image/png, text/html",
    ] {
        for bytes in POLYGLOTS {
            let request = Request::post("/api/v1/inputs")
                .header("authorization", format!("Bearer {}", desk.admin))
                .header("content-type", kind)
                .body(Body::from(*bytes))
                .expect("a request");
            let answer = Answer::read(desk.send(request).await).await;
            if kind.contains("html") {
                assert_eq!(answer.problem().0, 415);
                continue;
            }
            let id = answer.ok()["id"].as_str().expect("an id").to_owned();
            let expires = "99999999999";
            let signature = desk.state.signer.sign("input-link", &[&id, expires]);
            let signed = format!("/files/inputs/{id}?expires={expires}&signature={signature}");
            for path in [format!("/api/v1/inputs/{id}"), signed] {
                let answer = open(&desk, &path).await;
                assert_eq!(answer.status, 200, "{path}");
                check(&answer, &format!("{path} as {kind}"));
            }
        }
    }
}

#[tokio::test]
async fn a_result_is_data_whatever_is_in_it() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let job = desk.id_of("/api/v1/jobs", crate::desk::chat("x")).await;
    desk.answer(&worker, &job, "{\"text\":\"<script>alert(1)</script>\"}").await;
    check(&open(&desk, &format!("/api/v1/jobs/{job}/result")).await, "a result");
    check(&open(&desk, &format!("/api/v1/jobs/{job}")).await, "a job");
}

/// Addresses that lie: another id, another end, another moment, another spelling.
#[tokio::test]
async fn a_signed_address_has_one_spelling() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let job = desk.image("x").await;
    let id = desk.finish(&worker, &job, "png", b"bytes").await.to_string();
    let expires = "99999999999";
    let signature = desk.state.signer.sign("artefact-link", &[&format!("{id}.png"), expires]);
    let good = format!("/files/{id}.png?expires={expires}&signature={signature}");
    assert_eq!(desk.plain("GET", &good, None, &[]).await.status, 200);
    let upper = signature.to_uppercase();
    let half = &signature[..32];
    let (path, file) = ("/files", format!("{id}.png"));
    for wrong in [
        format!("{path}/{file}?expires={expires}&signature={upper}"),
        format!("{path}/{file}?expires={expires}&signature={half}"),
        format!("{path}/{file}?expires={expires}&signature={signature}0"),
        format!("{path}/{file}?expires={expires}&signature={signature}%00"),
        format!("{path}/{file}?expires=%2099999999999&signature={signature}"),
        format!("{path}/{file}?expires=099999999999&signature={signature}"),
        format!("{path}/{file}?expires=9999999999999999999999&signature={signature}"),
        format!("{path}/{file}?Expires={expires}&signature={signature}"),
        format!("{path}/{file}?expires={expires}&expires={expires}&signature={signature}"),
        format!("{path}/{file}?expires={expires}&signature={signature}&signature={signature}"),
        format!("{path}/{file}?expires={expires}&signature={signature}&as=text/html"),
        format!("{path}/{}?expires={expires}&signature={signature}", file.to_uppercase()),
        format!("{path}/{file}%00?expires={expires}&signature={signature}"),
        format!("{path}/{file}.html?expires={expires}&signature={signature}"),
        format!("{path}/x%2f{file}?expires={expires}&signature={signature}"),
        format!("{path}/inputs/{file}?expires={expires}&signature={signature}"),
        format!("{path}/..%2ffiles%2f{file}?expires={expires}&signature={signature}"),
    ] {
        let answer = desk.plain("GET", &wrong, None, &[]).await;
        assert!(answer.status.is_client_error(), "{wrong}: {}", answer.status);
        let told = String::from_utf8_lossy(&answer.bytes);
        assert!(!told.contains(half), "{wrong}: an error repeats a signature: {told}");
    }
}
