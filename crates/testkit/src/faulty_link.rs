//! A network that fails on command: a TCP proxy on loopback.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What is passed on at a time: a few packets.
const CHUNK: usize = 64 * 1024;

/// What the link does to bytes, and to connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Weather {
    /// How bytes travel.
    traffic: Traffic,
    /// Raised by each cut: connections of an earlier number are reset.
    cuts: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Traffic {
    /// At once.
    Flows,
    /// After this time.
    Late(Duration),
    /// Nothing arrives, nobody is told; what was on its way arrives when the link is restored.
    BlackHole,
    /// Connections are reset at once.
    Refused,
}

/// A proxy in front of a studio; dropped, it takes its connections with it.
#[derive(Debug)]
pub struct FaultyLink {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    _tasks: JoinSet<()>,
}

impl FaultyLink {
    /// A link to `upstream` that works.
    pub async fn to(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("loopback has a free port");
        let address = listener.local_addr().expect("a listener has an address");
        let (weather, watcher) = watch::channel(Weather { traffic: Traffic::Flows, cuts: 0 });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, upstream, watcher));
        Self { address, weather, _tasks: tasks }
    }

    /// Where to connect instead of to the studio.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Resets every connection; new ones may come at once.
    pub fn cut(&self) {
        self.weather.send_modify(|weather| weather.cuts += 1);
    }

    /// Resets every connection, and new ones too until [`FaultyLink::restore`].
    pub fn refuse(&self) {
        self.weather.send_modify(|weather| {
            weather.traffic = Traffic::Refused;
            weather.cuts += 1;
        });
    }

    /// Lets nothing through, and tells nobody; connections stay open.
    pub fn black_hole(&self) {
        self.set(Traffic::BlackHole);
    }

    /// Holds every chunk back for `delay`, in each direction.
    pub fn delay(&self, delay: Duration) {
        self.set(Traffic::Late(delay));
    }

    /// Works again.
    pub fn restore(&self) {
        self.set(Traffic::Flows);
    }

    fn set(&self, traffic: Traffic) {
        self.weather.send_modify(|weather| weather.traffic = traffic);
    }
}

async fn accept(listener: TcpListener, upstream: SocketAddr, weather: watch::Receiver<Weather>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((near, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        let mut weather = weather.clone();
        let now = *weather.borrow_and_update();
        if now.traffic == Traffic::Refused {
            reset(&near);
            continue;
        }
        connections.spawn(connection(near, upstream, now.cuts, weather));
    }
}

/// Lets the close that follows be a reset, with whatever was on its way lost.
fn reset(stream: &TcpStream) {
    let _ = stream.set_zero_linger();
}

async fn connection(near: TcpStream, upstream: SocketAddr, cuts: u64, mut weather: watch::Receiver<Weather>) {
    // A studio that is down refuses, and so does the link to it.
    let Ok(far) = TcpStream::connect(upstream).await else { return reset(&near) };
    let _ = (near.set_nodelay(true), far.set_nodelay(true));
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let up = pump(&mut near_read, &mut far_write, weather.clone());
    let down = pump(&mut far_read, &mut near_write, weather.clone());
    tokio::select! {
        // A side that resets takes the other with it, as without a link between.
        ended = async { tokio::try_join!(up, down) } => if ended.is_ok() { return },
        _ = weather.wait_for(|now| now.cuts > cuts) => {}
    }
    for whole in [near_read.reunite(near_write), far_read.reunite(far_write)] {
        reset(&whole.expect("both halves are of one socket"));
    }
}

async fn pump(
    from: &mut OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let read = from.read(&mut chunk).await?;
        let traffic = weather.borrow().traffic;
        if let Traffic::Late(delay) = traffic {
            tokio::time::sleep(delay).await;
        }
        // Held until the weather changes; the link's end is the end of everything.
        if weather.wait_for(|now| now.traffic != Traffic::BlackHole).await.is_err() {
            return Ok(());
        }
        if read == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..read]).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// A link to a server that says everything back, and a connection over it.
    async fn echo() -> (FaultyLink, TcpStream, JoinSet<()>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let link = FaultyLink::to(listener.local_addr().unwrap()).await;
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut peers = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                peers.spawn(async move {
                    let (mut from, mut to) = stream.into_split();
                    let _ = tokio::io::copy(&mut from, &mut to).await;
                });
            }
        });
        let stream = TcpStream::connect(link.address()).await.unwrap();
        (link, stream, tasks)
    }

    async fn ping(stream: &mut TcpStream) -> io::Result<()> {
        stream.write_all(b"ping").await?;
        let mut answer = [0; 4];
        tokio::time::timeout(LIMIT, stream.read_exact(&mut answer)).await.expect("an answer in time")?;
        assert_eq!(&answer, b"ping");
        Ok(())
    }

    #[tokio::test]
    async fn a_cut_resets_what_is_open_and_lets_new_connections_in() {
        let (link, mut stream, _server) = echo().await;
        ping(&mut stream).await.unwrap();
        link.cut();
        let error = ping(&mut stream).await.unwrap_err();
        let reset = [io::ErrorKind::ConnectionReset, io::ErrorKind::BrokenPipe];
        assert!(reset.contains(&error.kind()), "{error:?}");
        ping(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_refusing_link_resets_until_it_is_restored() {
        let (link, mut stream, _server) = echo().await;
        link.refuse();
        assert!(ping(&mut stream).await.is_err());
        let mut again = TcpStream::connect(link.address()).await.unwrap();
        assert!(ping(&mut again).await.is_err());
        link.restore();
        ping(&mut TcpStream::connect(link.address()).await.unwrap()).await.unwrap();
    }

    #[tokio::test]
    async fn a_black_hole_holds_bytes_back_until_it_is_restored() {
        let (link, mut stream, _server) = echo().await;
        ping(&mut stream).await.unwrap();
        link.black_hole();
        stream.write_all(b"ping").await.unwrap();
        let mut answer = [0; 4];
        let silence = tokio::time::timeout(Duration::from_millis(100), stream.read(&mut answer)).await;
        assert!(silence.is_err(), "nothing arrives");
        link.restore();
        tokio::time::timeout(LIMIT, stream.read_exact(&mut answer))
            .await
            .expect("it arrives in the end")
            .unwrap();
        assert_eq!(&answer, b"ping");
    }

    #[tokio::test]
    async fn a_slow_link_delays_each_direction() {
        let (link, mut stream, _server) = echo().await;
        link.delay(Duration::from_millis(40));
        let started = std::time::Instant::now();
        ping(&mut stream).await.unwrap();
        assert!(started.elapsed() >= Duration::from_millis(80), "{:?}", started.elapsed());
    }
}
