//! Engines may crash, hang, leak, print garbage or be killed at any moment: a job fails, nothing else does.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "engines/host.rs"]
mod host;
#[path = "engines/story.rs"]
mod story;

use std::time::{Duration, Instant};

use engine_protocol::media_matches;
use serde_json::{Value, json};
use studio_worker::engines::{EngineProgram, EngineState, JobEvent, Output};

use story::{Story, alive, kill_9, picture};

#[tokio::test]
async fn a_chat_is_answered_and_the_model_stays_loaded() {
    let mut story = Story::new();
    for job in ["job-1", "job-2", "job-3"] {
        story.run(job, "hi").await;
        let JobEvent::Finished { output: Output::Json(result), .. } = story.end(job).await else {
            panic!("{job}")
        };
        let result: Value = serde_json::from_str(result.get()).unwrap();
        assert_eq!(result["object"], "chat.completion");
    }
    let snapshot = story.snapshot();
    assert_eq!((snapshot.starts, snapshot.loads), (1, 1));
    assert_eq!((snapshot.state, snapshot.model.as_deref()), (EngineState::Ready, Some("synthetic")));
}

#[tokio::test]
async fn a_picture_is_a_file_of_its_format_in_the_jobs_folder() {
    let mut story = Story::new();
    story.run_task("job-1", "synthetic", &picture("a fox")).await;
    let JobEvent::Finished { output: Output::File { path, ext }, .. } = story.end("job-1").await else {
        panic!("no file")
    };
    assert!(path.starts_with(story.folder()) && ext == "webp", "{}", path.display());
    assert_eq!(media_matches("webp", &std::fs::read(path).unwrap()), Some(true));
}

#[tokio::test]
async fn a_model_that_its_engine_does_not_have_fails_by_name() {
    let mut story = Story::new();
    story.run_on("job-1", "flux", "hi").await;
    let (error, retryable) = story.failure("job-1").await;
    assert!(error.contains("`flux`") && !retryable, "{error}");
    story.run("job-2", "hi").await;
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }));
}

#[tokio::test]
async fn progress_comes_while_a_job_runs() {
    let mut story = Story::new();
    story.run("job-1", "[[delay=200]]").await;
    story.end("job-1").await;
    let steps =
        story.seen.iter().filter(|event| matches!(event, JobEvent::Progress { steps: 4, .. })).count();
    assert_eq!(steps, 4, "{:?}", story.seen);
}

#[tokio::test]
async fn tokens_arrive_whole_and_in_order_however_slowly_they_are_read() {
    let mut story = Story::with(|settings| settings, 1);
    let mut job = story.job(
        "job-1",
        "synthetic",
        &json!({"kind": "llm", "messages": [{"role": "user", "content": "hi"}]}),
    );
    job.stream = true;
    story.engines.run(job).await;
    let JobEvent::Finished { output: Output::Json(result), .. } = story.end("job-1").await else {
        panic!("not done")
    };
    let text: String = story
        .seen
        .iter()
        .filter_map(|event| if let JobEvent::Delta { text, .. } = event { Some(text.as_str()) } else { None })
        .collect();
    let result: Value = serde_json::from_str(result.get()).unwrap();
    assert_eq!(result["choices"][0]["message"]["content"], text);
}

#[tokio::test]
async fn a_chat_as_large_as_an_offer_may_be_goes_through() {
    let mut story = Story::new();
    story.run("job-1", &"word ".repeat(3_000_000)).await;
    let JobEvent::Finished { output: Output::Json(result), .. } = story.end("job-1").await else {
        panic!("not done")
    };
    let result: Value = serde_json::from_str(result.get()).unwrap();
    assert_eq!(result["usage"]["prompt_tokens"], 3_000_000);
}

#[tokio::test]
async fn an_engine_that_goes_down_fails_its_job_with_its_last_words_and_the_next_job_runs() {
    for (fault, words) in [
        ("[[crash]]", "crashes, as it was asked to"),
        ("[[garbage]]", "`Segm`"),
        ("[[partial]]", "ended inside of a frame"),
    ] {
        let mut story = Story::new();
        story.run("job-1", fault).await;
        let (error, retryable) = story.failure("job-1").await;
        assert!(error.contains("engine synthetic") && error.contains(words), "{fault}: {error}");
        assert!(retryable, "{fault}");
        story.run("job-2", "hi").await;
        assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }), "{fault}");
        assert_eq!(story.snapshot().starts, 2, "{fault}");
    }
}

