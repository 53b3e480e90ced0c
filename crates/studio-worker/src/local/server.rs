//! Connections: accepted on loopback, a bounded number of them, none of them for ever.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use studio_runtime::Tasks;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// Connections at once: twice the requests, as some only wait for their next one.
const MOST_CONNECTIONS: usize = 128;
/// Until a request's head is here, from the connection's start or the request before.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// Of a request: tokens and names are short.
const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Pause after a failed accept: without it, missing file handles would keep a processor busy.
const ACCEPT_RETRY: Duration = Duration::from_secs(1);
/// How long answers that are on their way may take once the daemon ends.
pub(super) const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// For the one that finds no place: small enough for any socket's buffer.
const NO_PLACE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nretry-after: 1\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A socket that listens, and where.
#[derive(Debug)]
pub(super) struct Listener {
    socket: TcpListener,
    pub(super) port: u16,
}

/// On `port`, or on a free one where somebody else is there already.
pub(super) async fn listen(port: u16) -> io::Result<Listener> {
    let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let socket = match TcpListener::bind(loopback(port)).await {
        Ok(socket) => socket,
        Err(error) if port != 0 => {
            tracing::info!("port {port} is not free for the local API ({error}): another one is taken");
            TcpListener::bind(loopback(0)).await?
        }
        Err(error) => return Err(error),
    };
    let port = socket.local_addr()?.port();
    Ok(Listener { socket, port })
}

/// Serves until the first step of `tasks`, which own the connections.
pub(super) async fn serve(listener: Listener, app: Router, tasks: &Tasks) {
    let places = Arc::new(Semaphore::new(MOST_CONNECTIONS));
    let ending = tasks.soft().clone();
    loop {
        let accepted = tokio::select! {
            accepted = listener.socket.accept() => accepted,
            () = ending.cancelled() => return,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::debug!("no connection to the local API: {error}");
                tokio::time::sleep(ACCEPT_RETRY).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            tasks.spawn(turn_away(stream));
            continue;
        };
        let (app, ending) = (app.clone(), ending.clone());
        tasks.spawn(async move {
            connection(stream, peer, app, ending).await;
            drop(place);
        });
    }
}

async fn turn_away(mut stream: TcpStream) {
    let _ = stream.write_all(NO_PLACE).await;
}

async fn connection(stream: TcpStream, peer: SocketAddr, app: Router, ending: CancellationToken) {
    // Answers are small and somebody waits for each of them.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |mut request: hyper::Request<hyper::body::Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        TowerToHyperService::new(app.clone()).call(request)
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_LIMIT).max_buf_size(MAX_HEAD_BYTES);
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = ending.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!("a local connection broke: {error}");
    }
}
