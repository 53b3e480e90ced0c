//! What is said while work goes on.

use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use engine_protocol::{Event, Progress};
use studio_protocol::{ImageTask, Task};

use crate::peer::Peer;
use crate::tiny::{Made, Tiny, cat, tiny_load};

fn steps(made: &Made) -> Vec<&Progress> {
    made.events
        .iter()
        .filter_map(|event| if let Event::Progress(progress) = event { Some(progress) } else { None })
        .collect()
}

fn previews(made: &Made) -> Vec<&engine_protocol::Preview> {
    made.events
        .iter()
        .filter_map(|event| if let Event::Preview(preview) = event { Some(preview) } else { None })
        .collect()
}

#[test]
fn every_step_is_told_with_the_time_that_is_left() {
    let mut tiny = Tiny::start();
    let made = tiny.run(Task::Image(ImageTask { steps: 5, ..cat() }), false).unwrap();
    let told: Vec<(u32, u32)> = steps(&made).iter().map(|progress| (progress.step, progress.steps)).collect();
    assert_eq!(told, [(0, 5), (1, 5), (2, 5), (3, 5), (4, 5), (5, 5)]);
    let left: Vec<Option<u64>> = steps(&made).iter().map(|progress| progress.eta_ms).collect();
    assert!(left[0].is_none() && left[1].unwrap() > 0 && left[5] == Some(0), "{left:?}");
    // A batch counts through, and so does a start picture of which only a part is repainted.
    let batch = ImageTask { steps: 2, batch_count: Some(2), ..cat() };
    let made = tiny.run(Task::Image(batch), false).unwrap();
    let told: Vec<(u32, u32)> = steps(&made).iter().map(|progress| (progress.step, progress.steps)).collect();
    assert_eq!(told, [(0, 4), (1, 4), (2, 4), (2, 4), (3, 4), (4, 4)]);
}

#[test]
fn previews_come_when_they_are_wanted() {
    let mut tiny = Tiny::start();
    let task = ImageTask { steps: 8, ..cat() };
    let without = tiny.run(Task::Image(task.clone()), false).unwrap();
    assert!(previews(&without).is_empty());
    let started = Instant::now();
    let with = tiny.run(Task::Image(task), true).unwrap();
    let seconds = started.elapsed().as_secs();
    let previews = previews(&with);
    assert!(
        !previews.is_empty() && previews.len() as u64 <= seconds + 1,
        "{} in {seconds} s",
        previews.len()
    );
    for preview in previews {
        assert_eq!(preview.mime, "image/jpeg");
        let jpeg = STANDARD.decode(&preview.data).unwrap();
        let picture = image::load_from_memory(&jpeg).unwrap();
        assert_eq!((picture.width(), picture.height()), (8, 8), "a pixel for 8x8");
    }
    assert_eq!(without.file, with.file);
}

#[test]
fn twenty_jobs_take_one_load() {
    let mut tiny = Tiny::start();
    for seed in 0..20 {
        tiny.picture(ImageTask { seed: Some(seed), steps: 1, ..cat() });
    }
    let stats = tiny.peer.stats();
    assert_eq!((stats.loads, stats.done, stats.failed), (1, 20, 0));
    assert_eq!(stats.models, ["tiny"]);
    assert!(stats.memory_bytes.unwrap() > 50_000_000);
}

#[test]
fn a_load_tells_that_it_goes_on_and_what_it_takes() {
    let mut peer = Peer::start();
    let events = peer.load(tiny_load(serde_json::json!({})));
    assert!(matches!(events.first(), Some(Event::Loading(_))), "{events:?}");
    let Some(Event::Loaded(loaded)) = events.last() else { panic!("{events:?}") };
    assert!((50_000_000..500_000_000).contains(&loaded.memory_bytes.unwrap()));
    // A second load takes the place of the first.
    let again = peer.load(tiny_load(serde_json::json!({})));
    assert!(matches!(again.last(), Some(Event::Loaded(_))), "{again:?}");
    assert_eq!(peer.stats().models, ["tiny"]);
}