#[tokio::test]
async fn a_failure_is_no_crash() {
    let mut story = Story::new();
    story.run("job-1", "[[fail]]").await;
    assert!(story.failure("job-1").await.1);
    story.run("job-2", "[[fail-for-good]]").await;
    assert!(!story.failure("job-2").await.1);
    assert_eq!(story.snapshot().starts, 1);
}

#[tokio::test]
async fn the_watchdog_ends_a_silent_engine_and_spares_a_slow_one() {
    let mut story = Story::with(
        |mut settings| {
            settings.step_limit = Some(Duration::from_millis(400));
            settings
        },
        64,
    );
    story.run("job-1", "[[delay=1200]]").await;
    assert!(matches!(story.end("job-1").await, JobEvent::Finished { .. }));
    story.run("job-2", "[[hang]]").await;
    let (error, retryable) = story.failure("job-2").await;
    assert!(error.contains("silent for 400ms in job job-2") && retryable, "{error}");
    story.run("job-3", "hi").await;
    assert!(matches!(story.end("job-3").await, JobEvent::Finished { .. }));
}

#[tokio::test]
async fn a_heartbeat_is_a_sign_of_life_and_unknown_events_are_skipped() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/engines/fake.py");
    let mut story = Story::with_program(EngineProgram::new("python3").arg(script), |mut settings| {
        settings.step_limit = Some(Duration::from_millis(700));
        settings
    });
    story.run("job-1", "hi").await;
    let JobEvent::Finished { output: Output::Json(result), .. } = story.end("job-1").await else {
        panic!("not done")
    };
    assert_eq!(result.get(), r#"{"said": "hi"}"#, "as the engine wrote it");
}

#[tokio::test]
async fn an_engine_that_is_killed_from_outside_is_started_again() {
    let mut story = Story::new();
    story.run("job-1", "[[delay=60000]]").await;
    story.until("it runs", |event| matches!(event, JobEvent::Progress { steps: 1200, .. })).await;
    kill_9(story.snapshot().pid.unwrap());
    let (error, retryable) = story.failure("job-1").await;
    assert!(error.contains("signal: 9") && retryable, "{error}");
    story.run("job-2", "hi").await;
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }));
}

#[tokio::test]
async fn an_idle_engine_that_is_killed_costs_no_job() {
    let mut story = Story::new();
    story.run("job-1", "hi").await;
    story.end("job-1").await;
    kill_9(story.snapshot().pid.unwrap());
    story.until_state(EngineState::Stopped).await;
    story.run("job-2", "hi").await;
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }));
}

#[tokio::test]
async fn a_cancelled_job_stops_and_its_engine_lives_on() {
    let mut story = Story::new();
    story.run("job-1", "[[delay=60000]]").await;
    story.run("job-2", "[[delay=300]]").await;
    story.until("it runs", |event| matches!(event, JobEvent::Progress { steps: 1200, .. })).await;
    let asked = Instant::now();
    story.engines.cancel(&"job-1".into()).await;
    assert!(matches!(story.end("job-1").await, JobEvent::Stopped { .. }));
    assert!(asked.elapsed() < Duration::from_secs(2));
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }), "its neighbour is not disturbed");
    assert_eq!(story.snapshot().starts, 1);
}

#[tokio::test]
async fn a_cancel_kills_an_engine_that_is_deaf_with_all_its_children() {
    let mut story = Story::with_child();
    story.run("job-1", "[[hang]]").await;
    let child = story.child_pid().await;
    story.until_deaf().await;
    assert!(alive(child));
    let asked = Instant::now();
    story.engines.cancel(&"job-1".into()).await;
    assert!(matches!(story.end("job-1").await, JobEvent::Stopped { .. }));
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());
    story.until_dead(child).await;
    story.run("job-2", "hi").await;
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }));
}

