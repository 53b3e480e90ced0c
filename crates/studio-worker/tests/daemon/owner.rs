//! The owner's rules on a real machine's means: an X server, processes, a power supply.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use studio_worker::presence::{Probes, is_filled_on};
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt, CreateWindowAux, PropMode, WindowClass};
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

use crate::support::{
    Peer, Studio, TestWorker, approved_config, is_alive, slow_picture, until, with_attempt,
};

const OURS: &[&str] = &["progress", "lease", "resume", "release", "goodbye", "control"];

fn probes() -> Probes {
    Probes { interval: Duration::from_millis(50), ..Probes::default() }
}

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// An X server of the test's own, and its name.
fn x_server() -> (Running, String) {
    let mut child = Command::new("Xvfb")
        .args(["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("this test needs Xvfb: apt-get install xvfb");
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    (Running(child), format!(":{}", line.trim()))
}

/// A program with one window, and the window manager's word that it is the active one.
struct Game {
    connection: RustConnection,
    root: u32,
    window: u32,
}

impl Game {
    fn start(display: &str) -> Self {
        let (connection, screen) = x11rb::connect(Some(display)).unwrap();
        let root = connection.setup().roots[screen].root;
        let window = connection.generate_id().unwrap();
        let (depth, visual) = (x11rb::COPY_DEPTH_FROM_PARENT, x11rb::COPY_FROM_PARENT);
        let look = CreateWindowAux::new();
        connection
            .create_window(depth, window, root, 0, 0, 64, 48, 0, WindowClass::INPUT_OUTPUT, visual, &look)
            .unwrap();
        let game = Self { connection, root, window };
        game.set(root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[window]);
        game
    }

    fn atom(&self, name: &str) -> u32 {
        self.connection.intern_atom(false, name.as_bytes()).unwrap().reply().unwrap().atom
    }

    fn set(&self, window: u32, name: &str, of: AtomEnum, values: &[u32]) {
        self.connection.change_property32(PropMode::REPLACE, window, self.atom(name), of, values).unwrap();
        self.connection.sync().unwrap();
    }

    fn fill_the_screen(&self, full: bool) {
        let state = if full { vec![self.atom("_NET_WM_STATE_FULLSCREEN")] } else { Vec::new() };
        self.set(self.window, "_NET_WM_STATE", AtomEnum::ATOM, &state);
    }
}

async fn next_capabilities(peer: &mut Peer, auto_enabled: bool) {
    loop {
        let frame = peer.expect("heartbeat").await;
        peer.send(serde_json::json!({"type": "heartbeatAck"})).await;
        if frame["capabilities"]["autoEnabled"] == auto_enabled {
            return;
        }
    }
}

#[test]
fn a_full_screen_is_seen_on_x11() {
    let (_server, display) = x_server();
    assert_eq!(is_filled_on(Some(&display)), None, "without a window manager nobody can tell");
    let game = Game::start(&display);
    assert_eq!(is_filled_on(Some(&display)), Some(false));
    game.fill_the_screen(true);
    assert_eq!(is_filled_on(Some(&display)), Some(true));
    game.fill_the_screen(false);
    assert_eq!(is_filled_on(Some(&display)), Some(false));
    game.set(game.root, "_NET_ACTIVE_WINDOW", AtomEnum::WINDOW, &[0]);
    assert_eq!(is_filled_on(Some(&display)), Some(false), "no window is active");
    assert_eq!(is_filled_on(Some("127.0.0.1:4711")), None, "no server");
}

#[tokio::test]
async fn a_full_screen_game_gets_the_machine_back_from_a_running_picture() {
    let (_server, display) = x_server();
    let game = Game::start(&display);
    let mut studio = Studio::start().await;
    let fullscreen = Arc::new(move || is_filled_on(Some(&display)));
    let config = approved_config(&studio) + "pause_on_fullscreen = true\n";
    let worker = TestWorker::start_looking(&config, Probes { fullscreen, ..probes() });
    let mut peer = studio.session(OURS).await;
    next_capabilities(&mut peer, true).await;
    peer.offer(with_attempt(slow_picture("job-1", 60_000), 1)).await;
    peer.expect("accept").await;
    peer.expect("progress").await;
    let engine = worker.engine().await;
    game.fill_the_screen(true);
    let release = peer.expect("release").await;
    assert_eq!(release["reason"], "a program fills the screen");
    until("the engine is gone", || (!is_alive(engine)).then_some(())).await;
}

#[tokio::test]
async fn a_listed_program_keeps_jobs_away_while_it_runs() {
    let dir = tempfile::tempdir().unwrap();
    let program = dir.path().join("owners-own-game");
    fs::copy("/bin/sleep", &program).unwrap();
    let mut studio = Studio::start().await;
    let config = approved_config(&studio) + "pause_for_programs = [\"Owners-Own-Game.exe\"]\n";
    let _worker = TestWorker::start_looking(&config, probes());
    let mut peer = studio.session(OURS).await;
    next_capabilities(&mut peer, true).await;
    let _game = Running(Command::new(&program).arg("600").spawn().unwrap());
    next_capabilities(&mut peer, false).await;
    peer.offer(slow_picture("job-1", 10)).await;
    let reject = peer.expect("reject").await;
    assert_eq!(
        (reject["code"].as_str(), reject["reason"].as_str()),
        (Some("paused"), Some("`Owners-Own-Game.exe` runs"))
    );
}

#[tokio::test]
async fn on_battery_no_job_is_taken() {
    let supplies = tempfile::tempdir().unwrap();
    let set = |supply: &str, name: &str, text: &str| {
        let folder = supplies.path().join(supply);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(name), text).unwrap();
    };
    for (name, text) in [("type", "Battery\n"), ("status", "Charging\n")] {
        set("BAT0", name, text);
    }
    for (name, text) in [("type", "Mains\n"), ("online", "1\n")] {
        set("AC", name, text);
    }
    let mut studio = Studio::start().await;
    let config = approved_config(&studio) + "pause_on_battery = true\n";
    let looks = Probes { power_supplies: supplies.path().to_path_buf(), ..probes() };
    let _worker = TestWorker::start_looking(&config, looks);
    let mut peer = studio.session(OURS).await;
    next_capabilities(&mut peer, true).await;
    set("AC", "online", "0\n");
    set("BAT0", "status", "Discharging\n");
    next_capabilities(&mut peer, false).await;
    peer.offer(slow_picture("job-1", 10)).await;
    assert_eq!(peer.expect("reject").await["reason"], "the machine runs on battery");
}

#[tokio::test]
async fn jobs_wait_until_nobody_uses_the_machine() {
    let idle_secs = Arc::new(AtomicU64::new(0));
    let told = Arc::clone(&idle_secs);
    let idle = Arc::new(move || Some(Duration::from_secs(told.load(Ordering::Relaxed))));
    let mut studio = Studio::start().await;
    let config = approved_config(&studio) + "only_when_idle = true\nidle_after_secs = 60\n";
    let _worker = TestWorker::start_looking(&config, Probes { idle, ..probes() });
    let mut peer = studio.session(OURS).await;
    loop {
        let capabilities = peer.expect("heartbeat").await["capabilities"].clone();
        peer.send(serde_json::json!({"type": "heartbeatAck"})).await;
        if capabilities["userPresence"] == "active" {
            assert_eq!(
                (&capabilities["onlyWhenIdle"], &capabilities["autoEnabled"]),
                (&true.into(), &false.into())
            );
            break;
        }
    }
    idle_secs.store(60, Ordering::Relaxed);
    loop {
        let capabilities = peer.expect("heartbeat").await["capabilities"].clone();
        peer.send(serde_json::json!({"type": "heartbeatAck"})).await;
        if capabilities["userPresence"] == "idle" {
            break;
        }
    }
}
