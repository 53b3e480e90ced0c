//! `/v1/images` over a real fleet.

use std::io::Cursor;
use std::time::{SystemTime, UNIX_EPOCH};

use image::{DynamicImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use reqwest::Method;
use reqwest::multipart::Form;
use serde_json::{Value, json};

use crate::client::{Client, Holding, ours};
use crate::fleet::{Fleet, answered, events, file, refused, unpacked};
use crate::served::Served;

const GENERATIONS: &str = "/v1/images/generations";
const EDITS: &str = "/v1/images/edits";

fn asks(more: &Value) -> Value {
    let mut body = json!({"model": "synthetic", "prompt": "a fox", "size": "96x64"});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    let mut bytes = Vec::new();
    picture.into().write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
    bytes
}

fn size(bytes: &[u8]) -> (u32, u32) {
    let picture = image::load_from_memory(bytes).unwrap();
    (picture.width(), picture.height())
}

fn edit() -> Form {
    Form::new().text("model", "synthetic").text("prompt", "a fox").text("size", "64x64")
}

fn plain_png() -> Vec<u8> {
    png(RgbImage::from_pixel(8, 8, Rgb([200, 30, 60])))
}

#[tokio::test]
async fn a_picture_comes_by_an_address_that_opens_it_alone() {
    let fleet = Fleet::open().await;
    let answer = answered(fleet.post(GENERATIONS, asks(&json!({"n": 2}))).await).await;
    let urls: Vec<&str> =
        answer["data"].as_array().unwrap().iter().map(|one| one["url"].as_str().unwrap()).collect();
    let mut pictures = Vec::new();
    for url in &urls {
        let opened = fleet.open_address(url).await;
        assert_eq!(
            (opened.status().as_u16(), &opened.headers()["content-type"]),
            (200, &"image/png".parse().unwrap())
        );
        pictures.push(opened.bytes().await.unwrap());
    }
    assert_eq!(size(&pictures[0]), (96, 64));
    assert_ne!(pictures[0], pictures[1], "each has a seed of its own");
    assert_ne!(answer["data"][0]["seed"], answer["data"][1]["seed"]);

    let (path, query) = urls[0].split_once('?').unwrap();
    let other = urls[1].split_once('?').unwrap().0;
    let expires: u64 =
        query.split('&').find_map(|pair| pair.strip_prefix("expires=")).unwrap().parse().unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    assert!((3_500..3_700).contains(&(expires - now)), "{}", expires - now);
    let later = query.replace(&expires.to_string(), &(expires + 1).to_string());
    for wrong in [format!("{other}?{query}"), format!("{path}?{later}"), path.to_owned()] {
        assert_eq!(fleet.open_address(&wrong).await.status(), 403, "{wrong}");
    }
}

#[tokio::test]
async fn pictures_come_inside_of_the_answer() {
    let fleet = Fleet::open().await;
    let response = fleet.post(
        GENERATIONS,
        asks(&json!({"n": 2, "response_format": "b64_json", "seed": 7, "style": "vivid"})),
    );
    let response = response.await;
    assert_eq!(response.headers()["x-studio-ignored"], "style");
    let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
    let tasks = fleet.tasks(&response).await;
    assert_eq!((tasks[0]["seed"].as_u64(), tasks[1]["seed"].as_u64()), (Some(7), Some(8)));
    let text = response.text().await.unwrap();
    assert_eq!(text.len(), length);
    let answer: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&answer["output_format"], &answer["size"]), (&json!("png"), &json!("96x64")));
    let first = unpacked(&answer["data"][0]["b64_json"]);
    assert_eq!(size(&first), (96, 64));
    let again = asks(&json!({"response_format": "b64_json", "seed": 7}));
    let again = answered(fleet.post(GENERATIONS, again).await).await;
    assert_eq!(unpacked(&again["data"][0]["b64_json"]), first, "the same seed is the same picture");
    for (format, magic) in [("jpeg", &b"\xff\xd8\xff"[..]), ("webp", b"RIFF")] {
        let answer = answered(fleet.post(GENERATIONS, asks(&json!({"output_format": format}))).await).await;
        assert!(unpacked(&answer["data"][0]["b64_json"]).starts_with(magic), "{format}");
        assert_eq!(answer["output_format"], format);
    }
}

