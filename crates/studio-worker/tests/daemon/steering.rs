//! The owner's commands: with a running worker, and without one.

use std::fs;
use std::process::Output;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, Program, Studio, approved_config, client, until};

const WEIGHTS: &str = "these are the weights";

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

async fn good(program: &Program, args: &[&str]) -> String {
    let output = program.run(args).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}{}", out(&output), err(&output));
    out(&output)
}

async fn bad(program: &Program, args: &[&str]) -> String {
    let output = program.run(args).await;
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", out(&output));
    err(&output)
}

#[tokio::test]
async fn without_a_worker_commands_work_on_files_or_say_what_is_missing() {
    let program = Program::new(None);
    for args in [
        &["jobs"][..],
        &["jobs", "release", "job-1"],
        &["models", "add", "hf:o/r"],
        &["models", "load", "m"],
        &["update", "check"],
        &["pause", "--for", "15m"],
        &["logs"],
        &["logs", "-f"],
    ] {
        let words = bad(&program, args).await;
        assert!(words.contains("no worker runs"), "{args:?}: {words}");
    }
    assert!(good(&program, &["stop"]).await.contains("no worker runs"));
    assert!(good(&program, &["pause"]).await.contains("paused"));
    assert_eq!(good(&program, &["config", "get", "paused"]).await, "true\n");
    good(&program, &["resume"]).await;
    assert_eq!(good(&program, &["config", "get", "paused"]).await, "false\n");
    good(&program, &["config", "set", "resident_models", "a, b"]).await;
    assert_eq!(good(&program, &["config", "get", "resident_models"]).await, "a,b\n");
    good(&program, &["config", "unset", "resident_models"]).await;
    let listed = good(&program, &["config", "list"]).await;
    assert!(listed.contains("vram_threshold_gb = unset: all of the GPU's"), "{listed}");
    let listed: Value = serde_json::from_str(&good(&program, &["config", "list", "--json"]).await).unwrap();
    assert!(listed["settings"].as_array().unwrap().len() > 20);
    assert!(good(&program, &["models"]).await.contains("no models"));
    assert!(bad(&program, &["models", "remove", "m"]).await.contains('m'));
    fs::create_dir_all(program.path("logs")).unwrap();
    let lines = "2026-01-01T00:00:00Z  INFO x: one job-1\n2026-01-01T00:00:01Z  WARN x: two\n";
    fs::write(program.path("logs/studio-worker.2026-01-01.log"), lines).unwrap();
    assert_eq!(good(&program, &["logs"]).await, lines);
    assert_eq!(good(&program, &["logs", "--level", "warn"]).await.lines().count(), 1);
    assert!(good(&program, &["logs", "--job", "job-1"]).await.contains("one"));
    assert_eq!(program.run(&["pause", "--for", "1h", "--until-idle"]).await.status.code(), Some(2));
    assert_eq!(program.run(&["pause", "--for", "soon"]).await.status.code(), Some(2));
}

#[tokio::test]
async fn settings_go_through_the_running_worker() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let _running = program.start(&["run"]);
    let mut peer = studio.session(&["resume"]).await;
    let changed = program.run(&["config", "set", "vram_threshold_gb", "3.5"]).await;
    assert!(err(&changed).contains("goes by it now"), "{}", err(&changed));
    while peer.expect("heartbeat").await["capabilities"]["vramThresholdGb"] != 3.5 {}
    let waits = program.run(&["config", "set", "engine_threads", "2"]).await;
    assert!(err(&waits).contains("restarted"), "{}", err(&waits));
    assert!(err(&program.run(&["config", "list"]).await).contains("engine_threads"));
    let refused = bad(&program, &["config", "set", "slots", "0"]).await;
    assert!(refused.contains("slots") && refused.contains("1 to 64"), "{refused}");
    good(&program, &["config", "unset", "vram_threshold_gb"]).await;
    let live: Value = serde_json::from_str(&good(&program, &["status", "--json"]).await).unwrap();
    assert_ne!(live["live"]["memory"]["thresholdGb"], 3.5);
    assert_eq!((&live["running"], &live["live"]["session"]), (&json!(true), &json!("open")));
}

