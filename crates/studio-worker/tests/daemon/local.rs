//! The local API as its clients, and others, meet it.

mod discovery;
mod history;
mod hostile;
mod jobs;
mod limits;
mod logs;
mod status;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use worker_local::{Client, Discovery};

use crate::support::{DEADLINE, TestWorker, until};

/// Where the daemon in `folder` is, once it says so.
async fn found(folder: &std::path::Path) -> Discovery {
    until("the discovery file", || Discovery::read(folder).ok().flatten()).await
}

async fn client(worker: &TestWorker) -> Client {
    studio_runtime::install_crypto();
    Client::new(found(&worker.path("")).await).unwrap()
}

fn port(found: &Discovery) -> u16 {
    found.url.rsplit(':').next().unwrap().parse().unwrap()
}

/// An answer as it came.
#[derive(Debug)]
struct Raw {
    status: u16,
    head: String,
    body: String,
}

impl Raw {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    fn code(&self) -> String {
        // Below `/v1` errors are OpenAI's, with words of their own.
        if let Some(code) = self.json()["error"]["code"].as_str() {
            let ours = [("invalid_api_key", "unauthorized"), ("permission_denied", "forbidden")];
            return ours.iter().find(|(theirs, _)| *theirs == code).unwrap().1.to_owned();
        }
        assert_eq!(self.header("content-type"), Some("application/problem+json"), "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert!(!problem["detail"].as_str().unwrap().ends_with('.'), "{self:?}");
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// Sends exactly this, and reads until the server closes or the answer is whole.
async fn send(port: u16, request: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(request).await.unwrap();
    tokio::time::timeout(DEADLINE, answer(&mut stream)).await.expect("no answer")
}

async fn answer(stream: &mut TcpStream) -> Raw {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
            let raw = Raw { status, head: head.to_owned(), body: body.to_owned() };
            let length: usize = raw.header("content-length").map_or(0, |length| length.parse().unwrap());
            if raw.body.len() >= length {
                return raw;
            }
        }
        let mut chunk = [0; 4096];
        let read = stream.read(&mut chunk).await.unwrap();
        assert!(read > 0, "closed early: {text}");
        bytes.extend_from_slice(&chunk[..read]);
    }
}

/// A request of a program that does everything right, and `more` headers.
fn request(found: &Discovery, line: &str, more: &str, body: &str) -> Vec<u8> {
    let length = if body.is_empty() { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!(
        "{line} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nAuthorization: Bearer {}\r\n{length}{more}\r\n{body}",
        port(found),
        found.token
    )
    .into_bytes()
}

const JSON: &str = "Content-Type: application/json\r\n";
