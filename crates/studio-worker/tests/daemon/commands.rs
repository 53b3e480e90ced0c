//! The commands of the real program.

use std::fs;
use std::process::Output;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::{Answer, Program, Studio, approved_config, until};

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn help_names_the_commands_and_writes_nothing() {
    let program = Program::new(None);
    let output = program.run(&["--help"]).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(out(&output).contains("Usage: studio-worker") && !out(&output).contains("engine NAME"));
    assert_eq!(program.run(&["frobnicate"]).await.status.code(), Some(2));
    assert_eq!(fs::read_dir(program.dir.path()).unwrap().count(), 0, "nothing is written by asking for help");
}

#[tokio::test]
async fn a_corrupt_config_is_told_with_its_line_and_left_alone() {
    let program = Program::new(Some("slots = 1\npaused = maybe\n"));
    for args in [&["run"][..], &["config"], &["config", "set", "slots", "2"], &["register"]] {
        let output = program.run(args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}");
        assert!(err(&output).contains("line 2"), "{}", err(&output));
    }
    assert_eq!(fs::read_to_string(program.path("config.toml")).unwrap(), "slots = 1\npaused = maybe\n");
}

#[tokio::test]
async fn every_problem_of_a_config_is_told_at_once() {
    let program =
        Program::new(Some("slots = 0\napi_base_url = \"ftp://x\"\nshutdown_grace_secs = \"long\"\n"));
    let output = program.run(&["run"]).await;
    assert_eq!(output.status.code(), Some(1));
    for wanted in ["line 1: slots", "line 2: api_base_url", "line 3: shutdown_grace_secs"] {
        assert!(err(&output).contains(wanted), "{}", err(&output));
    }
}

#[tokio::test]
async fn settings_are_shown_and_changed_and_comments_stay() {
    let program = Program::new(None);
    assert_eq!(
        out(&program.run(&["config", "path"]).await).trim(),
        program.path("config.toml").display().to_string()
    );
    assert!(program.run(&["config", "set", "slots", "3"]).await.status.success());
    assert!(program.run(&["set-threshold", "6.5"]).await.status.success());
    let text = fs::read_to_string(program.path("config.toml")).unwrap();
    assert!(text.contains("slots = 3") && text.contains("# Where the studio is reached."), "{text}");
    let shown = out(&program.run(&["config"]).await);
    assert!(shown.contains("slots = 3") && shown.contains("vram_threshold_gb = 6.5"), "{shown}");
    let shown: Value = serde_json::from_str(&out(&program.run(&["config", "--json"]).await)).unwrap();
    assert_eq!(shown["slots"], 3);
    for wrong in [["slots", "0"], ["no_such_key", "1"], ["auth_token", "x"], ["paused", "perhaps"]] {
        let output = program.run(&["config", "set", wrong[0], wrong[1]]).await;
        assert_eq!(output.status.code(), Some(1), "{wrong:?}");
        assert!(err(&output).contains(wrong[0]), "{}", err(&output));
    }
    assert_eq!(fs::read_to_string(program.path("config.toml")).unwrap(), text);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let program = Program::new(Some("worker_id = \"w-1\"\nauth_token = \"hunter2\"\ninstall_id = \"i\"\n"));
    let shown = out(&program.run(&["config"]).await);
    assert!(shown.contains("w-1") && !shown.contains("hunter2"), "{shown}");
}

#[tokio::test]
async fn variables_win_over_the_file() {
    let program = Program::new(Some("slots = 2\n"));
    let output = program.command(&["config"]).env("STUDIO_WORKER_SLOTS", "4").output().await.unwrap();
    assert!(out(&output).contains("slots = 4  # from STUDIO_WORKER_SLOTS"), "{}", out(&output));
}

#[tokio::test]
async fn joining_with_a_code_needs_no_approval() {
    let studio = Studio::start().await;
    studio.answer(|request| match request.method.as_str() {
        "POST" if request.json()["joinCode"] == "GOOD-CODE" => {
            Answer::json(json!({"requestId": "rr-1", "status": "pending"}))
        }
        "POST" => Answer::of(400, "joinCode: is unknown"),
        _ => Answer::json(json!({"status": "approved", "workerId": "w-9", "authToken": "tok-9"})),
    });
    let program = Program::new(None);
    let refused = program.run(&["join", &studio.url(), "BAD-CODE"]).await;
    assert_eq!(refused.status.code(), Some(1));
    assert!(err(&refused).contains("joinCode: is unknown"), "{}", err(&refused));
    let joined = program.run(&["join", &studio.url(), "GOOD-CODE"]).await;
    assert_eq!(joined.status.code(), Some(0), "{}", err(&joined));
    assert!(out(&joined).contains("w-9") && !out(&joined).contains("tok-9"));
    let text = fs::read_to_string(program.path("config.toml")).unwrap();
    assert!(text.contains("auth_token = \"tok-9\"") && text.contains(&studio.url()));
    let again = program.run(&["join", &studio.url(), "GOOD-CODE"]).await;
    assert!(err(&again).contains("--reset"), "{}", err(&again));
    assert!(program.run(&["join", &studio.url(), "GOOD-CODE", "--reset"]).await.status.success());
}