#[tokio::test]
async fn models_come_and_go_by_command() {
    let studio = Studio::start().await;
    studio.answer(|request| match request.path.as_str() {
        "/m.bin" => Answer::of(200, WEIGHTS),
        _ => Answer::of(404, "no"),
    });
    let program = Program::new(Some(&approved_config(&studio)));
    let _running = program.start(&["run"]);
    client(program.dir.path()).await;
    let sha256 = hex::encode(Sha256::digest(WEIGHTS));
    let source = |file: &str| {
        json!({
            "engine": "synthetic",
            "files": [{"role": "model", "url": format!("{}/{file}", studio.url()), "filename": "m.bin", "sha256": sha256}],
            "cliDefaults": {"cfgScale": 1.0, "steps": 4, "width": 64, "height": 64},
        })
    };
    fs::write(program.path("good.json"), source("m.bin").to_string()).unwrap();
    fs::write(program.path("bad.json"), source("gone.bin").to_string()).unwrap();
    let (good_source, bad_source) = (program.path("good.json"), program.path("bad.json"));
    let add = ["models", "add", "synthetic-mine", "--wait", "--source", good_source.to_str().unwrap()];
    assert!(good(&program, &add).await.contains("synthetic-mine is here: 21 B"));
    let add = ["models", "add", "synthetic-bad", "--wait", "--source", bad_source.to_str().unwrap()];
    assert!(bad(&program, &add).await.contains("gone.bin"));
    let listed = good(&program, &["models"]).await;
    assert!(
        listed.contains("synthetic-mine") && listed.contains("present") && listed.contains("gone.bin"),
        "{listed}"
    );
    good(&program, &["models", "load", "synthetic-mine"]).await;
    let loaded = || async {
        let models: Value = serde_json::from_str(&good(&program, &["models", "--json"]).await).unwrap();
        models["models"].as_array().unwrap().iter().any(|model| model["place"] == "loaded")
    };
    for _ in 0..100 {
        if loaded().await {
            break;
        }
    }
    assert!(loaded().await);
    assert!(bad(&program, &["models", "remove", "synthetic-mine"]).await.contains("unload it first"));
    assert!(bad(&program, &["models", "load", "absent"]).await.contains("add it first"));
    good(&program, &["models", "unload", "synthetic-mine"]).await;
    let client = client(program.dir.path()).await;
    crate::support::until_some("it is out of memory", async || {
        client.status(None).await.unwrap().lanes.iter().all(|lane| lane.pid.is_none()).then_some(())
    })
    .await;
    good(&program, &["models", "remove", "synthetic-mine"]).await;
    assert!(!program.path("models/synthetic-mine").exists());
    assert!(bad(&program, &["models", "add", "no-such-file.gguf"]).await.contains("there is no file"));
}

#[tokio::test]
async fn a_running_worker_registers_anew_and_joins_by_command() {
    let mut studio = Studio::start().await;
    studio.answer(|request| match (request.method.as_str(), request.path.as_str()) {
        ("POST", _) if request.json()["joinCode"] == "GOOD" => {
            Answer::json(json!({"requestId": "rr-good", "status": "pending"}))
        }
        ("POST", _) if request.json().get("joinCode").is_some() => Answer::of(400, "joinCode: is unknown"),
        ("POST", _) => Answer::json(json!({"requestId": "rr-plain", "status": "pending"})),
        (_, path) if path.ends_with("rr-good") => {
            Answer::json(json!({"status": "approved", "workerId": "w-9", "authToken": "tok-9"}))
        }
        _ => Answer::json(json!({"status": "pending"})),
    });
    let program = Program::new(Some(&approved_config(&studio)));
    let _running = program.start(&["run"]);
    let peer = studio.session(&[]).await;
    assert!(good(&program, &["register"]).await.contains("w-1"));
    assert!(bad(&program, &["join", &studio.url(), "GOOD"]).await.contains("--reset"));
    let elsewhere = ["register", "--api-base-url", "http://127.0.0.1:9"];
    assert!(bad(&program, &elsewhere).await.contains("--reset"));
    assert!(good(&program, &["register", "--reset"]).await.contains("rr-plain"));
    drop(peer);
    assert!(bad(&program, &["join", &studio.url(), "BAD"]).await.contains("joinCode: is unknown"));
    assert!(good(&program, &["join", &studio.url(), "GOOD"]).await.contains("w-9"));
    studio.session(&[]).await;
    assert!(good(&program, &["status"]).await.contains("approved as w-9"));
    assert!(good(&program, &["join", &studio.url(), "GOOD", "--reset"]).await.contains("w-9"));
}

#[tokio::test]
async fn stop_returns_when_the_worker_has_ended() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let mut running = program.start(&["run"]);
    let _peer = studio.session(&[]).await;
    assert!(good(&program, &["stop"]).await.contains("has ended"));
    assert!(running.end().await.success());
    let mut running = program.start(&["run"]);
    let _peer = studio.session(&[]).await;
    good(&program, &["stop", "--after-jobs"]).await;
    assert!(running.end().await.success());
    assert!(good(&program, &["stop"]).await.contains("no worker runs"));
}

