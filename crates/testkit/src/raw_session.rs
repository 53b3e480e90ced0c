//! A session that says exactly what a test tells it to.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use studio_protocol::{
    Capabilities, Hello, OfferClaim, StudioFrame, Welcome, WorkerFrame, decode_studio_frame, encode,
};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::Identity;
use crate::raw_worker::ANSWER_LIMIT;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// What came out of a session.
#[derive(Debug)]
pub enum Received {
    /// A frame that can be read.
    Frame(StudioFrame),
    /// A text that is no frame.
    Text(String),
    /// The studio closed, with code and reason.
    Closed(u16, String),
    /// The connection ended without a close.
    Cut,
}

/// An open socket.
#[derive(Debug)]
pub struct RawSession {
    socket: Socket,
}

impl RawSession {
    pub(crate) fn new(socket: Socket) -> Self {
        Self { socket }
    }

    /// Says any text; whether it arrives is seen by what comes back.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        let _ = self.socket.send(Message::text(text.into())).await;
    }

    /// Says bytes, which the protocol does not know.
    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        let _ = self.socket.send(Message::binary(bytes)).await;
    }

    /// Says a frame.
    pub async fn send(&mut self, frame: &WorkerFrame) {
        self.send_text(encode(frame)).await;
    }

    /// Says a JSON value.
    pub async fn send_json(&mut self, frame: Value) {
        self.send_text(frame.to_string()).await;
    }

    /// Greets, and waits for the welcome.
    pub async fn hello(&mut self, identity: &Identity, capabilities: &Capabilities) -> Welcome {
        let hello = Hello { auth_token: identity.token.clone(), capabilities: capabilities.clone() };
        self.send(&WorkerFrame::Hello(Box::new(hello))).await;
        self.expect(
            "welcome",
            |frame| if let StudioFrame::Welcome(welcome) = frame { Some(welcome) } else { None },
        )
        .await
    }

    /// The next thing that comes, pings aside.
    pub async fn receive(&mut self, limit: Duration) -> Option<Received> {
        tokio::time::timeout(limit, self.next()).await.ok()
    }

    async fn next(&mut self) -> Received {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => {
                    return match decode_studio_frame(&text) {
                        Ok(frame) => Received::Frame(frame),
                        Err(_) => Received::Text(text.to_string()),
                    };
                }
                Some(Ok(Message::Close(frame))) => {
                    let (code, reason) =
                        frame.map_or((1005, String::new()), |f| (f.code.into(), f.reason.to_string()));
                    return Received::Closed(code, reason);
                }
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
                Some(Err(_)) | None => return Received::Cut,
            }
        }
    }

    /// Waits for the frame that `pick` takes, other frames skipped; panics when the session ends first.
    pub async fn expect<T>(&mut self, what: &str, mut pick: impl FnMut(StudioFrame) -> Option<T>) -> T {
        let waiting = async {
            loop {
                match self.next().await {
                    Received::Frame(frame) => {
                        if let Some(found) = pick(frame) {
                            return found;
                        }
                    }
                    Received::Text(text) => panic!("expected {what}, got {text:.200}"),
                    Received::Closed(code, reason) => {
                        panic!("expected {what}, closed with {code} `{reason}`")
                    }
                    Received::Cut => panic!("expected {what}, the connection was cut"),
                }
            }
        };
        let found = tokio::time::timeout(ANSWER_LIMIT, waiting).await;
        found.unwrap_or_else(|_| panic!("expected {what} within {ANSWER_LIMIT:?}"))
    }

    /// Waits for an offer, and returns its claim.
    pub async fn offer(&mut self) -> OfferClaim {
        self.expect(
            "an offer",
            |frame| if let StudioFrame::Offer(offer) = frame { Some(offer.claim) } else { None },
        )
        .await
    }

    /// Sends a heartbeat that holds `jobs`, and waits for its acknowledgement.
    pub async fn heartbeat(&mut self, capabilities: &Capabilities, current: Option<&str>) {
        let mut frame = json!({"type": "heartbeat", "capabilities": capabilities});
        if let Some(job) = current {
            frame["currentJobId"] = json!(job);
        }
        self.send_json(frame).await;
        self.expect("heartbeatAck", |frame| matches!(frame, StudioFrame::HeartbeatAck).then_some(())).await;
    }

    /// Asserts that no frame comes for a while.
    pub async fn expect_silence(&mut self, time: Duration) {
        if let Some(received) = self.receive(time).await {
            panic!("expected silence, got {received:?}");
        }
    }

    /// Asserts that nothing but acknowledgements of heartbeats comes for a while.
    pub async fn expect_silence_but_acks(&mut self, time: Duration) {
        let waiting = async {
            loop {
                let received = self.next().await;
                if !matches!(received, Received::Frame(StudioFrame::HeartbeatAck)) {
                    return received;
                }
            }
        };
        if let Ok(received) = tokio::time::timeout(time, waiting).await {
            panic!("expected silence, got {received:?}");
        }
    }

    /// Waits until the studio closes, frames before that skipped, and returns the code.
    pub async fn expect_close(&mut self, limit: Duration) -> (u16, String) {
        let waiting = async {
            loop {
                match self.next().await {
                    Received::Closed(code, reason) => return (code, reason),
                    Received::Cut => panic!("expected a close, the connection was cut"),
                    Received::Frame(_) | Received::Text(_) => {}
                }
            }
        };
        let closed = tokio::time::timeout(limit, waiting).await;
        closed.unwrap_or_else(|_| panic!("expected a close within {limit:?}"))
    }

    /// Closes as a worker does, and waits for the studio's close.
    pub async fn close(mut self, reason: &str) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: reason.to_owned().into() };
        let _ = self.socket.close(Some(frame)).await;
        let _ =
            tokio::time::timeout(ANSWER_LIMIT, async { while let Some(Ok(_)) = self.socket.next().await {} })
                .await;
    }

    /// Drops the connection without a word, by a reset.
    pub fn cut(self) {
        if let MaybeTlsStream::Plain(stream) = self.socket.get_ref() {
            let _ = stream.set_zero_linger();
        }
    }
}
