//! A wall clock that jumps by a day, either way, under the studio and the worker: nothing is lost, nothing is repeated.

use e2e::{FakeClock, SOON, Story, chat, outcomes, picture};
use testkit::{Home, StudioOptions, WorkerProcess, wait_until};

#[tokio::test]
async fn a_clock_that_jumps_a_day_costs_nothing() {
    let home = Home::new();
    let (studios, workers) = (FakeClock::new(&home, "studio-clock"), FakeClock::new(&home, "worker-clock"));
    let options = StudioOptions { environment: studios.environment(), ..StudioOptions::default() };
    let story = Story::begin_at(home, options).await;
    let mut worker = WorkerProcess::new(&story.home, "attic");
    for (key, value) in workers.environment() {
        worker = worker.with_env(&key, &value);
    }
    worker.join(&story.studio).await;
    worker.run().await;
    story.until_online(&worker).await;
    let mut before = story.done(chat("before")).await["createdAt"].as_str().expect("a time").to_owned();
    for (whose, offset) in [("studio", "+1d"), ("worker", "+1d"), ("studio", "-1d"), ("worker", "-1d")] {
        let clock = if whose == "studio" { &studios } else { &workers };
        let job = story.running(picture(&format!("a fox at {whose} {offset} [[delay=3000]]"))).await;
        clock.set(offset);
        let next = story.api.submit(chat(&format!("after {whose} {offset}"))).await;
        let done = story.until(&job, "done").await;
        assert_eq!(outcomes(&done), ["done"], "{offset}: {done}");
        assert_eq!(done["attempts"], 1);
        let next = story.until(&next, "done").await;
        assert_eq!(outcomes(&next), ["done"], "{offset}: {next}");
        let created = next["createdAt"].as_str().expect("a time").to_owned();
        if whose == "studio" {
            assert_eq!(created > before, offset == "+1d", "the clock did jump: {before} -> {created}");
        }
        before = created;
    }
    let connected = story.studio.log().matches("worker connected").count();
    assert_eq!(connected, 1, "the session went on");
    // A start in the past: what is stored lies in the future.
    let mut story = story;
    story.studio.restart().await;
    story.until_online(&worker).await;
    wait_until("the worker is served again", SOON, async || {
        story.api.get("/status").await["workersOnline"] == 1
    })
    .await;
    assert_eq!(outcomes(&story.done(chat("in the past")).await), ["done"]);
}
