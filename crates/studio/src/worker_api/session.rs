//! One worker's socket: `hello`, then frames both ways until either side has had enough.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use futures_util::SinkExt;
use studio_protocol::{
    CloseCode, DecodeError, ErrorFrame, HELLO_LIMIT, Hello, LogBatch, MAX_LOG_ENTRIES, MAX_PREVIEW_BYTES,
    StudioFrame, Timestamp, WorkerFrame, decode_worker_frame, encode,
};
use studio_scheduler::{Input, SessionId};
use studio_store::{JobLog, NewJobLog, WorkerRecord};
use tokio::sync::mpsc;

use super::auth::is_token_of;
use super::offers::Offers;
use crate::coordinator::{Letter, OUTBOX, Outgoing};
use crate::state::AppState;

/// A frame that cannot be sent for this long: the worker does not read, or its network is gone.
const SEND_LIMIT: Duration = Duration::from_secs(20);
/// After our close frame the worker may still answer with its own.
const CLOSE_LIMIT: Duration = Duration::from_secs(1);
/// Going away, RFC 6455 section 7.4.1: the studio stops, and the worker comes back.
const GOING_AWAY: CloseCode = CloseCode::Other(1001);
/// The longest close reason that fits a control frame (125 bytes with the code).
const MAX_CLOSE_REASON: usize = 123;

/// Why a socket ends from this side.
struct Ending {
    code: CloseCode,
    message: String,
}

impl Ending {
    fn violation(message: impl Into<String>) -> Self {
        Self { code: CloseCode::ProtocolViolation, message: message.into() }
    }
}

/// Serves a socket to its end.
pub async fn run(state: AppState, record: WorkerRecord, mut socket: WebSocket, offers: Offers) {
    // Before hello, so that of two sockets of one worker the number tells which is the older one.
    let session = state.coordinator.next_session();
    let ending = match tokio::time::timeout(HELLO_LIMIT, hello(&record, &mut socket)).await {
        Ok(Ok(Some(hello))) => serve(&state, &record, session, hello, &mut socket, &offers).await,
        Ok(Ok(None)) => None,
        Ok(Err(ending)) => Some(ending),
        Err(_) => Some(Ending::violation(format!("no hello within {} s", HELLO_LIMIT.as_secs()))),
    };
    if let Some(ending) = ending {
        tracing::info!(worker = %record.id, code = ending.code.as_u16(), "session ends: {}", ending.message);
        // A peer that is gone cannot be told.
        let _ = tokio::time::timeout(CLOSE_LIMIT, close(&mut socket, ending)).await;
    }
}

/// The first frame; `None` when the peer has left.
async fn hello(record: &WorkerRecord, socket: &mut WebSocket) -> Result<Option<Box<Hello>>, Ending> {
    loop {
        match next(socket).await? {
            Heard::Frame(WorkerFrame::Hello(hello)) if is_token_of(record, &hello.auth_token) => {
                return Ok(Some(hello));
            }
            Heard::Frame(WorkerFrame::Hello(_)) => {
                let message = "the token in hello is not this worker's".to_owned();
                return Err(Ending { code: CloseCode::AuthFailed, message });
            }
            Heard::Frame(_) | Heard::Unknown(_) => {
                return Err(Ending::violation("the first frame must be hello"));
            }
            Heard::Nothing => {}
            Heard::Gone => return Ok(None),
        }
    }
}