#[tokio::test]
async fn a_stream_shows_pictures_before_they_are_done() {
    let fleet = Fleet::open().await;
    let body = json!({"prompt": "[[delay=300]] a fox", "stream": true, "partial_images": 1, "n": 2});
    let response = fleet.post(GENERATIONS, asks(&body)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = events(&response.text().await.unwrap());
    let named =
        |name: &str| events.iter().filter(|(is, _)| is == name).map(|(_, data)| data).collect::<Vec<_>>();
    let (partial, completed) = (named("image_generation.partial_image"), named("image_generation.completed"));
    assert_eq!(
        (partial.len(), completed.len()),
        (2, 2),
        "{:?}",
        events.iter().map(|(name, _)| name).collect::<Vec<_>>()
    );
    assert_eq!(partial[0]["partial_image_index"], 0);
    assert_eq!(partial[0]["type"], "image_generation.partial_image");
    assert_eq!(size(&unpacked(&partial[0]["b64_json"])), (64, 42));
    let mut seen: Vec<u64> = completed.iter().map(|data| data["image_index"].as_u64().unwrap()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 1]);
    assert_eq!(size(&unpacked(&completed[0]["b64_json"])), (96, 64));

    let body = json!({"prompt": "[[fail-for-good]]", "stream": true});
    let text = fleet.post(GENERATIONS, asks(&body)).await.text().await.unwrap();
    let failed = crate::fleet::events(&text).pop().unwrap();
    assert_eq!((failed.0.as_str(), &failed.1["error"]["code"]), ("error", &json!("job_failed")), "{text}");
}

#[tokio::test]
async fn one_picture_that_fails_ends_the_others() {
    let studio = Served::start().await;
    let (_, session) = studio.worker(&ours()).await;
    let asking = Client::of(&studio).asking(GENERATIONS, asks(&json!({"n": 3})));
    let (holding, _) = Holding::next(session).await;
    let failed = holding.job.clone();
    let _session = holding.fail("the prompt has no fox in it", false).await;
    let (status, answer) = asking.await.unwrap();
    let message = answer["error"]["message"].as_str().unwrap();
    assert_eq!(status, 422, "{answer}");
    assert!(message.contains("of 3: ") && message.contains("no fox"), "{message}");
    for job in studio.api.jobs("").await {
        let id = job["id"].as_str().unwrap();
        studio.until(id, if id == failed { "failed" } else { "cancelled" }).await;
    }
}

#[tokio::test]
async fn who_hangs_up_ends_every_picture() {
    let fleet = Fleet::open().await;
    let body = asks(&json!({"prompt": "[[delay=60000]]", "n": 3}));
    fleet.hang_up(fleet.request(Method::POST, GENERATIONS).json(&body), 3).await;
}

