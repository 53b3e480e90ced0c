//! Pictures of the real window on a worker that has done something: each page, by day and by night, usual and small.
//!
//! They go where `STUDIO_SCREENSHOTS` says, else to a folder that ends with the test; they are judged in both cases.

use std::collections::BTreeSet;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use image::RgbImage;
use rustix::process::Signal;
use serde_json::{Value, json};
use worker_local::{Client, JobFilter};
use x11rb::protocol::xproto::{ConfigureWindowAux, ConnectionExt, ImageFormat};

use crate::support::{
    Answer, DEADLINE, Desktop, Peer, Program, Running, Studio, approved_config, claim, client, until,
};

const OURS: &[&str] = &["progress", "cancel", "lease", "resume", "release", "goodbye", "control"];
const PAGES: [&str; 6] = ["jobs", "models", "worker", "logs", "config", "about"];
/// As the window opens, and as small as it can be made.
const SIZES: [(u32, u32, &str); 2] = [(1120, 740, ""), (720, 480, "-small")];
/// A picture with fewer colours has no page in it: smooth letters alone bring more.
const FEWEST_COLOURS: usize = 24;
/// A window is done with what it fetched when it looks the same for so long.
const STILL: Duration = Duration::from_millis(700);
/// A job that runs changes its page all the time.
const STILL_ENOUGH: Duration = Duration::from_secs(4);

#[tokio::test]
async fn every_page_is_drawn_by_day_and_by_night_usual_and_small() {
    let desktop = Desktop::start().await;
    let mut studio = Studio::start().await;
    studio.answer(|_| Answer::json(json!({})));
    let told = std::env::var_os("STUDIO_SCREENSHOTS").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = told.unwrap_or_else(|| temporary.path().to_path_buf());
    let program = Program::new(Some(&approved_config(&studio)));
    let mut daemon = program.start(&["run"]);
    let mut peer = studio.session(OURS).await;
    let client = client(program.dir.path()).await;
    work(&mut peer, &client).await;
    let shots = while_answering(&mut peer, async {
        let mut shots = Vec::new();
        for theme in ["dark", "light"] {
            for (number, page) in PAGES.iter().enumerate() {
                let args = ["ui", "--page", &(number + 1).to_string(), "--theme", theme];
                let named = SIZES.map(|(.., suffix)| format!("{page}-{theme}{suffix}"));
                shots.extend(shoot(&desktop, &program, &args, &named, &folder).await);
            }
        }
        shots
    })
    .await;
    assert_eq!(shots.len(), PAGES.len() * 2 * SIZES.len());
    for (at, (name, shot)) in shots.iter().enumerate() {
        let same = shots[..at].iter().find(|(_, other)| other == shot);
        assert!(same.is_none(), "`{name}` looks as `{}` does", same.unwrap().0);
    }
    let is_bright = |name: &str| {
        let (_, shot) = shots.iter().find(|(known, _)| known == name).unwrap();
        shot.pixels().filter(|pixel| pixel.0.iter().all(|value| *value > 128)).count() * 2
            > shot.pixels().len()
    };
    for page in PAGES {
        assert!(is_bright(&format!("{page}-light")) && !is_bright(&format!("{page}-dark")), "{page}");
    }
    daemon.signal(Signal::TERM);
    daemon.signal(Signal::TERM);
    daemon.end().await;
}

#[tokio::test]
async fn a_studio_that_is_gone_and_one_that_says_nothing_yet_are_told_in_the_window() {
    let desktop = Desktop::start().await;
    let told = std::env::var_os("STUDIO_SCREENSHOTS").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = told.unwrap_or_else(|| temporary.path().to_path_buf());
    let size = ["pending-dark".to_owned(), "pending-dark-small".to_owned()];

    let studio = Studio::start().await;
    studio.answer(|request| match request.method.as_str() {
        "POST" => Answer::json(json!({"requestId": "rr-1", "status": "pending"})),
        _ => Answer::json(json!({"status": "pending"})),
    });
    let program = Program::new(Some(&format!("api_base_url = \"{}\"\nlocal_api_port = 0\n", studio.url())));
    let args = ["ui", "--theme", "dark"];
    let pending = shoot(&desktop, &program, &args, &size, &folder).await;

    let gone = Program::new(Some(
        "api_base_url = \"http://127.0.0.1:9\"\ninstall_id = \"i\"\nworker_id = \"w-1\"\nauth_token = \"t\"\nlocal_api_port = 0\n",
    ));
    let size = ["offline-light".to_owned(), "offline-light-small".to_owned()];
    let offline = shoot(&desktop, &gone, &["ui", "--theme", "light"], &size, &folder).await;
    assert_ne!(pending[0].1, offline[0].1);
}

