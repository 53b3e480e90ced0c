//! Thumbnails: small, kept, shared, and safe to make of anything that calls itself a picture.

use std::io::Cursor;

use image::{DynamicImage, ImageFormat, ImageReader, RgbImage};

use crate::desk::Desk;

fn picture(width: u32, height: u32, format: ImageFormat) -> &'static [u8] {
    let noise = |x: u32, y: u32| image::Rgb([(x % 251) as u8, (y % 241) as u8, ((x * y) % 239) as u8]);
    let picture = DynamicImage::ImageRgb8(RgbImage::from_fn(width, height, noise));
    let mut out = Vec::new();
    picture.write_to(&mut Cursor::new(&mut out), format).expect("it can be written");
    out.leak()
}

async fn stored(desk: &Desk, ext: &str, content: &'static [u8]) -> String {
    let worker = desk.worker().await;
    let job = desk.image("a").await;
    let id = desk.finish(&worker, &job, ext, content).await;
    format!("/api/v1/artefacts/{id}/thumbnail")
}

#[tokio::test]
async fn a_picture_is_shown_small_and_made_once() {
    let desk = Desk::open().await;
    for (ext, format) in [
        ("png", ImageFormat::Png),
        ("jpg", ImageFormat::Jpeg),
        ("webp", ImageFormat::WebP),
        ("gif", ImageFormat::Gif),
    ] {
        let path = stored(&desk, ext, picture(900, 600, format)).await;
        let small = desk.get(&path).await;
        assert_eq!(small.status, 200, "{ext}: {}", String::from_utf8_lossy(&small.bytes));
        let read = ImageReader::new(Cursor::new(&small.bytes)).with_guessed_format().unwrap();
        assert_eq!(read.into_dimensions().unwrap(), (256, 171), "{ext}");
        assert!(["image/jpeg", "image/webp"].contains(&small.header("content-type").unwrap()));
        assert_eq!(small.header("cache-control"), Some("private, max-age=31536000, immutable"));
        assert_eq!(small.header("x-content-type-options"), Some("nosniff"));
        let large = desk.get(&format!("{path}?size=512")).await;
        assert_ne!(large.header("etag"), small.header("etag"));
        let etag = small.header("etag").unwrap().to_owned();
        let known = desk.call_with(&desk.admin, "GET", &path, None, &[("If-None-Match", &etag)]).await;
        assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
        assert_eq!(desk.get(&path).await.bytes, small.bytes);
    }
    let kept = desk.state.artefacts.keys().await.unwrap();
    assert_eq!(kept.iter().filter(|key| key.contains(".thumbnail-")).count(), 8);
}

#[tokio::test]
async fn equal_requests_share_the_work() {
    let desk = Desk::open().await;
    let path = stored(&desk, "png", picture(480, 480, ImageFormat::Png)).await;
    let asked = (0..12).map(|_| desk.get(&path));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.bytes == answers[0].bytes));
}

#[tokio::test]
async fn what_is_no_picture_has_no_thumbnail() {
    let desk = Desk::open().await;
    for (ext, content) in [
        ("mp4", &b"a film"[..]),
        ("wav", b"a sound"),
        ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("html", b"<script>alert(1)</script>"),
        ("png", b"<script>alert(1)</script>"),
        ("jpg", b"\xff\xd8\xff\xe0 cut"),
        ("webp", b"RIFF\x04\x00\x00\x00WEBP"),
        ("gif", b""),
    ] {
        let path = stored(&desk, ext, content).await;
        let answer = desk.get(&path).await;
        assert_eq!(answer.problem().0, 404, "{ext}");
        assert_eq!(answer.json()["type"], "urn:studio:problem:no-picture");
    }
    let kept = desk.state.artefacts.keys().await.unwrap();
    assert!(kept.iter().all(|key| !key.contains(".thumbnail-")));
}

#[tokio::test]
async fn a_size_is_one_of_two_and_a_stranger_sees_nothing() {
    let desk = Desk::open().await;
    let path = stored(&desk, "png", picture(300, 300, ImageFormat::Png)).await;
    for size in ["0", "-1", "255", "100000", "big", "256x256"] {
        let refused = desk.get(&format!("{path}?size={size}")).await;
        assert_eq!(refused.problem(), (400, Some("size".into())), "{size}");
    }
    let stranger = desk.key("admin", Some("red")).await;
    assert_eq!(desk.call(&stranger, "GET", &path, None).await.problem().0, 404);
}

#[tokio::test]
async fn a_deleted_artefact_takes_its_thumbnails_with_it() {
    let desk = Desk::open().await;
    let path = stored(&desk, "png", picture(300, 300, ImageFormat::Png)).await;
    desk.get(&path).await;
    desk.get(&format!("{path}?size=512")).await;
    assert_eq!(desk.state.artefacts.keys().await.unwrap().len(), 3);
    let artefact = path.trim_end_matches("/thumbnail").to_owned();
    let submitter = desk.key("submitter", None).await;
    assert_eq!(desk.call(&submitter, "DELETE", &artefact, None).await.problem().0, 403);
    let stranger = desk.key("operator", Some("red")).await;
    assert_eq!(desk.call(&stranger, "DELETE", &artefact, None).await.problem().0, 404);
    let operator = desk.key("operator", None).await;
    assert_eq!(desk.call(&operator, "DELETE", &artefact, None).await.status, 204);
    assert_eq!(desk.state.artefacts.keys().await.unwrap(), Vec::<String>::new());
    assert_eq!(desk.get(&path).await.problem().0, 404);
    assert_eq!(desk.call(&operator, "DELETE", &artefact, None).await.problem().0, 404);
    let job = artefact.rsplit("art-of-").next().unwrap();
    let gone = desk.get(&format!("/api/v1/jobs/{job}/artefact")).await;
    assert!(gone.json()["detail"].as_str().unwrap().contains("was deleted"), "{:?}", gone.json());
}
