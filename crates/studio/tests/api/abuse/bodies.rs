//! Bodies without an end, without a bottom, and without a shape.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use futures_util::stream;
use serde_json::json;

use super::table::ROUTES;
use crate::desk::{Answer, Desk, image};

/// A body that is read to its limit on a busy machine.
const LIMIT: Duration = Duration::from_mins(1);
/// What is read of a body that is refused, twice: by its route and after it, so that its sender sees the answer.
const MOST_READ: u64 = 257 * 1024 * 1024;

/// Pieces without an end, after a beginning, and how much of them was read.
fn endless(start: &'static [u8], piece: &'static [u8]) -> (Body, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let count = read.clone();
    let piece: &'static [u8] = piece.repeat(64 * 1024 / piece.len()).leak();
    let mut begin = Some(start);
    let pieces = stream::repeat_with(move || {
        let piece = begin.take().unwrap_or(piece);
        count.fetch_add(piece.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(bytes::Bytes::from_static(piece))
    });
    (Body::from_stream(pieces), read)
}

async fn send(desk: &Desk, method: &str, path: &str, kind: &str, body: Body) -> Answer {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {}", desk.admin))
        .header("content-type", kind)
        .body(body)
        .expect("a request");
    let answered = tokio::time::timeout(LIMIT, desk.send(request)).await;
    Answer::read(answered.unwrap_or_else(|_| panic!("{method} {path} reads for ever"))).await
}

#[tokio::test]
async fn no_route_reads_for_ever() {
    let desk = Desk::open().await;
    let others =
        [("POST", "/sign-in"), ("POST", "/set-up"), ("POST", "/sign-out"), ("POST", "/api/v1/nowhere")];
    let routes =
        ROUTES.iter().map(|(method, path, ..)| (*method, *path)).filter(|(method, _)| *method != "GET");
    for (method, path) in routes.chain(others) {
        let path =
            path.replace("{id}", "synthetic").replace("{filename}", "x").replace("{model}", "synthetic");
        let path = path.replace("{delivery}", "x");
        if path.ends_with("/session") && method == "DELETE" {
            continue; // Reads no body.
        }
        let (body, read) = endless(b"{\"a\":\"", b"a");
        let answer = send(&desk, method, &path, "application/json", body).await;
        assert!(answer.status.as_u16() < 500 || answer.status == 503, "{method} {path}: {}", answer.status);
        let read = read.load(Ordering::Relaxed);
        assert!(read <= MOST_READ, "{method} {path}: {read} bytes were read");
    }
}

/// What clients say of a form.
const KIND: &str = "multipart/form-data; boundary=b";

/// A form whose first part never begins is not kept: it would take all memory.
#[tokio::test]
async fn a_form_without_shape_is_refused() {
    let desk = Desk::open().await;
    for path in
        ["/v1/images/edits", "/v1/images/variations", "/v1/audio/transcriptions", "/v1/audio/translations"]
    {
        for start in [
            &b"--b\r\nContent-Disposition: form-data; name=\""[..],
            b"--b\r\nX: ",
            b"preamble",
            b"--b\r\nX: y\r\n",
        ] {
            let (body, read) = endless(start, b"a");
            let answer = send(&desk, "POST", path, KIND, body).await;
            assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
            assert!(read.load(Ordering::Relaxed) <= MOST_READ, "{path}");
        }
        // Parts without an end, each of them small.
        let (body, _) = endless(b"", b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nv\r\n");
        assert!(send(&desk, "POST", path, KIND, body).await.status.is_client_error(), "{path}");
        let (body, _) = endless(
            b"",
            b"--b\r\nContent-Disposition: form-data; name=\"image\"; filename=\"x\"\r\n\r\nv\r\n",
        );
        assert!(send(&desk, "POST", path, KIND, body).await.status.is_client_error(), "{path}");
    }
}

/// Nested without a bottom: refused with words, not with the end of the process.
#[tokio::test]
async fn json_without_a_bottom_is_refused() {
    const DEEP: usize = 200_000;
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let deep =
        ["[".repeat(DEEP), "{\"a\":".repeat(DEEP), format!("{}{}", "[".repeat(DEEP), "]".repeat(DEEP))];
    for nested in &deep {
        for (method, path, before) in [
            ("POST", "/api/v1/jobs", ""),
            ("POST", "/api/v1/jobs", "{\"model\":\"synthetic\",\"task\":"),
            (
                "POST",
                "/api/v1/jobs",
                "{\"model\":\"synthetic\",\"task\":{\"kind\":\"image\",\"prompt\":\"x\",\"zz\":",
            ),
            ("POST", "/api/v1/jobs", "{\"jobs\":"),
            ("POST", "/api/v1/batches", "{\"jobs\":[{\"model\":\"synthetic\",\"task\":"),
            ("POST", "/api/v1/session", "{\"name\":\"x\",\"zz\":"),
            (
                "PUT",
                "/api/v1/models/mine",
                "{\"kind\":\"image\",\"vramGb\":1,\"source\":{\"engine\":\"x\",\"files\":[],\"cliDefaults\":{\"zz\":",
            ),
            ("PATCH", &format!("/api/v1/workers/{worker}"), "{\"limits\":"),
            ("POST", "/v1/chat/completions", "{\"model\":\"synthetic-chat\",\"messages\":"),
            (
                "POST",
                "/v1/chat/completions",
                "{\"model\":\"synthetic-chat\",\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"response_format\":{\"type\":\"json_schema\",\"json_schema\":{\"name\":\"x\",\"schema\":",
            ),
            ("POST", "/v1/messages", "{\"model\":\"synthetic-chat\",\"max_tokens\":1,\"messages\":"),
            ("POST", "/v1/responses", "{\"model\":\"synthetic-chat\",\"input\":"),
            ("POST", "/v1/embeddings", "{\"model\":\"synthetic-chat\",\"input\":"),
            ("POST", "/graphics/api/workers/register-request", "{\"capabilities\":"),
        ] {
            let close = "}".repeat(before.matches('{').count() - before.matches('}').count());
            let list = "]".repeat(before.matches('[').count() - before.matches(']').count());
            let mut tail = String::new();
            tail.push_str(&close);
            tail.push_str(&list);
            let body = format!("{before}{nested}{tail}");
            let mut request = Request::builder().method(method).uri(path);
            request = request.header("authorization", format!("Bearer {}", desk.admin));
            let address = std::net::SocketAddr::from(([192, 0, 2, 1], 1));
            request = request
                .header("content-type", "application/json")
                .extension(axum::extract::ConnectInfo(address));
            let response = desk.send(request.body(Body::from(body)).unwrap()).await;
            assert!(response.status().is_client_error(), "{method} {path} {before}: {}", response.status());
        }
    }
    // As deep as is taken: it comes back, in lists and pages.
    let nested = format!("{}1{}", "[".repeat(100), "]".repeat(100));
    let mut job = image("x");
    job["task"]["zz"] = serde_json::from_str(&nested).unwrap();
    let taken = desk.post("/api/v1/jobs", job).await;
    if taken.status.is_success() {
        let id = taken.json()["id"].as_str().unwrap().to_owned();
        for path in [format!("/api/v1/jobs/{id}"), format!("/jobs/{id}")] {
            assert_eq!(desk.get(&path).await.status, 200, "{path}");
        }
    }
}

#[tokio::test]
async fn very_long_ids_are_not_there() {
    let desk = Desk::open().await;
    let long = "x".repeat(60_000);
    for (method, path, ..) in ROUTES.iter().filter(|(_, path, ..)| path.contains('{')) {
        let at = path.split('/').map(|part| if part.starts_with('{') { long.as_str() } else { part });
        let at = at.collect::<Vec<_>>().join("/");
        if at.len() > 65_000 {
            continue; // No address at all.
        }
        let answer = desk.call(&desk.admin, method, &at, Some(json!({}))).await;
        assert!(answer.status.is_client_error(), "{method} {path}: {}", answer.status);
        assert!(answer.bytes.len() < 200_000, "{method} {path}: {} bytes", answer.bytes.len());
    }
    desk.settle().await;
    let audited = desk.get("/api/v1/audit?limit=100").await.ok();
    for line in audited["items"].as_array().unwrap() {
        assert!(line.to_string().len() < 2_000, "the log keeps the beginning of such a name");
    }
}

/// Small files that would be large pictures: refused before they are decoded.
#[tokio::test]
async fn a_bomb_has_no_thumbnail() {
    let desk = Desk::open().await;
    let worker = desk.worker().await;
    let bombs: [(&str, &[u8]); 3] = [
        (
            "gif",
            b"GIF89a\xff\xff\xff\xff\xf0\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02D\x01\0;",
        ),
        ("webp", b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0/\xff\xff\xff\x0f\0\0\0\0\0\0\0\0\0"),
        ("jpg", b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\"\0\x02\x11\x01\x03\x11\x01\xff\xd9"),
    ];
    for (ext, bytes) in bombs {
        let job = desk.image("x").await;
        let id = desk.finish(&worker, &job, ext, bytes).await;
        let answer = desk.get(&format!("/api/v1/artefacts/{id}/thumbnail")).await;
        assert!(answer.status.is_client_error(), "{ext}: {}", answer.status);
    }
}
