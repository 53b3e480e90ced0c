//! A web page in the owner's browser, and whatever else comes without the token.

use super::{found, port, request, send};
use crate::support::{Studio, TestWorker, approved_config};

async fn worker() -> (Studio, TestWorker) {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    (studio, worker)
}

#[tokio::test]
async fn a_name_that_was_made_to_point_here_is_refused_even_with_the_token() {
    let (_studio, worker) = worker().await;
    let found = found(&worker.path("")).await;
    let port = port(&found);
    let rebound = [
        format!("evil.example:{port}"),
        format!("127.0.0.1.nip.io:{port}"),
        format!("localhost.evil.example:{port}"),
        "evil.example".to_owned(),
        "127.0.0.1".to_owned(),
        format!("0.0.0.0:{port}"),
    ];
    for host in rebound {
        for path in ["/api/v1/status", "/healthz", "/v1/models", "/"] {
            let text = format!(
                "GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\n\r\n",
                found.token
            );
            let answer = send(port, text.as_bytes()).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{host} {path}");
            assert_eq!(answer.header("connection"), Some("close"));
        }
    }
    let none = format!("GET /api/v1/status HTTP/1.0\r\nAuthorization: Bearer {}\r\n\r\n", found.token);
    assert_eq!(send(port, none.as_bytes()).await.status, 403);
    let other = format!(
        "GET http://evil.example/api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {}\r\n\r\n",
        found.token
    );
    assert_eq!(send(port, other.as_bytes()).await.status, 403);
}

#[tokio::test]
async fn a_page_of_any_other_origin_is_refused_even_with_the_token() {
    let (_studio, worker) = worker().await;
    let found = found(&worker.path("")).await;
    let port = port(&found);
    let foreign = [
        "Origin: null".to_owned(),
        "Origin: http://evil.example".to_owned(),
        format!("Origin: https://127.0.0.1:{port}"),
        format!("Origin: http://127.0.0.1:{}", port ^ 1),
        "Sec-Fetch-Site: cross-site".to_owned(),
        "Sec-Fetch-Site: same-site".to_owned(),
    ];
    for header in foreign {
        for line in ["GET /api/v1/status", "POST /api/v1/shutdown", "OPTIONS /api/v1/status", "GET /healthz"]
        {
            let answer = send(port, &request(&found, line, &format!("{header}\r\n"), "")).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "forbidden"), "{header} {line}");
            assert!(!answer.head.to_lowercase().contains("access-control"), "{answer:?}");
        }
    }
    let own = format!("Origin: http://localhost:{port}\r\nSec-Fetch-Site: same-origin\r\n");
    assert_eq!(send(port, &request(&found, "GET /api/v1/status", &own, "")).await.status, 200);
}

#[tokio::test]
async fn without_the_token_nothing_but_liveness_is_told() {
    let (_studio, worker) = worker().await;
    let found = found(&worker.path("")).await;
    let port = port(&found);
    let bare = |line: &str, more: &str| {
        format!("{line} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n").into_bytes()
    };
    let health = send(port, &bare("GET /healthz", "")).await;
    assert_eq!((health.status, health.body.as_str()), (200, r#"{"status":"ok"}"#));
    let token = &found.token;
    for line in [
        "GET /api/v1/status".to_owned(),
        format!("GET /api/v1/status?token={token}"),
        format!("GET /api/v1/status?access_token={token}"),
        "GET /api/v1/nothing".to_owned(),
        "GET /v1/models".to_owned(),
        "GET /".to_owned(),
        "GET /healthz/".to_owned(),
        "GET //healthz".to_owned(),
        "POST /api/v1/shutdown".to_owned(),
        "OPTIONS /api/v1/status".to_owned(),
    ] {
        let wrong = token.replace(|c: char| c.is_ascii_digit(), "x");
        for more in [
            String::new(),
            format!("Authorization: Bearer {wrong}\r\n"),
            format!("Authorization: Bearer {}\r\n", &token[..63]),
            format!("Authorization: Basic {token}\r\n"),
            format!("Cookie: token={token}\r\n"),
            format!("X-Api-Key: {token}\r\n"),
        ] {
            let answer = send(port, &bare(&line, &more)).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{line} {more}");
            assert!(!answer.body.contains("w-1") && !answer.body.contains(token), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn what_a_form_can_send_is_not_taken_for_json() {
    let (_studio, mut worker) = worker().await;
    let found = found(&worker.path("")).await;
    let port = port(&found);
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let more = format!("Content-Type: {kind}\r\n");
        let answer =
            send(port, &request(&found, "POST /api/v1/shutdown", &more, r#"{"afterJobs":true}"#)).await;
        assert_eq!((answer.status, answer.code().as_str()), (415, "unsupportedMediaType"), "{kind}");
        // A page's form names its origin besides, and has no token.
        let text = format!(
            "POST /api/v1/shutdown HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: http://evil.example\r\n{more}Content-Length: 2\r\n\r\n{{}}"
        );
        assert_eq!(send(port, text.as_bytes()).await.status, 403);
    }
    assert!(!worker.has_ended());
}
