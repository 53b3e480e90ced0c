//! The synthetic engine, and the example in Python, are engines.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use engine_protocol::conformance::{Outcome, Settings, check};
use studio_protocol::Task;

fn slow_chat() -> Task {
    let task = r#"{"kind":"llm","messages":[{"role":"user","content":"[[delay=60000]]"}]}"#;
    serde_json::from_str(task).unwrap()
}

fn program(path: impl Into<PathBuf>, args: &[&str]) -> impl Fn() -> Command {
    let path = path.into();
    let args: Vec<String> = args.iter().map(|&arg| arg.to_owned()).collect();
    move || {
        let mut program = Command::new(&path);
        program.args(&args).stderr(Stdio::null());
        program
    }
}

#[test]
fn the_synthetic_engine_conforms() {
    let mut settings = Settings::new("synthetic", "synthetic");
    settings.slow = Some(slow_chat());
    settings.deterministic = true;
    let transcript = r#"{"kind":"audio_stt","inputUrl":"https://example.invalid/a.wav","timestamps":"word"}"#;
    settings.tasks.push(serde_json::from_str(transcript).unwrap());
    let report = check(program(env!("CARGO_BIN_EXE_studio-engine-synthetic"), &[]), &settings);
    assert!(report.conforms(), "{report}");
    assert!(
        report.rules.iter().all(|(_, outcome)| *outcome == Outcome::Kept),
        "nothing is skipped:\n{report}"
    );
}

#[test]
fn the_example_in_python_conforms() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/examples/engine.py");
    let mut settings = Settings::new("echo", "echo");
    settings.slow = Some(slow_chat());
    settings.deterministic = true;
    let report = check(program("python3", &[script]), &settings);
    assert!(report.conforms(), "{report}");
}

#[test]
fn a_program_that_is_no_engine_is_told_so() {
    let mut settings = Settings::new("cat", "cat");
    settings.limit = Duration::from_secs(1);
    for (path, args) in
        [("cat", &[][..]), ("sh", &["-c", "echo hello"]), ("true", &[]), ("/no/such/program", &[])]
    {
        let report = check(program(path, args), &settings);
        assert!(!report.conforms(), "{path} {args:?}:\n{report}");
    }
}

#[test]
fn a_broken_rule_is_named() {
    let mut settings = Settings::new("other-name", "synthetic");
    settings.limit = Duration::from_secs(5);
    let report = check(program(env!("CARGO_BIN_EXE_studio-engine-synthetic"), &[]), &settings);
    let [(rule, Outcome::Broken(how))] = &report.rules[..] else { panic!("{report}") };
    assert!(rule.contains("ready") && how.contains("`synthetic`"), "{report}");
}
