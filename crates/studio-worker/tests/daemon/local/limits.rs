//! Too much, too many, too slow.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::{JSON, answer, client, found, port, request, send};
use crate::support::{Studio, TestWorker, approved_config, until};

#[tokio::test]
async fn a_large_body_is_refused_before_and_while_it_comes() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let found = found(&worker.path("")).await;
    let port = port(&found);
    let told = format!("{JSON}Content-Length: 99999999999\r\n");
    let refused = send(port, &request(&found, "POST /api/v1/shutdown", &told, "")).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "tooLarge"));
    let head = request(&found, "POST /api/v1/shutdown", &format!("{JSON}Transfer-Encoding: chunked\r\n"), "");
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(&head).await.unwrap();
    let chunk = [b"10000\r\n".to_vec(), vec![b' '; 0x10000], b"\r\n".to_vec()].concat();
    for _ in 0..5 {
        let _ = stream.write_all(&chunk).await;
    }
    let refused = answer(&mut stream).await;
    assert_eq!((refused.status, refused.code().as_str()), (413, "tooLarge"));
}

#[tokio::test]
async fn who_finds_no_room_is_told_when_to_come_back() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let client = client(&worker).await;
    let found = found(&worker.path("")).await;
    let generation = client.status(None).await.unwrap().generation;
    let wait = request(&found, "GET /api/v1/logs?after=0&waitMs=30000", "", "");
    let mut waiting = Vec::new();
    for _ in 0..64 {
        let mut stream = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
        stream.write_all(&wait).await.unwrap();
        waiting.push(stream);
    }
    let status = request(&found, "GET /api/v1/status", "", "");
    let mut busy = send(port(&found), &status).await;
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while busy.status == 200 && std::time::Instant::now() < end {
        busy = send(port(&found), &status).await;
    }
    assert_eq!((busy.status, busy.code().as_str()), (503, "busy"));
    assert_eq!(busy.header("retry-after"), Some("1"));
    // The daemon itself does not mind, and those that give up make room.
    drop(waiting);
    let end = std::time::Instant::now() + Duration::from_secs(10);
    while send(port(&found), &status).await.status != 200 {
        assert!(std::time::Instant::now() < end, "no room comes back");
    }
    assert!(client.status(None).await.unwrap().generation >= generation);
}

#[tokio::test]
async fn connections_beyond_the_bound_are_turned_away() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let found = found(&worker.path("")).await;
    let mut open = Vec::new();
    for _ in 0..128 {
        open.push(TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap());
    }
    let mut extra = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
    let mut text = String::new();
    extra.read_to_string(&mut text).await.unwrap();
    assert!(text.starts_with("HTTP/1.1 503 ") && text.contains("retry-after: 1"), "{text}");
    drop(open);
    let health = request(&found, "GET /healthz", "", "");
    let end = std::time::Instant::now() + Duration::from_secs(10);
    loop {
        let mut stream = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
        stream.write_all(&health).await.unwrap();
        let mut first = [0; 12];
        if stream.read_exact(&mut first).await.is_ok() && &first == b"HTTP/1.1 200" {
            break;
        }
        assert!(std::time::Instant::now() < end, "no place comes back");
    }
}

#[tokio::test]
async fn a_client_that_never_ends_its_request_does_not_hold_the_end() {
    let studio = Studio::start().await;
    let mut worker = TestWorker::start(&approved_config(&studio));
    let found = found(&worker.path("")).await;
    let mut slow = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
    slow.write_all(b"GET /api/v1/status HTTP/1.1\r\nHo").await.unwrap();
    let mut endless = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
    let head = request(&found, "POST /api/v1/shutdown", &format!("{JSON}Content-Length: 100\r\n"), "");
    endless.write_all(&head).await.unwrap();
    let mut polling = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
    polling.write_all(&request(&found, "GET /api/v1/logs?waitMs=30000", "", "")).await.unwrap();
    let start = std::time::Instant::now();
    worker.signal();
    worker.exit().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let studio = Studio::start().await;
    let worker = TestWorker::start(&approved_config(&studio));
    let found = found(&worker.path("")).await;
    let mut stream = TcpStream::connect(("127.0.0.1", port(&found))).await.unwrap();
    let head = request(&found, "POST /api/v1/shutdown", &format!("{JSON}Content-Length: 100\r\n"), "");
    stream.write_all(&head).await.unwrap();
    let refused = answer(&mut stream).await;
    assert_eq!((refused.status, refused.code().as_str()), (408, "timeout"));
    let gone = until("the end of the connection", || {
        let mut rest = [0; 16];
        match stream.try_read(&mut rest) {
            Ok(0) => Some(true),
            Ok(_) => Some(false),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => None,
            Err(_) => Some(true),
        }
    })
    .await;
    assert!(gone);
}
