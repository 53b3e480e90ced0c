//! The inputs of jobs.

use std::time::{Duration, Instant};

use model_store::{FetchError, InputLimits};

use crate::fixtures::{Shop, bytes};
use crate::server::{Framing, Reply, Server};

#[tokio::test]
async fn each_input_becomes_a_file() {
    let server = Server::start(|request| match request.path.as_str() {
        "/typed" => Reply::new(200, "jpeg bytes").with("content-type", "image/jpeg"),
        "/moved" => Reply::redirect("/typed"),
        _ if request.number == 0 => Reply::new(503, ""),
        _ => Reply::new(200, "png bytes").with("content-type", "application/octet-stream"),
    })
    .await;
    let shop = Shop::new();
    let dir = tempfile::tempdir().unwrap();
    let (typed, moved, named) = (server.url("typed"), server.url("moved"), server.url("a/b.PNG?x=1"));
    let data = "data:image/webp;base64,d2VicCBieXRlcw==";
    let inputs = [typed.as_str(), data, &moved, &named, &typed, "data:text/plain,a%20b"];
    let paths = shop.store.fetch_inputs(&inputs, dir.path(), &InputLimits::default()).await.unwrap();
    let expected = [
        (typed.as_str(), "input-1.jpg", "jpeg bytes"),
        (data, "input-2.webp", "webp bytes"),
        (&moved, "input-3.jpg", "jpeg bytes"),
        (&named, "input-4.png", "png bytes"),
        (inputs[5], "input-6.txt", "a b"),
    ];
    assert_eq!(paths.len(), expected.len());
    for (address, name, content) in expected {
        assert_eq!(paths[address], dir.path().join(name).to_str().unwrap());
        assert_eq!(std::fs::read_to_string(&paths[address]).unwrap(), content);
    }
}

#[tokio::test]
async fn inputs_have_limits() {
    let server = Server::start(|request| match request.path.as_str() {
        "/stated" => Reply::new(200, "").framed(Framing::Length(2000)),
        "/unstated" => Reply::new(200, vec![1; 2000]).framed(Framing::Chunked),
        "/slow" => Reply { pace: Some((1, Duration::from_millis(50))), ..Reply::new(200, vec![1; 500]) },
        "/gone" => Reply::new(404, ""),
        _ => Reply::new(200, ""),
    })
    .await;
    let shop = Shop::new();
    let dir = tempfile::tempdir().unwrap();
    let limits = InputLimits { bytes: 1000, time: Duration::from_millis(600), ..InputLimits::default() };
    let long = format!("data:,{}", "x".repeat(1001));
    let secret = server.url("empty?key=secret");
    for (address, why) in [
        (server.url("stated"), "at most 1000 bytes"),
        (server.url("unstated"), "at most 1000 bytes"),
        (server.url("slow"), "longer than 600ms"),
        (server.url("gone"), "not there"),
        (secret, "empty"),
        (long, "1 (data): it has 1001 bytes"),
        ("data:image/png;base64,!!".to_owned(), "not base64"),
        ("https://10.0.0.1/x.png".to_owned(), "private address"),
        ("http://example.invalid/x.png".to_owned(), "use https"),
        ("file:///etc/passwd".to_owned(), "use https"),
        ("/etc/passwd".to_owned(), "refused"),
    ] {
        let started = Instant::now();
        let error = shop.store.fetch_inputs(&[&address], dir.path(), &limits).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains(why) && !text.contains("secret"), "{address}: {text}");
        assert!(started.elapsed() < Duration::from_secs(5));
    }
    let many: Vec<String> = (0..17).map(|number| format!("data:,{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let error = shop.store.fetch_inputs(&many, dir.path(), &limits).await.unwrap_err();
    assert!(
        matches!(error, FetchError::Input { .. }) && error.to_string().contains("16 of them, not 17"),
        "{error}"
    );
    assert!(InputLimits::recordings().bytes > InputLimits::default().bytes);
}

#[tokio::test]
async fn a_cut_input_is_not_used() {
    let body = bytes(1, 100_000);
    let copy = body.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/never" => Reply::new(200, &copy[..]).cut(5_000),
        _ if request.number == 0 => Reply::new(200, &copy[..]).cut(50_000),
        _ => Reply::new(200, &copy[..]),
    })
    .await;
    let shop = Shop::new();
    let dir = tempfile::tempdir().unwrap();
    let (once, never) = (server.url("once"), server.url("never"));
    let limits = InputLimits::default();
    let paths = shop.store.fetch_inputs(&[&once], dir.path(), &limits).await.unwrap();
    assert!(std::fs::read(&paths[&once]).unwrap() == body);
    let error = shop.store.fetch_inputs(&[&never], dir.path(), &limits).await.unwrap_err();
    assert!(error.retryable(), "{error}");
}
