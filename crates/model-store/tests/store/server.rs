//! A server that answers as a test says: honestly, or in any way that HTTP forbids.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use studio_runtime::Tasks;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One request.
#[derive(Debug, Clone)]
pub struct Request {
    pub path: String,
    pub headers: HashMap<String, String>,
    /// How many requests this path had before.
    pub number: usize,
}

/// What the answer's end looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// `Content-Length` as stated, true or not.
    Length(u64),
    Chunked,
    /// The body ends with the connection.
    Nothing,
}

/// One answer.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub framing: Framing,
    /// The connection ends after so many bytes of the body.
    pub cut: Option<usize>,
    /// Instead of ending, the connection falls silent.
    pub stall: bool,
    /// So many bytes, then a pause.
    pub pace: Option<(usize, Duration)>,
    /// Sent behind the end.
    pub garbage: Vec<u8>,
}

pub struct Server {
    pub base: String,
    state: Arc<State>,
    tasks: Tasks,
}

type Answer = Box<dyn Fn(&Request) -> Reply + Send + Sync>;

struct State {
    answer: Answer,
    seen: Mutex<Vec<Request>>,
    sent: AtomicU64,
    active: AtomicU64,
}

impl Request {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    /// The first byte that is asked for.
    pub fn from(&self) -> Option<usize> {
        self.header("range")?.strip_prefix("bytes=")?.strip_suffix('-')?.parse().ok()
    }
}

impl Reply {
    pub fn new(status: u16, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self {
            status,
            headers: Vec::new(),
            framing: Framing::Length(body.len() as u64),
            body,
            cut: None,
            stall: false,
            pace: None,
            garbage: Vec::new(),
        }
    }

    /// As an honest server answers for a file: the rest of it when that is asked for and it is the same version.
    pub fn file(request: &Request, body: &[u8], etag: Option<&str>) -> Self {
        let same = request.header("if-range").is_none_or(|version| Some(version) == etag);
        let reply = match request.from().filter(|_| same) {
            Some(from) if from >= body.len() => {
                Self::new(416, "").with("content-range", &format!("bytes */{}", body.len()))
            }
            Some(from) => {
                let range = format!("bytes {from}-{}/{}", body.len() - 1, body.len());
                Self::new(206, &body[from..]).with("content-range", &range)
            }
            None => Self::new(200, body),
        };
        match etag {
            Some(etag) => reply.with("etag", etag),
            None => reply,
        }
    }

    pub fn redirect(to: &str) -> Self {
        Self::new(302, "").with("location", to)
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn cut(mut self, after: usize) -> Self {
        self.cut = Some(after);
        self
    }

    pub fn framed(mut self, framing: Framing) -> Self {
        self.framing = framing;
        self
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(State {
            answer: Box::new(answer),
            seen: Mutex::default(),
            sent: AtomicU64::new(0),
            active: AtomicU64::new(0),
        });
        let tasks = Tasks::new();
        let (connections, shared) = (tasks.clone(), state.clone());
        tasks.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let state = shared.clone();
                connections.spawn(async move {
                    // The client may leave at any time.
                    state.active.fetch_add(1, Ordering::SeqCst);
                    let _ = serve(stream, &state).await;
                    state.active.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { base, state, tasks }
    }

    /// Serves one file honestly under every path.
    pub async fn of(body: Vec<u8>) -> Self {
        Self::start(move |request| Reply::file(request, &body, Some("\"v1\""))).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("{}/{path}", self.base)
    }

    pub fn seen(&self) -> Vec<Request> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Bytes of bodies that were written.
    pub fn sent(&self) -> u64 {
        self.state.sent.load(Ordering::SeqCst)
    }
}

impl Server {
    /// Connections that are open.
    pub fn active(&self) -> u64 {
        self.state.active.load(Ordering::SeqCst)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}

async fn serve(mut stream: TcpStream, state: &State) -> std::io::Result<()> {
    stream.set_nodelay(true)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut lines = head.lines();
    let path = lines.next().and_then(|line| line.split(' ').nth(1)).unwrap_or_default().to_owned();
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let request = {
        let mut seen = state.seen.lock().unwrap();
        let number = seen.iter().filter(|other| other.path == path).count();
        seen.push(Request { path, headers, number });
        seen.last().unwrap().clone()
    };
    let reply = (state.answer)(&request);
    write(&mut stream, &reply, state).await
}

async fn write(stream: &mut TcpStream, reply: &Reply, state: &State) -> std::io::Result<()> {
    let framing = match reply.framing {
        Framing::Length(length) => Some(("content-length".to_owned(), length.to_string())),
        Framing::Chunked => Some(("transfer-encoding".to_owned(), "chunked".to_owned())),
        Framing::Nothing => None,
    };
    let headers: String = reply
        .headers
        .iter()
        .chain(&framing)
        .map(|(name, value)| [name, ": ", value, "\r\n"].concat())
        .collect();
    let head = format!("HTTP/1.1 {} X\r\nconnection: close\r\n{headers}\r\n", reply.status);
    stream.write_all(head.as_bytes()).await?;
    let body = &reply.body[..reply.cut.unwrap_or(reply.body.len()).min(reply.body.len())];
    let (piece, pause) = reply.pace.unwrap_or((64 * 1024, Duration::ZERO));
    for piece in body.chunks(piece) {
        if reply.framing == Framing::Chunked {
            stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        stream.write_all(piece).await?;
        state.sent.fetch_add(piece.len() as u64, Ordering::SeqCst);
        if reply.framing == Framing::Chunked {
            stream.write_all(b"\r\n").await?;
        }
        if !pause.is_zero() {
            tokio::time::sleep(pause).await;
        }
    }
    if reply.stall {
        std::future::pending::<()>().await;
    }
    if reply.cut.is_none() && reply.framing == Framing::Chunked {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    stream.write_all(&reply.garbage).await?;
    stream.shutdown().await
}
