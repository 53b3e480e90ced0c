//! Which models are in memory: they stay while there is room, and the right ones leave when there is none.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use studio_worker::engines::{EngineJob, EngineSettings, EngineState, FreeMemory, JobEvent, LaneSnapshot};
use tokio::sync::watch;

use super::story::Story;

const GIB: u64 = 1 << 30;
/// What a model of these tests needs, by the size of its file and what computing takes beside it.
const NEED_GIB: f64 = 3.6;

type Board = Arc<OnceLock<watch::Receiver<Vec<LaneSnapshot>>>>;

/// A machine with `total` GiB of which 1 GiB is kept; every loaded model takes what it was said to need.
fn stage(total: f64, change: impl FnOnce(&mut EngineSettings)) -> Story {
    let board: Board = Arc::default();
    let seen = board.clone();
    let story = Story::with(
        |mut settings| {
            settings.probe = Arc::new(move || {
                // Memory is taken before a model says that it is loaded, never after.
                let takes = |lane: &&LaneSnapshot| lane.process.state != EngineState::Stopped;
                let loaded = seen.get().map_or(0, |board| board.borrow().iter().filter(takes).count());
                let free = total - loaded as f64 * NEED_GIB;
                FreeMemory { host: (free * GIB as f64) as u64, device: None }
            });
            change(&mut settings);
            settings
        },
        64,
    );
    board.set(story.engines.watch_lanes()).unwrap();
    story
}

fn job(story: &Story, name: &str, model: &str, prompt: &str) -> EngineJob {
    let task = serde_json::json!({"kind": "llm", "messages": [{"role": "user", "content": prompt}]});
    let mut job = story.job(name, model, &task);
    job.source.files = serde_json::from_value(serde_json::json!([
        {"role": "model", "url": "https://h/m", "filename": "m", "approxBytes": 3 * GIB}
    ]))
    .unwrap();
    job
}

async fn run(story: &mut Story, name: &str, model: &str) {
    story.engines.run(job(story, name, model, "hi")).await;
    let end = story.end(name).await;
    assert!(matches!(end, JobEvent::Finished { .. }), "{end:?}");
}

fn loaded(story: &Story) -> Vec<String> {
    story.engines.lanes().into_iter().filter_map(|lane| lane.process.model).collect()
}

fn loads(story: &Story) -> u64 {
    story.engines.lanes().iter().map(|lane| lane.process.loads).sum()
}

#[tokio::test]
async fn models_stay_beside_each_other_while_there_is_room() {
    let mut story = stage(16.0, |_| {});
    for (round, model) in ["synthetic-a", "synthetic-b", "synthetic-a", "synthetic-b"].into_iter().enumerate()
    {
        run(&mut story, &format!("job-{round}"), model).await;
    }
    assert_eq!(loads(&story), 2);
    story
        .until_lanes("both loaded", |lanes| {
            lanes.iter().filter(|lane| lane.process.model.is_some()).count() == 2
        })
        .await;
}

#[tokio::test]
async fn the_model_that_was_not_used_for_longest_makes_room() {
    let mut story = stage(9.0, |_| {});
    for (name, model) in [("job-1", "synthetic-a"), ("job-2", "synthetic-b"), ("job-3", "synthetic-a")] {
        run(&mut story, name, model).await;
    }
    run(&mut story, "job-4", "synthetic-c").await;
    assert_eq!(loaded(&story), ["synthetic-a", "synthetic-c"]);
    run(&mut story, "job-5", "synthetic-b").await;
    assert_eq!(loaded(&story), ["synthetic-b", "synthetic-c"]);
}

#[tokio::test]
async fn a_busy_model_is_waited_for_and_nobody_overtakes() {
    let mut story = stage(6.0, |_| {});
    story.engines.run(job(&story, "job-1", "synthetic-a", "[[delay=400]]")).await;
    story.engines.run(job(&story, "job-2", "synthetic-b", "hi")).await;
    story.engines.run(job(&story, "job-3", "synthetic-a", "hi")).await;
    for name in ["job-1", "job-2", "job-3"] {
        assert!(matches!(story.end(name).await, JobEvent::Finished { .. }), "{name}");
    }
    let order: Vec<_> = story
        .seen
        .iter()
        .filter_map(
            |event| if let JobEvent::Finished { job_id, .. } = event { Some(job_id.as_str()) } else { None },
        )
        .collect();
    assert_eq!(order, ["job-1", "job-2", "job-3"]);
    assert_eq!(loads(&story), 3, "it came back after the other");
}

