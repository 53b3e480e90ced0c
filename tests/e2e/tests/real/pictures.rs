//! The starter model: prompts that it was never trained on become pictures that show what they say.

use e2e::Story;
use serde_json::json;
use shape_judge::{Attribute, Colour, PromptSet, Score, held_out, judge};

use super::{BATCH, JOB, lane, worker_with};

/// The share of pictures that have an attribute right.
const MUST: f64 = 0.99;
/// All attributes together: shapes of few pixels are hard.
const MUST_ALL: f64 = 0.85;

#[tokio::test]
async fn ninety_six_prompts_that_it_was_never_trained_on() {
    let story = Story::begin().await;
    let worker = worker_with(&story, "attic", &["sd-cpp"]).await;
    let asked = held_out(PromptSet::Standard);
    assert_eq!(asked.len(), 96);
    let jobs = asked.iter().enumerate().map(|(number, asked)| {
        json!({"model": "starter-shapes", "assetName": format!("{number:02}"), "task": {
            "kind": "image", "prompt": asked.prompt, "seed": 1_000 + number, "ext": "png"}})
    });
    let batch = story.api.submit_batch("held out", jobs.collect()).await;
    let started = std::time::Instant::now();
    story.api.until_done(&batch, 96, BATCH).await;
    println!("96 pictures in {:?}", started.elapsed());
    let mut score = Score::default();
    for job in story.api.jobs(&format!("batch={batch}")).await {
        let number: usize = job["assetName"].as_str().and_then(|name| name.parse().ok()).expect("its number");
        let bytes = story.api.artefact(job["id"].as_str().expect("an id")).await;
        let picture = image::load_from_memory(&bytes).expect("a PNG").to_rgb8();
        assert_eq!((picture.width(), picture.height()), (128, 128), "as the model's defaults say");
        let misses = score.add(&asked[number].scene, &judge(picture.as_raw(), 128, 128));
        if !misses.is_empty() {
            println!("{number}: {} misses {misses:?}", asked[number].prompt);
        }
    }
    println!("{score}");
    for attribute in [Attribute::Background, Attribute::Colour, Attribute::Count] {
        assert!(score.attribute(attribute).share() >= MUST, "{attribute}: {score}");
    }
    assert!(score.all().share() >= MUST_ALL, "{score}");
    let lane = lane(&worker, "starter-shapes").await;
    assert_eq!((&lane["process"]["loads"], &lane["process"]["starts"]), (&json!(1), &json!(1)), "{lane}");
}

#[tokio::test]
async fn a_picture_tells_how_it_was_made_and_comes_again_from_the_same_seed() {
    let story = Story::begin().await;
    let _worker = worker_with(&story, "attic", &["sd-cpp"]).await;
    let job = |ext: &str| {
        json!({"model": "starter-shapes", "task": {
            "kind": "image", "prompt": "two large green circles at the top of a purple background", "seed": 7, "ext": ext}})
    };
    let mut pictures = Vec::new();
    for ext in ["png", "png", "webp", "jpg"] {
        let id = story.api.submit(job(ext)).await;
        story.api.until_job(&id, "done", JOB).await;
        let bytes = story.api.artefact(&id).await;
        let made = engine_sdcpp::read_parameters(&bytes).unwrap_or_else(|| panic!("{ext} tells nothing"));
        assert_eq!((made.seed, made.steps), (7, 8), "{ext}");
        assert!(made.prompt.contains("green circles"), "{ext}");
        pictures.push(image::load_from_memory(&bytes).expect("a picture").to_rgb8());
    }
    assert_eq!(pictures[0], pictures[1]);
    let verdict = judge(pictures[0].as_raw(), 128, 128);
    assert_eq!((verdict.count, verdict.colour), (2, Some(Colour::Green)), "{verdict:?}");
}
