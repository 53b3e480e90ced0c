//! One worker of a fleet, as lean as the protocol lets it be.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use anyhow::Context;
use futures_util::{SinkExt, StreamExt};
use serde::Deserialize;
use studio_protocol::{
    API_PREFIX, CONNECT_LIMIT, CloseCode, HEARTBEAT_INTERVAL, READ_IDLE_LIMIT, SUBPROTOCOL,
};
use tokio::net::TcpStream;
use tokio::time::MissedTickBehavior;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use super::{Habit, Identity, Shared};

/// Frames of a fleet are short, and there are many sessions.
const BUFFER_BYTES: usize = 2 * 1024;

/// The fields of any frame that a session acts on.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    #[serde(rename = "type")]
    tag: &'a str,
    claim: Option<Claim>,
    #[serde(default)]
    stale: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    job_id: String,
    attempt: Option<u32>,
}

struct Worker {
    shared: Arc<Shared>,
    identity: Identity,
    idle_heartbeat: Utf8Bytes,
    held: Option<Claim>,
}

type Socket = WebSocketStream<TcpStream>;

/// Connects, and again whenever the connection is gone, with the protocol's waits.
pub async fn live(shared: Arc<Shared>, identity: Identity) {
    let idle_heartbeat = format!(r#"{{"type":"heartbeat","capabilities":{}}}"#, shared.capabilities).into();
    let mut worker = Worker { shared: shared.clone(), identity, idle_heartbeat, held: None };
    let mut failures = 0;
    let mut first = shared.gate.acquire().await.ok();
    loop {
        if let Ok(mut socket) = worker.open().await {
            drop(first.take());
            failures = 0;
            shared.online.fetch_add(1, Ordering::Relaxed);
            let sent_away = worker.serve(&mut socket).await;
            shared.online.fetch_sub(1, Ordering::Relaxed);
            if sent_away {
                shared.ended.fetch_add(1, Ordering::Relaxed);
                return;
            }
        }
        failures += 1;
        tokio::time::sleep(worker_core::full_jitter(failures, rand::random())).await;
    }
}

impl Worker {
    /// Up to the welcome.
    async fn open(&self) -> anyhow::Result<Socket> {
        tokio::time::timeout(CONNECT_LIMIT, async {
            let stream = TcpStream::connect(self.shared.address).await?;
            stream.set_nodelay(true)?;
            let Identity { worker_id, token } = &self.identity;
            let url = format!("ws://{}{API_PREFIX}/workers/{worker_id}/connect", self.shared.address);
            let mut request = url.into_client_request()?;
            request.headers_mut().insert("Authorization", format!("Bearer {token}").parse()?);
            request.headers_mut().insert("Sec-WebSocket-Protocol", SUBPROTOCOL.parse()?);
            let config =
                WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(BUFFER_BYTES);
            let (mut socket, _) =
                tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
            let capabilities = &self.shared.capabilities;
            let hello = format!(r#"{{"type":"hello","authToken":"{token}","capabilities":{capabilities}}}"#);
            socket.send(Message::text(hello)).await?;
            let welcome = socket.next().await.context("no welcome")??;
            anyhow::ensure!(welcome.to_text()?.contains(r#""welcome""#), "no welcome");
            // What is held is named at once, so that the studio keeps the claim.
            socket.send(Message::Text(self.heartbeat())).await?;
            Ok(socket)
        })
        .await?
    }

    /// Until the connection is gone; true when the studio wants no other.
    async fn serve(&mut self, socket: &mut Socket) -> bool {
        // Not in step: a fleet starts over minutes.
        let first = HEARTBEAT_INTERVAL.mul_f64(rand::random());
        let mut heartbeat = tokio::time::interval_at(tokio::time::Instant::now() + first, HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut finish = self.shared.finish.clone();
        let mut heard = Instant::now();
        loop {
            let step = tokio::select! {
                message = socket.next() => {
                    heard = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.frame(socket, &text, heard).await,
                        Some(Ok(Message::Close(frame))) => {
                            let code = frame.map_or(CloseCode::Normal, |frame| u16::from(frame.code).into());
                            return matches!(
                                code,
                                CloseCode::AuthFailed | CloseCode::DuplicateWorker | CloseCode::WorkerDeleted
                            );
                        }
                        Some(Ok(_)) => ControlFlow::Continue(()),
                        Some(Err(_)) | None => ControlFlow::Break(()),
                    }
                }
                _ = heartbeat.tick() => match heard.elapsed() {
                    silence if silence > READ_IDLE_LIMIT => ControlFlow::Break(()),
                    _ => step(socket.send(Message::Text(self.heartbeat())).await.is_ok()),
                },
                Ok(()) = finish.changed() => match self.held.take() {
                    Some(claim) => step(socket.send(complete(&claim)).await.is_ok()),
                    None => ControlFlow::Continue(()),
                },
            };
            if step.is_break() {
                return false;
            }
        }
    }

    async fn frame(&mut self, socket: &mut Socket, text: &str, at: Instant) -> ControlFlow<()> {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else { return ControlFlow::Break(()) };
        match (frame.tag, frame.claim) {
            ("offer", Some(claim)) => self.offer(socket, claim, at).await,
            ("completeAck", _) => {
                let count = if frame.stale { &self.shared.stale } else { &self.shared.stored };
                count.fetch_add(1, Ordering::Relaxed);
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    async fn offer(&mut self, socket: &mut Socket, claim: Claim, at: Instant) -> ControlFlow<()> {
        self.shared.offers.fetch_add(1, Ordering::Relaxed);
        if let Some(arrivals) = &self.shared.arrivals {
            // Nobody listens any more once the measurement is over.
            let _ = arrivals.send((claim.job_id.clone(), at));
        }
        let accept =
            Message::text(format!(r#"{{"type":"accept","jobId":"{}"{}}}"#, claim.job_id, attempt(&claim)));
        if self.shared.habit == Habit::Hold && !*self.shared.finish.borrow() {
            self.held = Some(claim);
            return step(socket.send(accept).await.is_ok());
        }
        let both = async {
            socket.feed(accept).await?;
            socket.send(complete(&claim)).await
        };
        step(both.await.is_ok())
    }

    fn heartbeat(&self) -> Utf8Bytes {
        let Some(Claim { job_id, .. }) = &self.held else { return self.idle_heartbeat.clone() };
        let capabilities = &self.shared.capabilities;
        format!(
            r#"{{"type":"heartbeat","capabilities":{capabilities},"currentJobId":"{job_id}","heldJobs":["{job_id}"]}}"#
        )
        .into()
    }
}

/// A socket that takes no more frames is gone.
fn step(is_sent: bool) -> ControlFlow<()> {
    if is_sent { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

fn complete(claim: &Claim) -> Message {
    let (job, attempt) = (&claim.job_id, attempt(claim));
    Message::text(format!(
        r#"{{"type":"completeJson","jobId":"{job}","result":{{"ok":true}},"prompt":"hi"{attempt}}}"#
    ))
}

fn attempt(claim: &Claim) -> String {
    claim.attempt.map_or_else(String::new, |number| format!(r#","attempt":{number}"#))
}
