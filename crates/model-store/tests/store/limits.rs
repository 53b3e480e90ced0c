//! The disk, the cap, and the line have limits.

use std::time::{Duration, Instant};

use model_store::FetchError;

use crate::fixtures::{Shop, bytes, pinned, silent, source, unpinned};
use crate::server::{Framing, Reply, Server};

const KB: usize = 1000;

/// A server with a file of 100 kB for each path, of its own bytes.
async fn hundred_kilobytes() -> (Server, impl Fn(&str) -> studio_protocol::ModelSource) {
    let of = |path: &str| bytes(path.bytes().map(u64::from).sum(), 100 * KB);
    let server = Server::start(move |request| Reply::file(request, &of(&request.path), Some("\"v\""))).await;
    let base = server.base.clone();
    let source = move |model: &str| {
        let body = of(&format!("/{model}"));
        source(vec![pinned("m.bin", format!("{base}/{model}"), &body)])
    };
    (server, source)
}

#[tokio::test]
async fn the_model_that_was_not_used_for_longest_goes_first() {
    let (_server, source) = hundred_kilobytes().await;
    // Manifests take a little too.
    let shop = Shop::with(|settings| settings.disk_cap = Some(330 * KB as u64));
    for model in ["a", "b", "c"] {
        shop.store.ensure(model, &source(model), silent).await.unwrap();
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    shop.store.mark_used("a");
    shop.store.ensure("d", &source("d"), silent).await.unwrap();
    assert_eq!(shop.present(), ["a", "c", "d"]);
    assert!(!shop.has("b"));
    // Held and pinned ones stay, whatever their age.
    let hold = shop.store.hold("c");
    shop.store.set_pinned("a", true).unwrap();
    shop.store.ensure("e", &source("e"), silent).await.unwrap();
    assert_eq!(shop.present(), ["a", "c", "e"]);
    let _held = shop.store.hold("e");
    let error = shop.store.ensure("f", &source("f"), silent).await.unwrap_err();
    let FetchError::Cap { needed, cap, in_use } = error else { panic!("{error}") };
    assert_eq!((needed, cap), (100 * KB as u64, 330 * KB as u64));
    assert!(in_use >= 300 * KB as u64 && error.retryable());
    assert_eq!(shop.present(), ["a", "c", "e"], "nothing goes in vain");
    drop(hold);
    shop.store.ensure("f", &source("f"), silent).await.unwrap();
    assert_eq!(shop.present(), ["a", "e", "f"]);
    // The pin is remembered.
    let again = shop.reopened().present();
    assert_eq!(
        again.iter().filter(|model| model.pinned).map(|model| &*model.model).collect::<Vec<_>>(),
        ["a"]
    );
}

#[tokio::test]
async fn two_downloads_do_not_share_the_same_room() {
    let (_server, source) = hundred_kilobytes().await;
    let shop = Shop::with(|settings| settings.disk_cap = Some(150 * KB as u64));
    let (one, other) = (source("a"), source("b"));
    let (one, other) =
        tokio::join!(shop.store.ensure("a", &one, silent), shop.store.ensure("b", &other, silent));
    assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    assert!(shop.store.disk_use().unwrap().used < 150 * KB as u64);
}

#[tokio::test]
async fn a_model_that_does_not_fit_is_refused_before_a_byte_is_asked_for() {
    let (server, source) = hundred_kilobytes().await;
    let shop = Shop::with(|settings| settings.reserve = u64::MAX);
    let error = shop.store.ensure("a", &source("a"), silent).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, FetchError::DiskFull { needed: 100_000, .. }), "{text}");
    assert!(
        text.contains("97.7 KiB more are needed") && text.contains("1.0 TiB of these are kept"),
        "{text}"
    );
    let shop = Shop::with(|settings| settings.disk_cap = Some(50 * KB as u64));
    let error = shop.store.ensure("a", &source("a"), silent).await.unwrap_err();
    let text = error.to_string();
    assert!(text.starts_with("needs 97.7 KiB, the cap of 48.8 KiB holds "), "{text}");
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn the_real_length_counts_where_the_stated_one_is_wrong() {
    let body = bytes(1, 100 * KB);
    let copy = body.clone();
    let server = Server::start(move |request| match request.path.as_str() {
        "/huge" => Reply::new(200, "x").framed(Framing::Length(1 << 50)),
        "/endless" => Reply::new(200, vec![7; 70_000 * KB]).framed(Framing::Chunked),
        _ => Reply::file(request, &copy, Some("\"v\"")),
    })
    .await;
    let stated = |path: &str, approx| {
        let mut file = unpinned("m.bin", server.url(path));
        file.approx_bytes = Some(approx);
        source(vec![file])
    };
    // The estimate fits under the cap, the file does not.
    let shop = Shop::with(|settings| settings.disk_cap = Some(50 * KB as u64));
    let error = shop.store.ensure("m", &stated("x", 1000), silent).await.unwrap_err();
    assert!(matches!(error, FetchError::Cap { .. }), "{error}");
    let shop = Shop::new();
    shop.store.ensure("m", &stated("x", 1000), silent).await.unwrap();
    assert!(shop.read("m/m.bin") == body);
    let error = shop.store.ensure("huge", &stated("huge", 1000), silent).await.unwrap_err();
    assert!(error.to_string().contains("claims 1024.0 TiB, expected about 1000 bytes"), "{error}");
    let error = shop.store.ensure("endless", &stated("endless", 1000), silent).await.unwrap_err();
    assert!(error.to_string().contains("sends more than 64.0 MiB"), "{error}");
}

#[tokio::test]
async fn the_rate_holds_over_all_downloads() {
    let (_server, source) = hundred_kilobytes().await;
    let shop = Shop::with(|settings| settings.web.bandwidth = Some(200 * KB as u64));
    let sources: Vec<_> = ["a", "b", "c"].map(&source).into();
    let started = Instant::now();
    let (a, b, c) = tokio::join!(
        shop.store.ensure("a", &sources[0], silent),
        shop.store.ensure("b", &sources[1], silent),
        shop.store.ensure("c", &sources[2], silent),
    );
    a.and(b).and(c).unwrap();
    let rate = 300.0 * KB as f64 / started.elapsed().as_secs_f64();
    let limit = 200.0 * KB as f64;
    assert!((0.8 * limit..1.2 * limit).contains(&rate), "{rate} B/s");
}

#[tokio::test]
async fn progress_is_told_seldom_and_adds_up() {
    let (_server, source) = hundred_kilobytes().await;
    let shop = Shop::with(|settings| settings.web.bandwidth = Some(200 * KB as u64));
    let mut both = source("a");
    both.files.extend(source("b").files);
    both.files[1].filename = "n.bin".to_owned();
    let told = std::sync::Mutex::new(Vec::new());
    shop.store.ensure("m", &both, |progress| told.lock().unwrap().push(progress)).await.unwrap();
    let told = told.into_inner().unwrap();
    let last = told.last().unwrap();
    assert_eq!((last.bytes, last.total, last.files_done, last.files), (200_000, 200_000, 2, 2));
    assert!(told.is_sorted_by_key(|progress| progress.bytes));
    assert!((3..=8).contains(&told.len()), "{} in a second", told.len());
    assert!(told.iter().all(|progress| progress.total == 200_000 && !progress.file.is_empty()));
}