async fn serve(
    state: &AppState,
    record: &WorkerRecord,
    session: SessionId,
    hello: Box<Hello>,
    socket: &mut WebSocket,
    offers: &Offers,
) -> Option<Ending> {
    let (outbox, mut outgoing) = mpsc::channel(OUTBOX);
    let capabilities = Arc::new(hello.capabilities);
    note_capabilities(state, record, &capabilities);
    let input = Input::Opened {
        session,
        worker: record.id.clone(),
        capabilities,
        paused: record.paused || record.draining,
    };
    state.coordinator.post(Letter::Open { input, session, outbox }).await;
    tracing::info!(worker = %record.id, session = session.0, "worker connected");
    let stopping = state.tasks.soft().clone();
    let ending = loop {
        tokio::select! {
            () = stopping.cancelled() => {
                break Some(Ending { code: GOING_AWAY, message: "the studio is shutting down".to_owned() });
            }
            letter = outgoing.recv() => match letter {
                Some(letter) => match send(socket, letter, &mut outgoing, offers).await {
                    Ok(None) => {}
                    Ok(Some(ending)) => break Some(ending),
                    Err(_) => break None,
                },
                None => break Some(Ending {
                    code: CloseCode::Normal,
                    message: "this session does not read its frames".to_owned(),
                }),
            },
            heard = next(socket) => match heard {
                Ok(Heard::Frame(frame)) => match input_of(state, record, session, frame) {
                    Ok(input) => state.coordinator.post(Letter::Input(input)).await,
                    Err(ending) => break Some(ending),
                },
                Ok(Heard::Unknown(name)) => {
                    tracing::warn!(worker = %record.id, "frame type `{name}` is not known here, ignored");
                }
                Ok(Heard::Nothing) => {}
                Ok(Heard::Gone) => break None,
                Err(ending) => break Some(ending),
            },
        }
    };
    state.coordinator.post(Letter::Input(Input::Closed { session })).await;
    tracing::info!(worker = %record.id, session = session.0, "worker disconnected");
    ending
}

enum Heard {
    Frame(WorkerFrame),
    /// A frame of a newer worker, by its type.
    Unknown(String),
    /// A ping or its like.
    Nothing,
    Gone,
}

/// The next message; safe to drop, a message that is half read stays in the socket.
async fn next(socket: &mut WebSocket) -> Result<Heard, Ending> {
    let message = match socket.recv().await {
        None => return Ok(Heard::Gone),
        Some(Err(error)) => {
            tracing::debug!(%error, "socket ended");
            return Ok(Heard::Gone);
        }
        Some(Ok(message)) => message,
    };
    match message {
        Message::Text(text) => match decode_worker_frame(&text) {
            Ok(frame) => Ok(Heard::Frame(frame)),
            Err(DecodeError::UnknownType(name)) => Ok(Heard::Unknown(name)),
            Err(error) => Err(Ending::violation(error.to_string())),
        },
        Message::Binary(_) => Err(Ending::violation("frames are text, this one is binary")),
        Message::Ping(_) | Message::Pong(_) => Ok(Heard::Nothing),
        Message::Close(_) => Ok(Heard::Gone),
    }
}

/// Sends a letter and those that wait behind it, in one go.
async fn send(
    socket: &mut WebSocket,
    first: Outgoing,
    more: &mut mpsc::Receiver<Outgoing>,
    offers: &Offers,
) -> Result<Option<Ending>, axum::Error> {
    let sending = async {
        let mut letter = Some(first);
        while let Some(this) = letter {
            match this {
                Outgoing::Frame(mut frame) => {
                    offers.address(&mut frame);
                    socket.feed(Message::Text(encode(&frame).into())).await?;
                }
                Outgoing::Close { code, message } => return Ok(Some(Ending { code, message })),
            }
            letter = more.try_recv().ok();
        }
        socket.flush().await?;
        Ok(None)
    };
    match tokio::time::timeout(SEND_LIMIT, sending).await {
        Ok(outcome) => outcome,
        Err(elapsed) => Err(axum::Error::new(elapsed)),
    }
}

