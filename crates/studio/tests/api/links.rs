//! Signed addresses of artefacts: good for one artefact until they expire, and for nothing else.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};

use crate::desk::{Answer, Desk};

const CONTENT: &[u8] = b"0123456789";
const HOST: &str = "studio.example:1";

struct Linked {
    desk: Desk,
    id: String,
    /// Path and query of the link.
    path: String,
}

async fn linked(ext: &str) -> Linked {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let job = desk.image("a").await;
    let id = desk.finish(&worker, &job, ext, CONTENT).await.to_string();
    let link = make(&desk, &desk.admin, &id, json!({})).await.ok();
    let path = path_of(&link);
    Linked { desk, id, path }
}

async fn make(desk: &Desk, key: &str, id: &str, body: Value) -> Answer {
    desk.call_with(key, "POST", &format!("/api/v1/artefacts/{id}/link"), Some(body), &[("Host", HOST)]).await
}

fn path_of(link: &Value) -> String {
    let url = link["url"].as_str().expect("a link has an address");
    url.strip_prefix(&format!("http://{HOST}")).unwrap_or_else(|| panic!("{url}")).to_owned()
}

/// Without any key.
async fn open(desk: &Desk, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(desk.send(request.body(Body::empty()).expect("a request")).await).await
}

fn kind(answer: &Answer) -> String {
    assert_eq!(answer.problem().0, 403);
    answer.json()["type"].as_str().expect("a problem has a type").to_owned()
}

#[tokio::test]
async fn whoever_has_the_address_gets_the_bytes() {
    let Linked { desk, id, path } = linked("webp").await;
    assert!(path.starts_with(&format!("/files/{id}.webp?expires=")), "{path}");
    let whole = open(&desk, "GET", &path, &[]).await;
    assert_eq!((whole.status, &whole.bytes[..]), (StatusCode::OK, CONTENT));
    assert_eq!(whole.header("content-type"), Some("image/webp"));
    let etag = whole.header("etag").unwrap();
    let part = open(&desk, "GET", &path, &[("Range", "bytes=2-3")]).await;
    assert_eq!((part.status.as_u16(), &part.bytes[..]), (206, &b"23"[..]));
    let same = open(&desk, "GET", &path, &[("If-None-Match", etag)]).await;
    assert_eq!((same.status.as_u16(), same.bytes.len()), (304, 0));
    let head = open(&desk, "HEAD", &path, &[]).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
    assert_eq!(head.header("content-length"), Some("10"));
}

#[tokio::test]
async fn a_changed_address_opens_nothing() {
    let Linked { desk, id, path } = linked("png").await;
    let worker = desk.worker().await;
    let job = desk.image("another").await;
    let other = desk.finish(&worker, &job, "png", b"theirs").await.to_string();
    let (_, query) = path.split_once('?').unwrap();
    let (expires, signature) = query.split_once('&').unwrap();
    let later = expires.trim_start_matches("expires=").parse::<i64>().unwrap() + 1;
    for wrong in [
        format!("/files/{other}.png?{query}"),
        format!("/files/{id}.html?{query}"),
        format!("/files/{id}?{query}"),
        format!("/files/{id}.png"),
        format!("/files/{id}.png?{expires}"),
        format!("/files/{id}.png?{signature}"),
        format!("/files/{id}.png?expires={later}&{signature}"),
        format!("/files/nothing-there.png?{query}"),
        format!("/files/..%2Fstudio.db?{query}"),
        format!("/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd?{query}"),
    ] {
        let answer = open(&desk, "GET", &wrong, &[]).await;
        assert_eq!(kind(&answer), "urn:studio:problem:link-forged", "{wrong}");
    }
    let twice = open(&desk, "GET", &format!("{path}&{expires}"), &[]).await;
    assert_eq!(twice.problem().0, 400, "which of two counts would depend on who reads them");
}

#[tokio::test]
async fn an_address_expires_and_says_so() {
    let Linked { desk, id, .. } = linked("png").await;
    let expires = "1000000000";
    let signature = desk.state.signer.sign("artefact-link", &[&format!("{id}.png"), expires]);
    let path = format!("/files/{id}.png?expires={expires}&signature={signature}");
    assert_eq!(kind(&open(&desk, "GET", &path, &[]).await), "urn:studio:problem:link-expired");
    for wrong in [0, 604_801, u64::MAX] {
        let refused = make(&desk, &desk.admin, &id, json!({ "ttlSeconds": wrong })).await;
        assert_eq!(refused.problem(), (400, Some("ttlSeconds".into())), "{wrong}");
    }
    let short = make(&desk, &desk.admin, &id, json!({ "ttlSeconds": 60 })).await.ok();
    assert_eq!(open(&desk, "GET", &path_of(&short), &[]).await.status, 200);
}

#[tokio::test]
async fn who_does_not_see_an_artefact_makes_no_link_to_it() {
    let Linked { desk, id, .. } = linked("png").await;
    let viewer = desk.key("viewer", None).await;
    assert!(make(&desk, &viewer, &id, json!({})).await.status.is_success());
    let stranger = desk.key("admin", Some("red")).await;
    assert_eq!(make(&desk, &stranger, &id, json!({})).await.problem().0, 404);
    assert_eq!(make(&desk, &desk.admin, "art-0", json!({})).await.problem().0, 404);
}

#[tokio::test]
async fn what_could_run_in_a_browser_is_saved_on_every_route() {
    for ext in ["svg", "html", "xhtml", "xml", "pdf", "js", "mjs", "mht", "bin", "exe"] {
        let Linked { desk, id, path } = linked(ext).await;
        let (worker, job) = (desk.worker().await, desk.image("b").await);
        desk.finish(&worker, &job, ext, b"<script>alert(1)</script>").await;
        for answer in [
            open(&desk, "GET", &path, &[]).await,
            open(&desk, "GET", &path, &[("Range", "bytes=0-1"), ("Accept", "text/html")]).await,
            desk.get(&format!("/api/v1/artefacts/{id}")).await,
            desk.get(&format!("/api/v1/jobs/{job}/artefact")).await,
        ] {
            assert!(answer.status.is_success(), "{ext}: {}", answer.status);
            assert_eq!(answer.header("content-type"), Some("application/octet-stream"), "{ext}");
            assert!(answer.header("content-disposition").unwrap().starts_with("attachment;"), "{ext}");
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.contains("default-src 'none'") && policy.contains("sandbox"), "{policy}");
            assert!(!policy.contains("allow-"), "{policy}");
        }
    }
}

#[tokio::test]
async fn a_path_in_the_place_of_an_id_leads_nowhere() {
    let desk = Desk::open().await;
    for id in
        ["..%2F..%2Fstudio.db", "%2e%2e", "..", ".%2e/admin.key", "%2Fetc%2Fpasswd", "art-1%00", "a%5C..%5Cb"]
    {
        for path in [
            format!("/api/v1/artefacts/{id}"),
            format!("/api/v1/artefacts/{id}/link"),
            format!("/api/v1/jobs/{id}/artefact"),
        ] {
            let method = if path.ends_with("/link") { "POST" } else { "GET" };
            let answer = desk.call(&desk.admin, method, &path, None).await;
            assert_eq!(answer.problem().0, 404, "{method} {path}");
        }
    }
}
