//! A process that is killed at any moment, again and again, loses next to nothing.

use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng};

use crate::fixtures::{bytes, pinned, source, unpinned, until};
use crate::server::{Reply, Server};

const LEN: usize = 7_000_000;
const KILLS: usize = 20;

#[tokio::test]
async fn twenty_kills_lose_nothing_that_was_on_the_disk() {
    let body = bytes(1, LEN);
    let copy = body.clone();
    let server = Server::start(move |request| {
        let pace = Some((32 * 1024, Duration::from_millis(2)));
        Reply { pace, ..Reply::file(request, &copy, Some("\"v1\"")) }
    })
    .await;
    let mut random = StdRng::seed_from_u64(7);
    // A hash finds mistakes; without one there must be none.
    for (file, kills) in [
        (pinned("m.bin", server.url("pinned"), &body), KILLS / 2),
        (unpinned("m.bin", server.url("unpinned")), KILLS / 2),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let json = serde_json::to_string(&source(vec![file])).unwrap();
        let part = dir.path().join("m/m.bin.part");
        let mut resumed = 0;
        for _ in 0..kills {
            let (sent, asked) = (server.sent(), server.seen().len());
            let there = std::fs::metadata(&part).map_or(0, |meta| meta.len());
            let mut child = fetch(dir.path(), &json);
            let until_bytes = sent + random.random_range(0..600_000);
            until("the child to ask", || server.seen().len() > asked && server.sent() >= until_bytes).await;
            child.kill().unwrap();
            child.wait().unwrap();
            let from = server.seen()[asked].from();
            assert_eq!(from.unwrap_or(0) as u64, there, "it asks for what it lacks");
            resumed += usize::from(from.is_some());
        }
        assert!(resumed > kills / 2, "{resumed} of {kills} went on");
        let there = std::fs::metadata(&part).unwrap().len();
        until("the server to see that they are dead", || server.active() == 0).await;
        let sent = server.sent();
        let mut child = fetch(dir.path(), &json);
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        assert!(ended.await.unwrap().success());
        assert!(std::fs::read(dir.path().join("m/m.bin")).unwrap() == body);
        assert_eq!(server.sent() - sent, LEN as u64 - there, "only the rest is sent");
    }
}

#[tokio::test]
async fn two_processes_share_one_download() {
    let body = bytes(2, LEN);
    let copy = body.clone();
    let server = Server::start(move |request| {
        let pace = Some((64 * 1024, Duration::from_millis(2)));
        Reply { pace, ..Reply::file(request, &copy, Some("\"v1\"")) }
    })
    .await;
    let dir = tempfile::tempdir().unwrap();
    let json = serde_json::to_string(&source(vec![pinned("m.bin", server.url("x"), &body)])).unwrap();
    let children = [fetch(dir.path(), &json), fetch(dir.path(), &json)];
    for mut child in children {
        let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
        assert!(ended.await.unwrap().success());
    }
    assert!(std::fs::read(dir.path().join("m/m.bin")).unwrap() == body);
    assert_eq!((server.seen().len(), server.sent()), (1, LEN as u64));
}

fn fetch(root: &std::path::Path, json: &str) -> Child {
    let mut child = Command::new(env!("CARGO_BIN_EXE_model-fetch"))
        .args([root.as_os_str(), "m".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(json.as_bytes()).unwrap();
    child
}
