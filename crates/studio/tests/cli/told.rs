//! Webhooks of a real studio process that is killed.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use serde_json::json;
use testkit::{Home, StudioOptions, StudioProcess, wait_for};

const LIMIT: Duration = Duration::from_secs(30);

/// Reads one post, answers with `status`, gives back what came.
fn take(listener: &TcpListener, status: &str) -> String {
    let (mut socket, _) = listener.accept().expect("somebody calls");
    let request = read(&mut socket);
    let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    socket.write_all(answer.as_bytes()).expect("it takes the answer");
    request
}

fn read(socket: &mut TcpStream) -> String {
    socket.set_read_timeout(Some(LIMIT)).expect("a limit can be set");
    let mut text = String::new();
    let mut piece = [0; 4096];
    loop {
        let read = socket.read(&mut piece).expect("it says something");
        text.push_str(&String::from_utf8_lossy(&piece[..read]));
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
        });
        if body.len() >= length.unwrap_or(0) || read == 0 {
            return text;
        }
    }
}

fn header<'a>(request: &'a str, name: &str) -> &'a str {
    let line = request.lines().find(|line| line.to_ascii_lowercase().starts_with(&format!("{name}:")));
    line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim()).unwrap_or_default()
}

#[tokio::test]
async fn what_was_committed_is_told_after_a_kill_and_no_secret_is_logged() {
    let home = Home::new();
    let arguments = vec!["--allow-private-webhooks".to_owned(), "--no-starter-model".to_owned()];
    let options = StudioOptions { arguments, ..StudioOptions::default() };
    let mut studio = StudioProcess::start_with(&home, options).await;
    let api = studio.api();
    // A port that takes connections, so that a try hangs until the kill.
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let url = format!("http://{}/hook", listener.local_addr().expect("an address"));
    let made = api.post("/webhooks", &json!({ "url": url, "events": ["job.cancelled"] })).await;
    let path = format!("/webhooks/{}/deliveries", made["id"].as_str().expect("an id"));
    let mut jobs = Vec::new();
    for number in 0..5 {
        let task = json!({ "kind": "image", "prompt": format!("{number}") });
        jobs.push(api.submit(json!({ "model": "synthetic", "task": task })).await);
    }
    for job in &jobs {
        api.post(&format!("/jobs/{job}/cancel"), &json!({})).await;
    }
    studio.kill9();
    // Connections of the killed one: nobody was answered.
    drop(listener);
    studio.respawn();
    let listener = loop {
        match TcpListener::bind(url.trim_start_matches("http://").trim_end_matches("/hook")) {
            Ok(listener) => break listener,
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse, "{error}"),
        }
    };
    studio.until_ready().await;
    let told = tokio::task::spawn_blocking(move || {
        (0..jobs.len()).map(|_| take(&listener, "204 No Content")).collect::<Vec<_>>()
    });
    let told = tokio::time::timeout(LIMIT, told).await.expect("all are told in time").expect("they are read");
    let mut ids: Vec<&str> = told.iter().map(|request| header(request, "webhook-id")).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 5, "{told:?}");
    let deliveries = wait_for("all are delivered", LIMIT, async || {
        let page = api.get(&path).await;
        let items = page["items"].as_array().expect("a list").clone();
        items.iter().all(|delivery| delivery["state"] == "delivered").then_some(items)
    });
    assert_eq!(deliveries.await.len(), 5);
    let secret = made["secret"].as_str().expect("a secret");
    assert!(!studio.log().contains(secret) && !studio.log().contains("whsec_"), "{}", studio.log());
    let database = std::fs::read(studio.data_dir().join("studio.db")).expect("the database is there");
    assert!(!database.windows(6).any(|window| window == b"whsec_"), "it is derived, not stored");
}