async fn close(socket: &mut WebSocket, ending: Ending) -> Result<(), axum::Error> {
    let Ending { code, message } = ending;
    if code != GOING_AWAY {
        let error = StudioFrame::Error(ErrorFrame { code: code.error_code(), message: message.clone() });
        socket.send(Message::Text(encode(&error).into())).await?;
    }
    let reason = message.char_indices().take_while(|(at, c)| at + c.len_utf8() <= MAX_CLOSE_REASON);
    let reason: String = reason.map(|(_, c)| c).collect();
    socket.send(Message::Close(Some(CloseFrame { code: code.as_u16(), reason: reason.into() }))).await?;
    // Reading on lets the close frame arrive before the connection is reset.
    while let Some(Ok(_)) = socket.recv().await {}
    Ok(())
}

fn input_of(
    state: &AppState,
    record: &WorkerRecord,
    session: SessionId,
    frame: WorkerFrame,
) -> Result<Input, Ending> {
    Ok(match frame {
        WorkerFrame::Hello(_) => return Err(Ending::violation("hello was said before")),
        WorkerFrame::Heartbeat(mut heartbeat) => {
            let capabilities = Arc::new(std::mem::take(&mut heartbeat.capabilities));
            Input::Heartbeat(session, heartbeat, capabilities)
        }
        WorkerFrame::Accept(accept) => Input::Accept(session, accept),
        WorkerFrame::Reject(reject) => Input::Reject(session, reject),
        WorkerFrame::CompleteJson(complete) => Input::CompleteJson(session, complete),
        WorkerFrame::Fail(fail) => Input::Fail(session, fail),
        WorkerFrame::Progress(progress) => Input::Progress(session, progress),
        // Nobody asked for one that is larger.
        WorkerFrame::Preview(preview) if preview.data.len() > MAX_PREVIEW_BYTES => Input::Seen(session),
        WorkerFrame::Preview(preview) => Input::Preview(session, preview),
        WorkerFrame::Delta(delta) => Input::Delta(session, delta),
        WorkerFrame::Release(release) => Input::Release(session, release),
        WorkerFrame::Goodbye(_) => Input::Goodbye(session),
        WorkerFrame::LogBatch(batch) => {
            keep_logs(state, record, batch);
            Input::Seen(session)
        }
        WorkerFrame::ReadyForMore => Input::Seen(session),
    })
}

/// The last entries are remembered; those about jobs are kept with them as well, where the worker had them.
fn keep_logs(state: &AppState, record: &WorkerRecord, batch: LogBatch) {
    let mut entries = batch.entries;
    entries.truncate(MAX_LOG_ENTRIES);
    state.live.logs().append(&record.id, &entries);
    let entries = entries.into_iter().filter_map(|entry| {
        let job = entry.job_id?;
        let entry =
            JobLog { ts: entry.ts, level: entry.level, category: entry.category, message: entry.message };
        Some(NewJobLog { job, entry })
    });
    let lines: Vec<NewJobLog> = entries.collect();
    if lines.is_empty() {
        return;
    }
    let worker = record.id.clone();
    state.store.write_then(
        move |db| {
            let mut known = std::collections::HashMap::new();
            let mut kept = Vec::with_capacity(lines.len());
            for line in lines {
                let is_known = match known.get(&line.job) {
                    Some(is_known) => *is_known,
                    None => *known.entry(line.job.clone()).or_insert(db.attempt_of(&line.job, &worker)?),
                };
                if is_known {
                    kept.push(line);
                }
            }
            db.append_job_logs(&kept)
        },
        |outcome| {
            if let Err(error) = outcome {
                tracing::warn!("could not keep a worker's log entries: {error}");
            }
        },
    );
}

fn note_capabilities(state: &AppState, record: &WorkerRecord, capabilities: &studio_protocol::Capabilities) {
    let Ok(json) = serde_json::to_string(capabilities) else { return };
    let seen = vec![(record.id.clone(), Some(json))];
    state.store.write_then(
        move |db| db.touch_workers(&seen, Timestamp::now()),
        |outcome| {
            if let Err(error) = outcome {
                tracing::warn!("could not note a worker's capabilities: {error}");
            }
        },
    );
}
