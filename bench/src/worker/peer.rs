//! A studio for one worker, which says what it is told to and keeps the time.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use futures_util::{SinkExt, StreamExt};
use studio_protocol::{
    Feature, FeatureSet, StudioFrame, Timestamp, Welcome, WorkerFrame, decode_worker_frame, encode,
};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// Something that is due soon.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// The worker that may connect.
const WORKER_ID: &str = "w-00000000000000000000000000000001";

/// When the peer's system acknowledges what it received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Acks {
    /// As by default.
    AsTheSystemLikes,
    /// With the next answer, or after the 40 ms that the system allows: as far as a program can delay it.
    AsLateAsCanBe,
}

/// Where a worker can connect.
#[derive(Debug)]
pub struct Peer {
    listener: TcpListener,
    address: SocketAddr,
}

impl Peer {
    /// Listens on a free port.
    pub async fn listen() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The config file of a worker that is registered here.
    pub fn config(&self) -> String {
        let token = "0".repeat(64);
        let install = "00000000-0000-4000-8000-000000000001";
        format!(
            "api_base_url = \"http://{}\"\ninstall_id = \"{install}\"\nworker_id = \"{WORKER_ID}\"\nauth_token = \"{token}\"\n",
            self.address
        )
    }

    /// Waits for a worker, hears its hello and welcomes it.
    pub async fn session(&self, acks: Acks) -> anyhow::Result<PeerSession> {
        tokio::time::timeout(ANSWER_LIMIT, async {
            let (stream, _) = self.listener.accept().await?;
            stream.set_nodelay(true)?;
            let socket = tokio_tungstenite::accept_hdr_async(stream, echo_subprotocol).await?;
            let mut session = PeerSession { socket, acks, greeted: Instant::now() };
            let WorkerFrame::Hello(hello) = session.frame().await? else {
                bail!("the first frame is no hello")
            };
            session.greeted = Instant::now();
            let ours =
                [Feature::Progress, Feature::Cancel, Feature::Lease, Feature::Resume, Feature::Release];
            let features = hello.capabilities.features.intersection(FeatureSet::of(&ours));
            let worker_id = WORKER_ID.into();
            session
                .send(&[StudioFrame::Welcome(Welcome { worker_id, server_time: Timestamp::now(), features })])
                .await?;
            Ok(session)
        })
        .await
        .context("no worker came")?
    }
}

#[expect(clippy::result_large_err, clippy::unnecessary_wraps, reason = "the handshake wants this signature")]
fn echo_subprotocol(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    if let Some(protocol) = request.headers().get("Sec-WebSocket-Protocol") {
        response.headers_mut().insert("Sec-WebSocket-Protocol", protocol.clone());
    }
    Ok(response)
}

/// A worker that was welcomed.
#[derive(Debug)]
pub struct PeerSession {
    socket: WebSocketStream<TcpStream>,
    acks: Acks,
    /// When its hello had arrived.
    pub greeted: Instant,
}

impl PeerSession {
    /// Sends frames in one go.
    pub async fn send(&mut self, frames: &[StudioFrame]) -> anyhow::Result<()> {
        for frame in frames {
            self.socket.feed(Message::text(encode(frame))).await?;
        }
        self.socket.flush().await?;
        Ok(())
    }

    /// The next frame that is no heartbeat; heartbeats are acknowledged.
    pub async fn frame(&mut self) -> anyhow::Result<WorkerFrame> {
        let waiting = async {
            loop {
                let message = self.socket.next().await.context("the worker has left")??;
                self.delay_acks()?;
                let Message::Text(text) = message else { continue };
                let frame = decode_worker_frame(&text)?;
                if !matches!(frame, WorkerFrame::Heartbeat(_)) {
                    return Ok(frame);
                }
                self.send(&[StudioFrame::HeartbeatAck]).await?;
            }
        };
        tokio::time::timeout(ANSWER_LIMIT, waiting).await.context("the worker says nothing")?
    }

    /// Only answers heartbeats for a while.
    pub async fn serve(&mut self, time: Duration) -> anyhow::Result<()> {
        let end = tokio::time::Instant::now() + time;
        let mut heartbeats = 0;
        loop {
            let Ok(message) = tokio::time::timeout_at(end, self.socket.next()).await else { break };
            let Message::Text(text) = message.context("the worker has left")?? else { continue };
            if let WorkerFrame::Heartbeat(_) = decode_worker_frame(&text)? {
                heartbeats += 1;
                self.send(&[StudioFrame::HeartbeatAck]).await?;
            }
        }
        ensure!(heartbeats > 0, "no heartbeat within {time:?}");
        Ok(())
    }

    /// The system forgets this wish with every packet, so it is said after each read.
    fn delay_acks(&self) -> anyhow::Result<()> {
        if self.acks == Acks::AsLateAsCanBe {
            rustix::net::sockopt::set_tcp_quickack(self.socket.get_ref(), false)?;
        }
        Ok(())
    }
}