#[tokio::test]
async fn registering_asks_then_tells_how_it_stands() {
    let studio = Studio::start().await;
    studio.answer(|request| match request.method.as_str() {
        "POST" => Answer::json(json!({"requestId": "rr-1", "status": "pending"})),
        _ => Answer::json(json!({"status": "pending"})),
    });
    let program = Program::new(None);
    let url = studio.url();
    let asked = program.run(&["register", "--api-base-url", &url]).await;
    assert!(out(&asked).contains("rr-1") && out(&asked).contains("operator"), "{}", err(&asked));
    assert!(out(&program.run(&["register"]).await).contains("rr-1"));
    studio.answer(|_| Answer::json(json!({"status": "rejected", "reason": "no"})));
    let rejected = program.run(&["register"]).await;
    assert!(err(&rejected).contains("--reset"));
    assert_eq!(program.run(&["register"]).await.status.code(), Some(1), "rejected until a reset");
    studio.answer(|request| match request.method.as_str() {
        "POST" => Answer::json(json!({"requestId": "rr-2", "status": "pending"})),
        _ => Answer::json(json!({"status": "approved", "workerId": "w-2", "authToken": "t"})),
    });
    assert!(out(&program.run(&["register", "--reset"]).await).contains("rr-2"));
    assert!(out(&program.run(&["register"]).await).contains("w-2"));
    let ids: Vec<_> = studio
        .requests()
        .iter()
        .filter(|r| r.method == "POST")
        .map(|r| r.json()["installId"].clone())
        .collect();
    assert_ne!(ids[0], ids[1], "a reset is another worker");
}

#[tokio::test]
async fn status_tells_whether_a_worker_runs() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    assert!(out(&program.run(&["status"]).await).starts_with("not running"));
    let mut running = program.start(&["run"]);
    let _peer = studio.session(&[]).await;
    until("it is shown", || {
        fs::read_to_string(program.path("status.json")).ok().filter(|s| s.contains("\"open\""))
    })
    .await;
    let shown = out(&program.run(&["status"]).await);
    assert!(shown.contains("w-1") && shown.contains("open") && shown.contains("synthetic"), "{shown}");
    let shown: Value = serde_json::from_str(&out(&program.run(&["status", "--json"]).await)).unwrap();
    assert_eq!((&shown["running"], &shown["status"]["session"]), (&json!(true), &json!("open")));
    assert_eq!(shown["holder"]["pid"], running.pid());
    running.signal(Signal::KILL);
    running.end().await;
    let shown: Value = serde_json::from_str(&out(&program.run(&["status", "--json"]).await)).unwrap();
    assert_eq!(
        (&shown["running"], &shown["status"]),
        (&json!(false), &Value::Null),
        "an old file says nothing"
    );
}

#[tokio::test]
async fn a_change_reaches_the_running_worker() {
    let mut studio = Studio::start().await;
    let program = Program::new(Some(&approved_config(&studio)));
    let _running = program.start(&["run"]);
    let mut peer = studio.session(&[]).await;
    let changed = program.run(&["set-threshold", "3.5"]).await;
    assert!(err(&changed).contains("goes by it"), "{}", err(&changed));
    while peer.expect("heartbeat").await["capabilities"]["vramThresholdGb"] != 3.5 {
        peer.send(json!({"type": "heartbeatAck"})).await;
    }
    let changed = program.run(&["config", "set", "engine_threads", "2"]).await;
    assert!(err(&changed).contains("restarted"), "{}", err(&changed));
}

#[tokio::test]
async fn the_doctor_finds_what_is_wrong_and_says_what_to_do() {
    let studio = Studio::start().await;
    studio.answer(|_| Answer::of(200, "ok"));
    let program = Program::new(Some(&approved_config(&studio)));
    let well = program.run(&["doctor"]).await;
    assert_eq!(well.status.code(), Some(0), "{}", out(&well));
    for wanted in ["approved as w-1", "synthetic", "image", "GiB free", "empty", "answers (200"] {
        assert!(out(&well).contains(wanted), "{wanted}: {}", out(&well));
    }
    drop(studio);
    let ill: Value = serde_json::from_str(&out(&program.run(&["doctor", "--json"]).await)).unwrap();
    let studio = ill.as_array().unwrap().iter().find(|finding| finding["about"] == "studio").unwrap();
    assert_eq!(studio["verdict"], "error");
    let corrupt = Program::new(Some("slots = ["));
    let output = corrupt.run(&["doctor"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(out(&output).contains("error config"), "{}", out(&output));
}
