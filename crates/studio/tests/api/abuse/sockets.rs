//! The real program over real sockets: slow senders, floods of headers, crowds, and requests that are two.

use std::time::Duration;

use serde_json::json;
use testkit::{Home, StudioProcess, wait_until};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Slow senders get ten to fifteen seconds; the rest is for a busy machine.
const LIMIT: Duration = Duration::from_mins(1);
/// Watchers at once: more than any fleet has people, few enough for every machine's open files.
const WATCHERS: usize = 500;

async fn connect(studio: &StudioProcess) -> TcpStream {
    TcpStream::connect(studio.address()).await.expect("the studio listens")
}

/// Sends, and reads until the other side is through.
async fn said(studio: &StudioProcess, request: &[u8]) -> String {
    let mut stream = connect(studio).await;
    // The studio may answer and close before it has all.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let read = tokio::time::timeout(LIMIT, stream.read_to_end(&mut answer)).await;
    assert!(read.is_ok(), "the connection is held open: {}", String::from_utf8_lossy(&answer));
    String::from_utf8_lossy(&answer).into_owned()
}

fn status(answer: &str) -> u16 {
    answer.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
}

#[tokio::test]
async fn slow_and_greedy_senders_are_let_go() {
    let home = Home::new();
    let studio = StudioProcess::start(&home).await;
    let sign_in = b"POST /api/v1/session HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"na";
    let form = b"POST /sign-in HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 100\r\n\r\nname=";
    let (sign_in, form, head) = tokio::join!(
        said(&studio, sign_in),
        said(&studio, form),
        said(&studio, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    );
    assert_eq!((status(&sign_in), status(&form)), (408, 408), "{sign_in} {form}");
    assert!(matches!(status(&head), 0 | 408), "{head}");

    let many = "X-Many: y\r\n".repeat(5_000);
    let many = said(
        &studio,
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{many}\r\n").as_bytes(),
    )
    .await;
    assert!(matches!(status(&many), 400 | 431), "{many}");
    let long = "y".repeat(2 * 1024 * 1024);
    let long = said(
        &studio,
        format!("GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX: {long}\r\n\r\n").as_bytes(),
    )
    .await;
    assert!(matches!(status(&long), 0 | 400 | 431), "{long}");
    assert!(studio.api().get("/status").await["version"].is_string());
}

/// Requests that two readers would part in different places, and addresses that are somebody else's.
#[tokio::test]
async fn what_reads_as_two_requests_is_none() {
    let home = Home::new();
    let studio = StudioProcess::start(&home).await;
    for request in [
        "POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
        "GET /healthz HTTP/1.1\r\nHost: x\r\nX: a\0b\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost : x\r\n\r\n",
        "GET /files/..\0 HTTP/1.1\r\nHost: x\r\n\r\n",
        "NONSENSE\r\n\r\n",
    ] {
        let answer = said(&studio, request.as_bytes()).await;
        assert!(matches!(status(&answer), 0 | 400..500), "{request:?}: {answer}");
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{request:?}: {answer}");
    }
    for path in [
        "//evil.example/%2e%2e",
        "//evil.example",
        "/\\evil.example",
        "/%2f%2fevil.example",
        "/jobs?x=%0d%0aSet-Cookie:%20a=b",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n");
        let answer = said(&studio, request.as_bytes()).await;
        let head = answer.split("\r\n\r\n").next().unwrap_or_default().to_ascii_lowercase();
        for line in head.lines().filter_map(|line| line.strip_prefix("location: ")) {
            assert!(
                line.starts_with("/s") && !line.contains("=//") && !line.contains("=%2f%2f"),
                "{path}: {line}"
            );
        }
        assert!(!head.contains("\r\nset-cookie: a=b"), "{path}: {head}");
    }
    // A link says where the studio is, never where a header says; but that is only told to whoever sent it.
    let answer = said(&studio, b"GET /sign-in HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n").await;
    assert!(!answer.contains("evil.example") && !answer.contains("__Host-"), "{answer}");
}

#[tokio::test]
async fn a_crowd_of_idle_watchers_is_in_nobodys_way() {
    let home = Home::new();
    let studio = StudioProcess::start(&home).await;
    let api = studio.api();
    let key = studio.admin_key();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n\r\n");
    let mut crowd = Vec::new();
    for _ in 0..WATCHERS {
        let mut stream = connect(&studio).await;
        stream.write_all(request.as_bytes()).await.expect("it is taken");
        crowd.push(stream); // Never read.
    }
    let watchers = async || {
        let text = reqwest::Client::new().get(format!("{}/metrics", studio.url())).bearer_auth(&key);
        let text = text.send().await.expect("it answers").text().await.expect("it is text");
        let line = text.lines().find_map(|line| line.strip_prefix("studio_event_watchers "));
        line.and_then(|number| number.parse::<usize>().ok()).unwrap_or_default()
    };
    wait_until("all of them watch", LIMIT, async || watchers().await >= WATCHERS).await;
    for number in 0..200 {
        api.submit(
            json!({ "model": "synthetic", "task": { "kind": "image", "prompt": format!("{number}") } }),
        )
        .await;
    }
    assert_eq!(api.get("/status").await["jobs"]["queued"], 200);
    drop(crowd);
    wait_until("they are forgotten", LIMIT, async || watchers().await <= 1).await;
}
