//! It keeps every rule of the engine protocol, and says what it is.

use std::process::{Command, Stdio};

use engine_protocol::conformance::{Outcome, Settings, check};
use serde_json::json;
use tiny_models::gguf::LanguageModel;

use crate::peer::{FILE, Folder, Peer, source};

#[test]
fn it_conforms() {
    // Long enough that no machine is done before it is told to stop.
    let folder = Folder::with(&LanguageModel { context: 1_000_000, ..LanguageModel::default() });
    let mut settings = Settings::new("llama-cpp", "tiny");
    settings.source = source(&[("model", FILE)], &json!({"contextSize": 100_000, "parallel": 1}));
    settings.model_dir = Some(folder.0.path().to_str().unwrap().to_owned());
    let greedy = json!({"kind": "llm", "messages": [{"role": "user", "content": "hello"}], "maxTokens": 8,
        "temperature": 0});
    settings.tasks = vec![serde_json::from_value(greedy).unwrap()];
    let long = json!({"kind": "llm", "messages": [{"role": "user", "content": "a ".repeat(40_000)}],
        "maxTokens": 50_000, "temperature": 0});
    settings.slow = Some(serde_json::from_value(long).unwrap());
    settings.deterministic = true;
    let program = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_studio-engine-llama"));
        program.stderr(Stdio::null());
        program
    };
    let report = check(program, &settings);
    assert!(report.conforms(), "{report}");
    let skipped = report.rules.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Skipped(_))).count();
    assert!(skipped <= 1, "only the model that nobody has is skipped:\n{report}");
}

#[test]
fn it_says_what_it_is() {
    let engine = &Peer::start().ready.engine;
    assert_eq!((engine.name.as_str(), engine.kinds.as_slice()), ("llama-cpp", &["llm".to_owned()][..]));
    assert!(engine.build.contains("llama-cpp-2") && engine.build.contains("CPU"), "{}", engine.build);
    assert!(!engine.devices.is_empty() && engine.slots == 8);
}