#[tokio::test]
async fn what_does_not_fit_is_refused_in_words_and_the_next_job_runs() {
    let mut story = stage(4.2, |_| {});
    story.engines.run(job(&story, "job-1", "synthetic-a", "hi")).await;
    let end = story.end("job-1").await;
    let JobEvent::OutOfMemory { error, .. } = end else { panic!("{end:?}") };
    assert!(error.contains("needs 3.6 GiB, 4.2 free, 1.0 kept"), "{error}");
    story.run("job-2", "hi").await;
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }), "it has no files to load");
}

#[tokio::test]
async fn a_job_that_waits_for_room_can_be_cancelled() {
    let mut story = stage(6.0, |_| {});
    story.engines.run(job(&story, "job-1", "synthetic-a", "[[delay=60000]]")).await;
    story.engines.run(job(&story, "job-2", "synthetic-b", "hi")).await;
    story.engines.cancel(&"job-2".into()).await;
    assert!(matches!(story.end("job-2").await, JobEvent::Stopped { .. }));
    story.engines.cancel(&"job-1".into()).await;
    assert!(matches!(story.end("job-1").await, JobEvent::Stopped { .. }));
}

#[tokio::test]
async fn a_resident_model_stays_and_others_go_idle() {
    let mut story = stage(16.0, |settings| {
        settings.resident.insert("synthetic-a".to_owned());
        settings.idle_ttl = Duration::from_millis(100);
    });
    run(&mut story, "job-1", "synthetic-a").await;
    run(&mut story, "job-2", "synthetic-b").await;
    story
        .until_lanes("only the resident one", |lanes| {
            let up: Vec<_> = lanes.iter().filter(|lane| lane.process.state != EngineState::Stopped).collect();
            matches!(up[..], [lane] if lane.model == "synthetic-a" && lane.resident)
        })
        .await;
}

#[tokio::test]
async fn models_of_one_group_take_turns() {
    let mut story = stage(99.0, |_| {});
    for (name, model) in [("job-1", "synthetic-a"), ("job-2", "synthetic-b"), ("job-3", "synthetic-c")] {
        let mut job = job(&story, name, model, "hi");
        if model != "synthetic-c" {
            job.source.cli_defaults.more.insert("exclusiveGroup".to_owned(), "big".into());
        }
        story.engines.run(job).await;
        assert!(matches!(story.end(name).await, JobEvent::Finished { .. }));
    }
    assert_eq!(loaded(&story), ["synthetic-b", "synthetic-c"]);
}

#[tokio::test]
async fn a_model_is_loaded_and_unloaded_without_a_job() {
    let mut story = stage(6.0, |_| {});
    let source = job(&story, "job-0", "synthetic-a", "hi").source;
    story.engines.load("synthetic-a", source.clone(), 0.0).await.unwrap();
    assert_eq!(loads(&story), 1);
    run(&mut story, "job-1", "synthetic-a").await;
    assert_eq!(loads(&story), 1, "the job found it there");
    assert!(story.engines.unload("synthetic-z").await.unwrap_err().contains("not in memory"));
    story.engines.unload("synthetic-a").await.unwrap();
    story.until_lanes("nothing in memory", |lanes| lanes.iter().all(|lane| lane.process.pid.is_none())).await;
    run(&mut story, "job-2", "synthetic-a").await;
    let mut absent = source.clone();
    absent.engine = "absent".to_owned();
    assert!(story.engines.load("m", absent, 0.0).await.unwrap_err().contains("`absent`"));
    let mut huge = source;
    huge.files[0].approx_bytes = Some(90 * GIB);
    assert!(story.engines.load("synthetic-big", huge, 0.0).await.unwrap_err().contains("needs 108.0 GiB"));
    let unknown = job(&story, "job-0", "flux", "hi").source;
    assert!(story.engines.load("flux", unknown, 0.0).await.unwrap_err().contains("`flux`"));
}

#[tokio::test]
async fn unloading_waits_for_the_job_that_runs() {
    let mut story = stage(6.0, |_| {});
    story.engines.run(job(&story, "job-1", "synthetic-a", "[[delay=300]]")).await;
    story.until("it runs", |event| matches!(event, JobEvent::Progress { steps: 6, .. })).await;
    story.engines.unload("synthetic-a").await.unwrap();
    assert!(matches!(story.end("job-1").await, JobEvent::Finished { .. }));
    story.until_lanes("nothing in memory", |lanes| lanes.iter().all(|lane| lane.process.pid.is_none())).await;
}