#[tokio::test]
async fn a_newer_version_is_told_by_command() {
    let studio = Studio::start().await;
    studio.answer(|_| Answer::json(json!({"schema": 1, "releases": [{"version": "999.0.0"}]})));
    let feed = format!("auto_update_feed = \"{}/feed.json\"\n", studio.url());
    let program = Program::new(Some(&format!("{}{feed}", approved_config(&studio))));
    let _running = program.start(&["run"]);
    client(program.dir.path()).await;
    assert!(good(&program, &["update"]).await.contains("no newer one is known"));
    assert!(good(&program, &["update", "check"]).await.contains("999.0.0"));
    let view: Value = serde_json::from_str(&good(&program, &["update", "status", "--json"]).await).unwrap();
    assert_eq!(view["state"], "available");
    studio.answer(|_| Answer::of(500, "broken"));
    assert!(bad(&program, &["update", "check"]).await.contains("500"));
}

/// A folder whose lock this process holds, with a local API that the test answers for.
struct Fake {
    program: Program,
    api: Studio,
    _lock: fs::File,
}

impl Fake {
    async fn start(version: &str) -> Self {
        let (program, api) = (Program::new(None), Studio::start().await);
        let lock = fs::File::create(program.path("studio-worker.lock")).unwrap();
        lock.lock().unwrap();
        let pid = std::process::id();
        let at = "2026-01-01T00:00:00.000Z";
        let holder = json!({"pid": pid, "command": "a test", "startedAt": at});
        fs::write(program.path("studio-worker.lock"), holder.to_string()).unwrap();
        let found = json!({"url": api.url(), "token": "t", "pid": pid, "version": version, "startedAt": at});
        fs::write(program.path("local-api.json"), found.to_string()).unwrap();
        Self { program, api, _lock: lock }
    }

    fn posted(&self, path: &str) -> Vec<Value> {
        let all = self.api.requests();
        let to = all.iter().filter(|request| request.path == format!("/api/v1{path}"));
        to.map(|request| {
            assert_eq!(request.header("authorization").as_deref(), Some("Bearer t"));
            request.json()
        })
        .collect()
    }
}

fn status(more: Value) -> Value {
    let mut status = json!({
        "generation": 1, "version": "1", "pid": 1, "startedAt": "2026-01-01T00:00:00.000Z", "configPath": "/c",
        "logDir": "/l", "apiBaseUrl": "http://s", "state": "idle", "registration": {"state": "approved"},
        "session": "open", "presence": "unknown", "machine": {}, "memory": {},
    });
    for (key, value) in more.as_object().unwrap() {
        status[key] = value.clone();
    }
    status
}

#[tokio::test]
async fn a_pause_is_asked_for_as_it_was_meant() {
    let fake = Fake::start(env!("CARGO_PKG_VERSION")).await;
    let at = "2026-02-03T00:00:00.000Z";
    fake.api.answer(move |request| match request.path.as_str() {
        "/api/v1/pause" => Answer::json(status(json!({"pause": {"until": at, "untilIdle": false}}))),
        _ => Answer::json(status(json!({}))),
    });
    assert!(good(&fake.program, &["pause", "--for", "1h"]).await.contains(at));
    good(&fake.program, &["pause", "--until-idle", "--now", "--free-memory"]).await;
    good(&fake.program, &["pause", "--until-tomorrow"]).await;
    good(&fake.program, &["pause"]).await;
    let posted = fake.posted("/pause");
    let hour = json!({"until": {"kind": "minutes", "minutes": 60}, "when": "afterJob", "freeMemory": false});
    assert_eq!(posted[0], hour);
    assert_eq!(posted[1], json!({"until": {"kind": "idle"}, "when": "now", "freeMemory": true}));
    assert_eq!(posted[2]["until"]["kind"], "at");
    assert_eq!(posted[3]["until"]["kind"], "resumed");
    assert!(good(&fake.program, &["resume"]).await.contains("takes jobs"));
    assert_eq!(fake.posted("/resume").len(), 1);
}