#[tokio::test]
async fn what_cannot_be_made_is_said() {
    let fleet = Fleet::open().await;
    for (more, status, param, word) in [
        (json!({"n": 0}), 400, json!("n"), "within 1 to 10"),
        (json!({"size": "big"}), 400, json!("size"), "1024x768"),
        (json!({"model": "nobody"}), 404, json!("model"), "nobody"),
        (json!({"model": "synthetic-chat"}), 400, json!("model"), "llm"),
        (json!({"prompt": "[[fail-for-good]]"}), 422, Value::Null, "fails for good"),
    ] {
        let (is, at, message) = refused(fleet.post(GENERATIONS, asks(&more)).await).await;
        assert_eq!((is, at), (status, param), "{more}: {message}");
        assert!(message.contains(word), "{more}: {message}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_reason_to_come_back() {
    let studio = Served::start().await;
    let response = Client::of(&studio).post(GENERATIONS, &asks(&json!({}))).await;
    assert!(response.headers().contains_key("retry-after"));
    let (status, _, message) = refused(response).await;
    assert_eq!((status, message.contains("no worker")), (503, true), "{message}");
    assert!(studio.api.jobs("").await.is_empty());
}

#[tokio::test]
async fn an_edit_takes_a_picture_and_what_to_repaint() {
    let fleet = Fleet::open().await;
    let hole = png(RgbaImage::from_fn(8, 8, |x, _| Rgba([9, 9, 9, if x < 4 { 0 } else { 255 }])));
    let form = edit()
        .text("strength", "0.5")
        .part("image", file(plain_png(), "fox.png", "image/png"))
        .part("mask", file(hole.clone(), "mask.png", "image/png"));
    let response = fleet.form(EDITS, form).await;
    let task = fleet.tasks(&response).await.remove(0);
    assert_eq!(task["denoise"], 0.5);
    assert_eq!(fleet.input(&task["initImageUrl"]).await, plain_png());
    let mask = image::load_from_memory(&fleet.input(&task["maskUrl"]).await).unwrap().to_luma8();
    assert_eq!((mask.get_pixel(0, 0).0, mask.get_pixel(7, 7).0), ([255], [0]), "the hole is white");
    let answer = answered(response).await;
    let made = fleet.open_address(answer["data"][0]["url"].as_str().unwrap()).await;
    assert_eq!(size(&made.bytes().await.unwrap()), (64, 64));

    let response = fleet.form(EDITS, edit().part("image", file(hole, "fox.png", "image/png"))).await;
    assert!(fleet.tasks(&response).await[0]["maskUrl"].is_string(), "a picture's own hole is its mask");
    let several = edit()
        .part("image[]", file(plain_png(), "a.png", "image/png"))
        .part("image[]", file(plain_png(), "b.png", "application/octet-stream"));
    let response = fleet.form(EDITS, several).await;
    assert_eq!(fleet.tasks(&response).await[0]["refImageUrls"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_variation_takes_a_picture_alone() {
    let fleet = Fleet::open().await;
    let form = Form::new()
        .text("model", "synthetic")
        .text("n", "2")
        .text("response_format", "b64_json")
        .part("image", file(plain_png(), "fox.png", "image/png"));
    let answer = answered(fleet.form("/v1/images/variations", form).await).await;
    assert_eq!(answer["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn uploads_that_lie_or_are_too_much_are_refused() {
    let fleet = Fleet::open().await;
    let with = |name: &'static str, bytes: Vec<u8>, mime: &str| {
        edit().part("image", file(plain_png(), "a.png", "image/png")).part(name, file(bytes, "b", mime))
    };
    let too_large = [plain_png(), vec![0; 25 * 1024 * 1024]].concat();
    let truncated = png(RgbaImage::new(64, 64))[..60].to_vec();
    let many = (0..17).fold(edit(), |form, _| form.part("image[]", file(plain_png(), "a.png", "image/png")));
    let words = (0..70).fold(edit(), |form, _| form.text("more", "x"));
    for (form, status, param, word) in [
        (with("mask", plain_png(), "image/jpeg"), 400, json!("mask"), "image/jpeg"),
        (with("mask", b"<html></html>".to_vec(), "image/png"), 400, json!("mask"), "no picture"),
        (with("mask", b"RIFF0000WAVEfmt ".to_vec(), "image/png"), 400, json!("mask"), "no picture"),
        (with("mask", Vec::new(), "image/png"), 400, json!("mask"), "empty"),
        (with("mask", truncated, "image/png"), 400, json!("mask"), "cannot be read"),
        (with("extra", plain_png(), "image/png"), 400, json!("extra"), "no file"),
        (with("mask", too_large.clone(), "image/png"), 413, json!("mask"), "bytes"),
        (edit().part("image[]", file(too_large, "a", "image/png")), 413, json!("image"), "bytes"),
        (many, 400, Value::Null, "16 files"),
        (words, 400, Value::Null, "64 fields"),
        (edit().text("style", "x".repeat(70_000)), 400, json!("style"), "65536"),
        (edit(), 400, json!("image"), "missing"),
    ] {
        let (is, at, message) = refused(fleet.form(EDITS, form).await).await;
        assert_eq!((is, at), (status, param), "{message}");
        assert!(message.contains(word), "{message}");
    }
    let (status, _, message) = refused(fleet.post(EDITS, json!({"prompt": "x"})).await).await;
    assert_eq!(status, 415, "{message}");
    assert!(fleet.studio.api.jobs("").await.is_empty(), "nothing became a job");
}