#[tokio::test]
async fn children_that_a_dead_engine_leaves_behind_are_ended() {
    let mut story = Story::with_child();
    story.run("job-1", "[[delay=100]][[crash]]").await;
    let child = story.child_pid().await;
    let (error, _) = story.failure("job-1").await;
    assert!(error.contains("crashes, as it was asked to"), "{error}");
    story.until_dead(child).await;
}

#[tokio::test]
async fn a_job_that_waits_is_cancelled_without_the_engine() {
    let mut story = Story::new();
    for job in ["job-1", "job-2", "job-3", "job-4", "job-5"] {
        story.run(job, "[[delay=60000]]").await;
    }
    story.engines.cancel(&"job-5".into()).await;
    assert!(matches!(story.end("job-5").await, JobEvent::Stopped { .. }));
    story.engines.cancel(&"job-of-nobody".into()).await;
    assert_eq!(story.snapshot().running + story.snapshot().waiting, 4);
}

#[tokio::test]
async fn a_model_that_crashes_three_times_is_refused_and_others_are_not() {
    let mut story = Story::new();
    for job in ["job-1", "job-2", "job-3"] {
        story.run_on(job, "synthetic-bad", "[[crash]]").await;
        assert!(story.failure(job).await.0.contains("crashed"));
    }
    story.run_on("job-4", "synthetic-bad", "hi").await;
    let (error, retryable) = story.failure("job-4").await;
    assert!(error.contains("`synthetic-bad` crashed its engine 3 times") && retryable, "{error}");
    story.run("job-5", "hi").await;
    assert!(matches!(story.end("job-5").await, JobEvent::Finished { .. }));
    assert!(story.snapshot().refused.contains_key("synthetic-bad"));
}

#[tokio::test]
async fn a_load_that_hangs_or_crashes_fails_the_job_that_wanted_it() {
    for (fault, words) in
        [("hang", "silent for 300ms while it loaded `synthetic`"), ("crash", "while it loaded")]
    {
        let mut story =
            Story::with_program(story::synthetic().env("SYNTHETIC_LOAD_FAULT", fault), |mut settings| {
                settings.load_limit = Duration::from_millis(300);
                settings
            });
        story.run("job-1", "hi").await;
        let (error, retryable) = story.failure("job-1").await;
        assert!(error.contains(words) && retryable, "{error}");
    }
}

#[tokio::test]
async fn a_slow_load_is_shown_and_waited_for() {
    let mut story =
        Story::with_program(story::synthetic().env("SYNTHETIC_LOAD_MS", "600"), |mut settings| {
            settings.load_limit = Duration::from_millis(300);
            settings
        });
    story.run("job-1", "hi").await;
    assert!(matches!(story.end("job-1").await, JobEvent::Finished { .. }));
    let loading = |event: &&JobEvent| {
        matches!(event, JobEvent::Progress { stage: studio_protocol::Stage::Loading, steps: 12, .. })
    };
    assert!(story.seen.iter().filter(loading).count() >= 10, "{:?}", story.seen);
}

#[tokio::test]
async fn programs_that_are_no_engine_fail_the_job_in_words() {
    let cases = [
        ("echo hello; sleep 60", "`hell`"),
        ("echo out of luck >&2; exit 3", "out of luck"),
        ("echo waiting for the moon >&2; sleep 60", "waiting for the moon"),
        ("exec \"$ENGINE\" engine synthetic < /dev/null", "ended with exit status: 0"),
    ];
    for (script, words) in cases {
        let mut story = Story::with_program(story::script(script), |mut settings| {
            settings.start_limit = Duration::from_millis(500);
            settings
        });
        story.run("job-1", "hi").await;
        let (error, retryable) = story.failure("job-1").await;
        assert!(error.contains("did not start") && error.contains(words) && retryable, "{script}: {error}");
    }
}