#[tokio::test]
async fn jobs_are_listed_shown_and_given_back() {
    let fake = Fake::start(env!("CARGO_PKG_VERSION")).await;
    let at = "2026-01-01T00:00:00.000Z";
    let job = json!({
        "seq": 1, "id": "job-1", "origin": "studio", "kind": "image", "model": "m", "prompt": "a fox\nin the wood",
        "startedAt": at, "endedAt": at, "day": "2026-01-01", "end": "failed", "reason": "out of memory",
    });
    let running = json!({"id": "job-2", "origin": "local", "kind": "llm", "model": "n", "startedAt": at, "step": 2, "steps": 8});
    fake.api.answer(move |request| match request.path.split('?').next().unwrap() {
        "/api/v1/jobs" => Answer::json(json!({"jobs": [job], "next": 1})),
        "/api/v1/jobs/job%2D1" => Answer::json(job.clone()),
        "/api/v1/jobs/job%2D1/log" => {
            Answer::json(json!([{"ts": at, "level": "warn", "category": "engine", "message": "hot"}]))
        }
        "/api/v1/status" | "/api/v1/jobs/job%2D2/release" => Answer::json(status(json!({"jobs": [running]}))),
        _ => Answer {
            status: 404,
            body: json!({"status": 404, "code": "notFound", "detail": "no such job"}).to_string(),
        },
    });
    let program = &fake.program;
    let listed = good(program, &["jobs"]).await;
    assert!(listed.contains("a fox in the wood") && listed.contains("step 2 of 8"), "{listed}");
    let listed =
        good(program, &["jobs", "list", "--end", "failed", "--kind", "image", "--search", "fox"]).await;
    assert!(!listed.contains("job-2"), "{listed}");
    let asked =
        fake.api.requests().into_iter().rev().find(|request| request.path.starts_with("/api/v1/jobs?"));
    let asked = asked.unwrap().path;
    for part in ["end=failed", "kind=image", "search=fox", "limit=50"] {
        assert!(asked.contains(part), "{asked}");
    }
    assert!(good(program, &["jobs", "show", "job-1"]).await.contains("failed: out of memory"));
    assert!(good(program, &["jobs", "show", "job-2"]).await.contains("2 of 8"));
    assert!(good(program, &["jobs", "log", "job-1"]).await.contains("WARN  engine: hot"));
    assert!(good(program, &["jobs", "release", "job-2"]).await.contains("given back"));
    assert!(bad(program, &["jobs", "show", "job-3"]).await.contains("no such job"));
}

#[tokio::test]
async fn logs_come_page_by_page() {
    let fake = Fake::start(env!("CARGO_PKG_VERSION")).await;
    fake.api.answer(|request| {
        let after: u64 = request.path.split("after=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
        let line = |seq: u64| {
            let job = if seq == 2 { json!("job-1") } else { Value::Null };
            json!({"seq": seq, "ts": "2026-01-01T00:00:00.000Z", "level": "info", "target": "x", "message": format!("line {seq}"), "job": job})
        };
        let lines: Vec<Value> = (after + 1..=3).take(2).map(line).collect();
        Answer::json(json!({"lines": lines, "last": 3}))
    });
    let all = good(&fake.program, &["logs"]).await;
    assert_eq!(all.lines().map(|line| line.rsplit(' ').next().unwrap()).collect::<Vec<_>>(), ["1", "2", "3"]);
    assert!(all.contains("INFO  x: line 1"), "{all}");
    assert_eq!(good(&fake.program, &["logs", "--job", "job-1"]).await.lines().count(), 1);
    good(&fake.program, &["logs", "--level", "warn"]).await;
    assert!(fake.api.requests().last().unwrap().path.contains("level=warn"));
}

#[tokio::test]
async fn a_worker_that_cannot_be_asked_is_told_in_plain_words() {
    let fake = Fake::start("0.0.1").await;
    fake.api.answer(|_| Answer::json(json!({"something": "else"})));
    let words = bad(&fake.program, &["jobs"]).await;
    assert!(words.contains("version 0.0.1") && words.contains("restart"), "{words}");
    let Fake { program, api, _lock } = fake;
    drop(api);
    let words = bad(&program, &["models"]).await;
    assert!(words.contains("cannot be asked") && words.contains(&std::process::id().to_string()), "{words}");
    let shown = program.run(&["status"]).await;
    assert!(
        out(&shown).starts_with("running, pid") && err(&shown).contains("cannot be asked"),
        "{}",
        err(&shown)
    );
    let set = program.run(&["config", "set", "slots", "2"]).await;
    assert_eq!(set.status.code(), Some(1), "it may not have been heard");
    fs::remove_file(program.path("local-api.json")).unwrap();
    let words = bad(&program, &["stop"]).await;
    assert!(words.contains("does not say where its local API is"), "{words}");
    good(&program, &["config", "set", "slots", "2"]).await;
    until("it is in the file", || {
        fs::read_to_string(program.path("config.toml")).ok().filter(|text| text.contains("slots = 2"))
    })
    .await;
}
