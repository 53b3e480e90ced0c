//! A studio that records what it is asked and answers as told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use studio_runtime::Tasks;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request as Upgrade, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::http::{self, Answer, Request};
use super::{DEADLINE, until};

type Handler = Box<dyn FnMut(&Request) -> Answer + Send>;

pub struct Studio {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    sessions: mpsc::Receiver<Peer>,
    tasks: Tasks,
}

struct Shared {
    handler: Mutex<Handler>,
    requests: Mutex<Vec<Request>>,
    refusal: Mutex<Option<Answer>>,
    upgrades: Mutex<Vec<String>>,
    sessions: mpsc::Sender<Peer>,
}

impl Drop for Studio {
    fn drop(&mut self) {
        self.tasks.stop_hard();
    }
}

impl Studio {
    pub async fn start() -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap()).await
    }

    pub async fn start_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (sender, sessions) = mpsc::channel(64);
        let shared = Arc::new(Shared {
            handler: Mutex::new(Box::new(|_| Answer::of(404, "nothing here"))),
            requests: Mutex::default(),
            refusal: Mutex::default(),
            upgrades: Mutex::default(),
            sessions: sender,
        });
        let tasks = Tasks::new();
        tasks.spawn({
            let (shared, tasks) = (Arc::clone(&shared), tasks.clone());
            async move {
                while let Ok((stream, _)) = listener.accept().await {
                    tasks.spawn(Arc::clone(&shared).serve(stream));
                }
            }
        });
        Self { address, shared, sessions, tasks }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What HTTP requests are answered from now on.
    pub fn answer(&self, handler: impl FnMut(&Request) -> Answer + Send + 'static) {
        *self.shared.handler.lock().unwrap() = Box::new(handler);
    }

    /// What upgrades are answered from now on; `None` takes them.
    pub fn refuse_upgrades(&self, answer: Option<Answer>) {
        *self.shared.refusal.lock().unwrap() = answer;
    }

    pub fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// The heads of all upgrades.
    pub fn upgrades(&self) -> Vec<String> {
        self.shared.upgrades.lock().unwrap().clone()
    }

    pub async fn requested(&self, number: usize) -> Vec<Request> {
        until(&format!("{number} requests"), || Some(self.requests()).filter(|all| all.len() >= number)).await
    }

    /// The next connection, before anything was said.
    pub async fn connection(&mut self) -> Peer {
        tokio::time::timeout(DEADLINE * 10, self.sessions.recv()).await.expect("no connection").unwrap()
    }

    /// The next session, welcomed with `features` and past its first heartbeat.
    pub async fn session(&mut self, features: &[&str]) -> Peer {
        let mut peer = self.connection().await;
        assert_eq!(peer.next().await["type"], "hello");
        peer.welcome(features).await;
        peer.first_heartbeat = peer.next().await;
        assert_eq!(peer.first_heartbeat["type"], "heartbeat");
        peer.send(json!({"type": "heartbeatAck"})).await;
        peer
    }
}

impl Shared {
    async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        let Some(head) = http::peek_head(&stream).await else { return };
        if head.to_ascii_lowercase().contains("upgrade: websocket") {
            self.upgrades.lock().unwrap().push(head.clone());
            return self.upgrade(stream).await;
        }
        let Some(request) = http::read(&mut stream, head).await else { return };
        self.requests.lock().unwrap().push(request.clone());
        let answer = (self.handler.lock().unwrap())(&request);
        answer.write(&mut stream).await;
    }

    async fn upgrade(&self, mut stream: TcpStream) {
        let refusal = self.refusal.lock().unwrap().clone();
        if let Some(refusal) = refusal {
            return refusal.write(&mut stream).await;
        }
        #[expect(clippy::result_large_err, reason = "the signature is tungstenite's")]
        let echo = |request: &Upgrade, mut response: Response| -> Result<Response, ErrorResponse> {
            assert_eq!(request.headers()["sec-websocket-protocol"], "studio-worker-v1");
            response
                .headers_mut()
                .insert("sec-websocket-protocol", HeaderValue::from_static("studio-worker-v1"));
            Ok(response)
        };
        if let Ok(socket) = tokio_tungstenite::accept_hdr_async(stream, echo).await {
            let _ = self.sessions.send(Peer { socket, first_heartbeat: Value::Null }).await;
        }
    }
}

/// The studio's end of a session.
pub struct Peer {
    socket: WebSocketStream<TcpStream>,
    pub first_heartbeat: Value,
}

impl Peer {
    /// The next frame, whatever it is.
    pub async fn next(&mut self) -> Value {
        match self.next_or_close().await {
            Ok(frame) => frame,
            Err(close) => panic!("the worker closed: {close:?}"),
        }
    }

    /// The next frame, or how the worker ended the connection.
    pub async fn next_or_close(&mut self) -> Result<Value, Option<(u16, String)>> {
        loop {
            let message = tokio::time::timeout(DEADLINE * 10, self.socket.next())
                .await
                .expect("the worker says nothing");
            match message {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(frame))) => {
                    return Err(frame.map(|frame| (frame.code.into(), frame.reason.to_string())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The next frame of a type; heartbeats are acknowledged on the way, anything else but logs and progress is an error.
    pub async fn expect(&mut self, wanted: &str) -> Value {
        loop {
            let frame = self.next().await;
            let word = frame["type"].as_str().unwrap().to_owned();
            if word == wanted {
                return frame;
            }
            match word.as_str() {
                "heartbeat" => self.send(json!({"type": "heartbeatAck"})).await,
                "logBatch" | "progress" => {}
                _ => panic!("wanted {wanted}, got {frame}"),
            }
        }
    }

    /// The next frame that is of none of these types; heartbeats are acknowledged on the way.
    pub async fn until_not(&mut self, others: &[&str]) -> Value {
        loop {
            let frame = self.next().await;
            match frame["type"].as_str().unwrap() {
                "heartbeat" => self.send(json!({"type": "heartbeatAck"})).await,
                word if others.contains(&word) => {}
                _ => return frame,
            }
        }
    }

    /// How the worker ends the connection; frames before it are returned.
    pub async fn closed(&mut self) -> (Vec<Value>, Option<(u16, String)>) {
        let mut frames = Vec::new();
        loop {
            match self.next_or_close().await {
                Ok(frame) => frames.push(frame),
                Err(close) => return (frames, close),
            }
        }
    }

    pub async fn send(&mut self, frame: Value) {
        self.send_text(&frame.to_string()).await;
    }

    pub async fn send_text(&mut self, text: &str) {
        let _ = self.socket.send(Message::text(text)).await;
    }

    pub async fn ping(&mut self) {
        let _ = self.socket.send(Message::Ping(Vec::new().into())).await;
    }

    pub async fn welcome(&mut self, features: &[&str]) {
        let mut welcome =
            json!({"type": "welcome", "workerId": "w-1", "serverTime": "2026-05-25T12:00:00.000Z"});
        if !features.is_empty() {
            welcome["features"] = json!(features);
        }
        self.send(welcome).await;
    }

    pub async fn offer(&mut self, claim: Value) {
        self.send(json!({"type": "offer", "claim": claim})).await;
    }

    pub async fn acknowledge(&mut self, job: &str) {
        self.send(json!({"type": "completeAck", "jobId": job})).await;
    }

    pub async fn close(mut self, code: u16) {
        let frame = CloseFrame { code: code.into(), reason: "".into() };
        let _ = self.socket.send(Message::Close(Some(frame))).await;
        let _ = tokio::time::timeout(Duration::from_secs(1), async {
            while let Some(Ok(_)) = self.socket.next().await {}
        })
        .await;
    }
}