#[tokio::test]
async fn missing_engines_are_named() {
    let mut story = Story::with_program(EngineProgram::new("/no/such/engine"), |settings| settings);
    story.run("job-1", "hi").await;
    assert!(story.failure("job-1").await.0.contains("/no/such/engine"));
    let mut job = story.job("job-2", "m", &picture("a fox"));
    job.engine = "llama-cpp".to_owned();
    story.engines.run(job).await;
    assert!(story.failure("job-2").await.0.contains("`llama-cpp`"));
    assert!(story.engines.describe("llama-cpp").await.is_err());
    assert!(story.engines.describe("synthetic").await.unwrap_err().to_string().contains("/no/such/engine"));
}

#[tokio::test]
async fn an_engine_is_asked_once_what_it_can_do() {
    let mut program = story::synthetic();
    program.known = None;
    let story = Story::with_program(program, |settings| settings);
    let (one, other) = tokio::join!(story.engines.describe("synthetic"), story.engines.describe("synthetic"));
    assert_eq!(one.unwrap(), other.unwrap());
    let description = story.engines.describe("synthetic").await.unwrap();
    assert_eq!(*description, engine_protocol::synthetic::description());
    assert_eq!(story.snapshot().starts, 1);
}

#[tokio::test]
async fn an_engine_under_a_wrong_name_is_refused() {
    let settings = |mut settings: studio_worker::engines::EngineSettings| {
        settings.programs.insert("other".to_owned(), story::synthetic());
        settings
    };
    let mut story = Story::with(settings, 64);
    let mut job = story.job("job-1", "synthetic", &picture("a fox"));
    job.engine = "other".to_owned();
    story.engines.run(job).await;
    let (error, _) = story.failure("job-1").await;
    assert!(error.contains("calls itself `synthetic`, not `other`"), "{error}");
}

#[tokio::test]
async fn what_an_engine_prints_becomes_log_events_of_its_job() {
    let mut story = Story::with_program(
        story::script("echo 'warning: no GPU, using the CPU' >&2; exec \"$ENGINE\" engine synthetic"),
        |settings| settings,
    );
    story.run("job-1", "hi").await;
    story
        .until("the warning", |event| {
            matches!(event, JobEvent::Log { level: studio_protocol::LogLevel::Warn, message, .. }
                if message == "synthetic: warning: no GPU, using the CPU")
        })
        .await;
}

#[tokio::test]
async fn an_idle_engine_is_stopped_and_comes_back() {
    let mut story = Story::with(
        |mut settings| {
            settings.idle_ttl = Duration::from_millis(100);
            settings
        },
        64,
    );
    story.run("job-1", "hi").await;
    story.end("job-1").await;
    let pid = story.snapshot().pid;
    story.until_state(EngineState::Stopped).await;
    if let Some(pid) = pid {
        story.until_dead(pid).await;
    }
    story.run("job-2", "hi").await;
    assert!(matches!(story.end("job-2").await, JobEvent::Finished { .. }));
    assert_eq!(story.snapshot().starts, 2);
}

#[tokio::test]
async fn stopping_everything_stops_jobs_and_leaves_no_process() {
    let mut story = Story::with_child();
    story.run("job-1", "[[hang]]").await;
    for job in ["job-2", "job-3", "job-4", "job-5"] {
        story.run(job, "[[delay=60000]]").await;
    }
    let child = story.child_pid().await;
    story.until("one runs", |event| matches!(event, JobEvent::Progress { steps: 1200, .. })).await;
    let pid = story.snapshot().pid.unwrap();
    story.engines.stop_all(Duration::from_millis(500)).await;
    assert!(!alive(pid));
    story.until_dead(child).await;
    for job in ["job-1", "job-2", "job-3", "job-4", "job-5"] {
        assert!(matches!(story.end(job).await, JobEvent::Stopped { .. }), "{job}");
    }
    story.run("job-6", "hi").await;
    assert!(story.failure("job-6").await.0.contains("were stopped"));
}

#[tokio::test]
async fn a_second_signal_takes_the_engines_along() {
    let story = Story::new();
    story.run("job-1", "[[hang]]").await;
    story.until_running(1).await;
    let pid = story.snapshot().pid.unwrap();
    story.tasks.stop_hard();
    story.tasks.join().await;
    story.until_dead(pid).await;
}
