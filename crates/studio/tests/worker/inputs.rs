//! Inputs that clients brought: what an offer says of them is what a worker can fetch, without more than the offer.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use studio_protocol::Task;

use crate::served::Served;
use crate::{SOON, ours};

const PICTURE: &[u8] = b"\x89PNG bytes of a client";

async fn bring(studio: &Served, bytes: &'static [u8]) -> Value {
    let request = studio.api.request(Method::POST, "/inputs").header("content-type", "image/png").body(bytes);
    let answer = studio.api.send(request).await.unwrap();
    assert_eq!(answer.status, 201, "{:?}", answer.body);
    answer.body
}

fn edit(url: &str) -> Value {
    let task = json!({ "kind": "image", "prompt": "studio:///inputs/in-0", "initImageUrl": url });
    json!({ "model": "synthetic", "task": task })
}

#[tokio::test]
async fn an_offer_names_an_address_that_the_worker_can_fetch() {
    let studio = Served::start().await;
    let input = bring(&studio, PICTURE).await;
    studio.api.submit(edit(input["url"].as_str().unwrap())).await;
    let (_, mut session) = studio.worker(&ours()).await;
    let offer = session.offer().await;
    let Task::Image(task) = offer.task else { panic!("{:?}", offer.task) };
    assert_eq!(task.prompt, "studio:///inputs/in-0", "a text is no address");
    let url = task.init_image_url.unwrap();
    assert!(url.starts_with(&format!("{}/files/inputs/in-", studio.url)), "{url}");
    // As any worker does it, also one that sends no token.
    let answer = reqwest::get(&url).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "image/png");
    assert_eq!(&answer.bytes().await.unwrap()[..], PICTURE);
    let forged = reqwest::get(format!("{}0", url.trim_end_matches('0'))).await.unwrap();
    assert_eq!(forged.status(), 403);
    // As our workers do it, from files to engine.
    let web = model_store::Web::new(model_store::WebSettings::default());
    let folder = studio.home.join("fetched");
    let limits = model_store::InputLimits { time: Duration::from_secs(20), ..Default::default() };
    let paths = model_store::fetch_inputs(&web, &[&url], &folder, &limits).await.unwrap();
    let path = &paths[&url];
    assert!(std::path::Path::new(path).extension().is_some_and(|ext| ext == "png"), "{path}");
    assert_eq!(std::fs::read(path).unwrap(), PICTURE);
}

#[tokio::test]
async fn an_address_follows_the_public_url() {
    let studio =
        Served::with(|settings| settings.public_url = Some("https://far.example/studio".to_owned())).await;
    let input = bring(&studio, PICTURE).await;
    studio.api.submit(edit(input["url"].as_str().unwrap())).await;
    let (_, mut session) = studio.worker(&ours()).await;
    let offer = tokio::time::timeout(SOON, session.offer()).await.unwrap();
    let Task::Image(task) = offer.task else { panic!("{:?}", offer.task) };
    assert!(task.init_image_url.unwrap().starts_with("https://far.example/studio/files/inputs/in-"));
}