/// Has jobs of several kinds done, one of them failed, and one that runs.
async fn work(peer: &mut Peer, client: &Client) {
    let picture = |prompt: &str| json!({"kind": "image", "prompt": prompt, "width": 512, "height": 384, "steps": 8, "ext": "png"});
    let chat = |words: &str| json!({"kind": "llm", "messages": [{"role": "user", "content": words}], "maxTokens": 64});
    let tasks = [
        (
            "hero-background",
            "synthetic-pictures",
            picture("A lighthouse on a cliff, evening light, flat colours"),
        ),
        ("fox-portrait", "synthetic-pictures", picture("A fox in the snow, watercolour")),
        ("quest-text", "synthetic-chat", chat("Write a short greeting of the ferryman")),
        (
            "ferryman-voice",
            "synthetic-speech",
            json!({"kind": "audio_tts", "text": "Welcome aboard, and mind the step"}),
        ),
        ("market-stall", "synthetic-pictures", picture("A market stall full of lanterns, isometric")),
        ("item-names", "synthetic-chat", chat("Ten names of swords, as JSON [[fail-for-good]]")),
        ("harbour", "synthetic-pictures", picture("A harbour at dawn with three red boats")),
        ("forest-tiles", "synthetic-pictures", picture("Forest floor, seamless texture, moss and leaves")),
    ];
    let number = tasks.len();
    for (at, (asset, model, task)) in tasks.into_iter().enumerate() {
        peer.offer(job(at, asset, model, task)).await;
        peer.expect("accept").await;
        let wanted = at + 1;
        // Text is sent in the session, and a studio says that it has it.
        while_answering(peer, async {
            let end = Instant::now() + DEADLINE;
            while client.jobs(&JobFilter::default()).await.unwrap().jobs.len() < wanted {
                assert!(Instant::now() < end, "job {wanted} of {number} never ended");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
    }
    let mut running = picture("An old observatory under the milky way, wide shot [[delay=120000]]");
    running["steps"] = json!(30);
    // Previews are made where somebody looks when the job begins.
    client.status(None).await.unwrap();
    peer.offer(job(number, "observatory", "synthetic-pictures", running)).await;
    peer.expect("accept").await;
    while_answering(peer, async {
        let end = Instant::now() + DEADLINE * 2;
        while client.status(None).await.unwrap().jobs.first().is_none_or(|job| job.step < 300) {
            assert!(Instant::now() < end, "no progress");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
}

fn job(number: usize, asset: &str, model: &str, task: Value) -> Value {
    let mut claim = claim(&format!("7c1e0b5a-24d4-4f0e-9d7f-0000000000{number:02}"), task);
    claim["gameId"] = json!("harbour-tales");
    claim["assetName"] = json!(asset);
    claim["model"] = json!(model);
    claim
}

/// Acknowledges what comes while something else is done.
async fn while_answering<T>(peer: &mut Peer, work: impl Future<Output = T>) -> T {
    let answer = async {
        loop {
            let frame = peer.next().await;
            match frame["type"].as_str().unwrap() {
                "heartbeat" => peer.send(json!({"type": "heartbeatAck"})).await,
                "completeJson" => peer.acknowledge(frame["jobId"].as_str().unwrap()).await,
                _ => {}
            }
        }
    };
    tokio::select! {
        never = answer => never,
        done = work => done,
    }
}

/// Opens a window, and takes a picture of it at each size.
async fn shoot(
    desktop: &Desktop,
    program: &Program,
    args: &[&str],
    names: &[String],
    folder: &Path,
) -> Vec<(String, RgbImage)> {
    let before = first_frames(program);
    let mut ui = desktop.start_in(program, args);
    let window = desktop.has_windows(1, program).await.remove(0);
    until("a frame was drawn", || (first_frames(program) > before).then_some(())).await;
    // Nothing is under the mouse; before, there was no window to keep the server from forgetting where it was.
    desktop.x("xdotool", &["mousemove", "1599", "999"]).await;
    let mut shots = Vec::new();
    for ((width, height, _), name) in SIZES.into_iter().zip(names) {
        let shot = look(desktop, &window, width, height).await;
        let colours: BTreeSet<[u8; 3]> = shot.pixels().map(|pixel| pixel.0).collect();
        assert!(colours.len() >= FEWEST_COLOURS, "`{name}` is blank: {} colours", colours.len());
        std::fs::create_dir_all(folder).unwrap();
        shot.save(folder.join(format!("worker-window-{name}.png"))).unwrap();
        shots.push((name.clone(), shot));
    }
    close(&mut ui).await;
    desktop.has_windows(0, program).await;
    shots
}

fn first_frames(program: &Program) -> usize {
    program.log().matches("first frame after").count()
}

async fn close(ui: &mut Running) {
    ui.signal(Signal::TERM);
    assert_eq!(ui.end().await.code(), Some(0));
}

/// What a window shows at a size once it has come to rest.
async fn look(desktop: &Desktop, window: &str, width: u32, height: u32) -> RgbImage {
    let (x, _) = x11rb::connect(Some(&desktop.display)).unwrap();
    let window: u32 = window.parse().unwrap();
    let size = ConfigureWindowAux::new().width(width).height(height);
    x.configure_window(window, &size).unwrap().check().unwrap();
    let begun = Instant::now();
    let (mut last, mut since) = (RgbImage::new(0, 0), begun);
    loop {
        let now = picture(&x, window, width, height);
        if now.as_ref() != Some(&last) {
            since = Instant::now();
        }
        if let Some(now) = now {
            let settled = since.elapsed() >= STILL || begun.elapsed() >= STILL_ENOUGH;
            // The pixels that a window has not drawn yet are black.
            if settled && now.get_pixel(width - 4, height - 4).0 != [0; 3] {
                return now;
            }
            last = now;
        }
        assert!(begun.elapsed() < DEADLINE, "the window never drew itself at {width} x {height}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn picture(x: &impl ConnectionExt, window: u32, width: u32, height: u32) -> Option<RgbImage> {
    let (wide, high) = (u16::try_from(width).unwrap(), u16::try_from(height).unwrap());
    let image = x.get_image(ImageFormat::Z_PIXMAP, window, 0, 0, wide, high, !0).unwrap().reply().ok()?;
    let rgb = image.data.chunks_exact(4).flat_map(|pixel| [pixel[2], pixel[1], pixel[0]]).collect();
    RgbImage::from_raw(width, height, rgb)
}
