//! As much HTTP as a worker's requests need.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[derive(Debug, Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    head: String,
    pub body: Vec<u8>,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<String> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The parts of a multipart body: name, headers, bytes.
    pub fn parts(&self) -> Vec<(String, String, Vec<u8>)> {
        let kind = self.header("content-type").unwrap();
        let boundary = format!("--{}", kind.split("boundary=").nth(1).unwrap());
        let mut parts = Vec::new();
        let mut rest = &self.body[..];
        while let Some(start) = find(rest, boundary.as_bytes()) {
            rest = &rest[start + boundary.len()..];
            if rest.starts_with(b"--") {
                break;
            }
            let head_end = find(rest, b"\r\n\r\n").unwrap();
            let head = String::from_utf8(rest[2..head_end].to_vec()).unwrap();
            let end = find(&rest[head_end..], boundary.as_bytes()).unwrap() + head_end - 2;
            let name = head.split("name=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
            parts.push((name, head, rest[head_end + 4..end].to_vec()));
            rest = &rest[end..];
        }
        parts
    }
}

#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub body: String,
}

impl Answer {
    pub fn of(status: u16, body: impl Into<String>) -> Self {
        Self { status, body: body.into() }
    }

    pub fn json(body: serde_json::Value) -> Self {
        Self::of(200, body.to_string())
    }

    pub async fn write(&self, stream: &mut TcpStream) {
        let Self { status, body } = self;
        let text = format!(
            "HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
            body.len()
        );
        let _ = stream.write_all(text.as_bytes()).await;
        let _ = stream.shutdown().await;
    }
}

/// The head of what comes, which stays in the socket.
pub async fn peek_head(stream: &TcpStream) -> Option<String> {
    let mut buffer = vec![0; 16 * 1024];
    let mut before = 0;
    loop {
        let read = stream.peek(&mut buffer).await.ok()?;
        if let Some(end) = find(&buffer[..read], b"\r\n\r\n") {
            return String::from_utf8(buffer[..end + 4].to_vec()).ok();
        }
        if read == before {
            tokio::task::yield_now().await;
        }
        before = read;
        if read == 0 {
            return None;
        }
    }
}

pub async fn read(stream: &mut TcpStream, head: String) -> Option<Request> {
    let mut skip = vec![0; head.len()];
    stream.read_exact(&mut skip).await.ok()?;
    let mut words = head.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut request = Request { method, path, head, body: Vec::new() };
    let length = request.header("content-length").map_or(0, |length| length.parse().unwrap());
    assert!(request.header("transfer-encoding").is_none(), "a worker knows how long its bodies are");
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).await.ok()?;
    Some(request)
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}
