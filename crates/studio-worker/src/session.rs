//! The socket of a session: opening it, frames in and out, closing it.
//!
//! Nothing is decided here; whatever happens goes to the core with the number of the connection.

mod connect;

use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use studio_protocol::{CloseCode, DecodeError, WorkerClose, WorkerFrame, decode_studio_frame, encode};
use studio_runtime::Tasks;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode as WireCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use worker_core::{Input, Secret, SocketEvent};

use crate::daemon::News;
use connect::Ws;

/// Frames that wait for the network: many times what a healthy studio leaves unread, a few MB at worst.
const OUTGOING_FRAMES: usize = 4_096;
/// How long a close waits for the studio's answer, so that what was sent before it is read.
const CLOSE_LIMIT: Duration = Duration::from_secs(2);

/// One connection, open or opening; dropping it cuts it.
#[derive(Debug)]
pub struct Session {
    number: u64,
    outgoing: mpsc::Sender<Outgoing>,
    tasks: Tasks,
}

/// The studio has not read for so long that the queue is full.
#[derive(Debug)]
pub struct Stuck;

#[derive(Debug)]
enum Outgoing {
    Frame(String),
    Close(WorkerClose),
}

impl Session {
    /// Starts to open a connection; news of it come through `inbox`.
    pub fn open(tasks: &Tasks, number: u64, url: String, token: Secret, inbox: mpsc::Sender<News>) -> Self {
        let (outgoing, queue) = mpsc::channel(OUTGOING_FRAMES);
        let tasks = tasks.child();
        tasks.spawn(run(number, url, token, queue, Reporter { number, inbox }));
        Self { number, outgoing, tasks }
    }

    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Sends a frame at once.
    pub fn send(&self, frame: &WorkerFrame) -> Result<(), Stuck> {
        match self.outgoing.try_send(Outgoing::Frame(encode(frame))) {
            // A closed queue belongs to a connection that has ended, of which the core hears by itself.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Stuck),
        }
    }

    /// Closes it after everything sent; the handle to wait for the end.
    pub fn close(self, reason: WorkerClose) -> Tasks {
        if self.outgoing.try_send(Outgoing::Close(reason)).is_err() {
            self.tasks.stop_hard();
        }
        self.tasks
    }

    /// Cuts it.
    pub fn cut(self) {
        self.tasks.stop_hard();
    }
}

/// Tells the core; once the daemon has stopped listening, nobody.
struct Reporter {
    number: u64,
    inbox: mpsc::Sender<News>,
}

impl Reporter {
    async fn tell(&self, event: SocketEvent) {
        let _ = self.inbox.send(News::Core(Input::Socket { socket: self.number, event })).await;
    }
}

async fn run(
    number: u64,
    url: String,
    token: Secret,
    mut outgoing: mpsc::Receiver<Outgoing>,
    reporter: Reporter,
) {
    let opened = tokio::select! {
        biased;
        opened = connect::connect(&url, &token) => opened,
        // The core sends nothing before it hears of the opening: this is the order to give up.
        _ = outgoing.recv() => return,
    };
    let ws = match opened {
        Ok(ws) => ws,
        Err(event) => return reporter.tell(event).await,
    };
    tracing::debug!(connection = number, "connected");
    reporter.tell(SocketEvent::Opened).await;
    let (sink, stream) = ws.split();
    let writing = async {
        match write(sink, outgoing).await {
            // Data that the studio sent meanwhile must be read: closing over it would reset the connection.
            Ok(()) => tokio::time::sleep(CLOSE_LIMIT).await,
            Err(error) => {
                tracing::debug!(connection = number, "could not send: {error}");
                reporter.tell(SocketEvent::Closed(None)).await;
            }
        }
    };
    tokio::select! {
        () = writing => {}
        () = read(stream, &reporter) => {}
    }
}

/// Sends what is queued and flushes as soon as the queue is empty; ends after a close.
async fn write(
    mut sink: SplitSink<Ws, Message>,
    mut outgoing: mpsc::Receiver<Outgoing>,
) -> Result<(), Error> {
    while let Some(mut next) = outgoing.recv().await {
        loop {
            match next {
                Outgoing::Frame(text) => sink.feed(Message::text(text)).await?,
                Outgoing::Close(reason) => {
                    let frame = CloseFrame { code: WireCode::Normal, reason: reason.as_str().into() };
                    return sink.send(Message::Close(Some(frame))).await;
                }
            }
            match outgoing.try_recv() {
                Ok(more) => next = more,
                Err(_) => break,
            }
        }
        sink.flush().await?;
    }
    Ok(())
}

/// Reads until the connection ends.
async fn read(mut stream: SplitStream<Ws>, reporter: &Reporter) {
    while let Some(message) = stream.next().await {
        let event = match message {
            Ok(Message::Text(text)) => read_frame(&text),
            Ok(Message::Binary(_)) => SocketEvent::Unreadable("a binary message".to_owned()),
            Ok(Message::Close(frame)) => {
                let code = frame.map(|frame| CloseCode::from(u16::from(frame.code)));
                return reporter.tell(SocketEvent::Closed(code)).await;
            }
            Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => continue,
            Err(Error::Capacity(error)) => SocketEvent::Unreadable(error.to_string()),
            Err(error) => {
                tracing::debug!(connection = reporter.number, "connection ended: {error}");
                SocketEvent::Closed(None)
            }
        };
        let ended = matches!(event, SocketEvent::Closed(_));
        reporter.tell(event).await;
        if ended {
            return;
        }
    }
    reporter.tell(SocketEvent::Closed(None)).await;
}

fn read_frame(text: &str) -> SocketEvent {
    match decode_studio_frame(text) {
        Ok(frame) => SocketEvent::Frame(Box::new(frame)),
        Err(error @ DecodeError::UnknownType(_)) => SocketEvent::UnknownFrame(error.to_string()),
        Err(
            error @ (DecodeError::TooLarge(_) | DecodeError::NotAFrame(_) | DecodeError::Malformed { .. }),
        ) => SocketEvent::Unreadable(error.to_string()),
    }
}
