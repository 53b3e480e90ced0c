//! A network that goes away for a while keeps the claim; a worker that goes away for good gives its job back in time.

use std::time::{Duration, Instant};

use e2e::{SOON, Story, outcomes, picture};
use serde_json::Value;
use testkit::{FaultyLink, wait_until};

/// As in the promise: "a 20 s network cut every minute loses nothing", with the minutes cut short.
const CUT: Duration = Duration::from_secs(20);
const BETWEEN: Duration = Duration::from_secs(10);
const CUTS: u32 = 3;
/// Longer than all of it.
const LONG: &str = "a long fox [[delay=95000]]";
/// From the loss of a worker until its job can be taken by another.
const REQUEUE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_network_that_is_cut_again_and_again_costs_a_long_job_nothing() {
    let story = Story::begin().await;
    let link = FaultyLink::to(story.studio.address()).await;
    let worker = story.worker_over("attic", &link).await;
    let job = story.running(picture(LONG)).await;
    let holder = Value::from(e2e::id_of(&worker));
    // It would take the job over.
    let _idle = story.worker("cellar").await;
    for _ in 0..CUTS {
        link.black_hole();
        // The fault itself, not a wait for anything.
        tokio::time::sleep(CUT).await;
        link.restore();
        tokio::time::sleep(BETWEEN).await;
        let now = story.api.job(&job).await;
        assert_eq!((&now["state"], &now["worker"]), (&Value::from("running"), &holder), "{now}");
    }
    let done = story.api.until_job(&job, "done", Duration::from_mins(1)).await;
    assert_eq!(outcomes(&done), ["done"], "{done}");
    assert_eq!(done["attempts"], 1, "{done}");
}

#[tokio::test]
async fn workers_that_are_gone_for_good_give_their_jobs_back_within_thirty_seconds() {
    let story = Story::begin().await;
    let link = FaultyLink::to(story.studio.address()).await;
    let mut killed = story.worker("killed").await;
    let of_killed = story.running(picture("one [[delay=120000]]")).await;
    let _silenced = story.worker_over("silenced", &link).await;
    let of_silenced = story.running(picture("two [[delay=120000]]")).await;
    let gone = Instant::now();
    killed.kill9();
    link.black_hole();
    let lost = |job: &Value| outcomes(job).first().is_some_and(|outcome| outcome == "lost");
    let until_lost = async |id: &str| {
        story.until_job(id, "is given back", REQUEUE, lost).await;
        gone.elapsed()
    };
    let (of_kill, of_silence) = tokio::join!(until_lost(&of_killed), until_lost(&of_silenced));
    println!("given back after a kill: {of_kill:?}, after silence: {of_silence:?}");
    assert!(of_kill <= REQUEUE && of_silence <= REQUEUE, "{of_kill:?} {of_silence:?}");
    assert!(of_kill >= REQUEUE / 2, "a worker that is gone may come back: {of_kill:?}");
    let heir = story.worker("heir").await;
    let taken = |job: &Value| job["state"] == "running" && job["worker"] == e2e::id_of(&heir).as_str();
    story.until_job(&of_killed, "is taken by another", SOON, taken).await;
    for (id, why) in [(&of_killed, "gone"), (&of_silenced, "")] {
        let job = story.api.job(id).await;
        assert_eq!(job["attempts"], u32::from(id == &of_killed), "a loss is no failure: {job}");
        assert!(job["history"][0]["error"].as_str().is_some_and(|error| error.contains(why)), "{job}");
    }
}

/// A computer that sleeps says nothing, and believes that no time has passed when it wakes up.
#[tokio::test]
async fn a_worker_that_slept_too_long_finds_its_job_done_by_another_and_goes_on() {
    let story = Story::begin().await;
    let sleeper = story.worker("sleeper").await;
    let job = story.running(picture("a fox [[delay=3000]]")).await;
    let engines = sleeper.engines(SOON).await;
    sleeper.freeze();
    let heir = story.worker("heir").await;
    let done = story.api.until_job(&job, "done", REQUEUE + SOON).await;
    assert_eq!(outcomes(&done), ["lost", "done"], "{done}");
    assert_eq!(done["worker"], e2e::id_of(&heir).as_str());
    assert!(engines.iter().all(|pid| e2e::is_alive(*pid)), "its engine slept on");
    let made = story.api.artefact(&job).await;
    sleeper.thaw();
    let spool = sleeper.folder().join(format!("spool/{job}.json"));
    wait_until("the sleeper brought its result and was told that it is too late", SOON, async || {
        sleeper.log().contains(&job) && !spool.exists()
    })
    .await;
    story.until_online(&sleeper).await;
    let after = story.api.job(&job).await;
    assert_eq!((&after["history"], &after["artefact"]), (&done["history"], &done["artefact"]));
    assert_eq!(story.api.artefact(&job).await, made);
    drop(heir);
    let next = story.done(picture("good morning")).await;
    assert_eq!(next["worker"], e2e::id_of(&sleeper).as_str());
}
