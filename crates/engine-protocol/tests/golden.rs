//! Every message of every version, as it stands on the wire: `golden/v1/NAME.json` with all keys, and
//! `NAME.least.json` with only those that an older writer sends.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use engine_protocol::{Command, DecodeError, Event, FailureClass, decode_command, decode_event};
use serde_json::{Value, json};

/// Reads a message and writes it again.
fn again(name: &str, message: &Value) -> Result<Value, DecodeError> {
    let bytes = serde_json::to_vec(message).unwrap();
    Ok(if name.starts_with("command-") {
        serde_json::to_value(decode_command(&bytes)?).unwrap()
    } else {
        serde_json::to_value(decode_event(&bytes)?).unwrap()
    })
}

fn golden() -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/v1");
    let read = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().trim_end_matches(".json").to_owned();
        (name, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())
    };
    fs::read_dir(folder).unwrap().map(read).collect()
}

/// Whether the file holds only what an older writer sends.
fn is_least(name: &str) -> bool {
    name.split_once('.').is_some()
}

#[test]
fn every_message_is_written_as_it_was_read() {
    for (name, message) in golden() {
        let written = again(&name, &message).unwrap();
        if is_least(&name) {
            assert_eq!(at_least(&message, &written), None, "{name}");
            assert_eq!(again(&name, &written).unwrap(), written, "{name}: defaults are stable");
        } else {
            assert_eq!(written, message, "{name}");
        }
    }
}

#[test]
fn an_old_reader_ignores_new_keys() {
    for (name, message) in golden() {
        let plain = again(&name, &message).unwrap();
        let mut newer = message.clone();
        add_keys(&mut newer, name.starts_with("event-done"));
        assert_eq!(kept(&again(&name, &newer).unwrap()), kept(&plain), "{name}");
    }
}

#[test]
fn an_old_reader_knows_a_new_message_by_its_type() {
    let message = br#"{"type":"fromTheFuture","jobId":"job-1","x":{"y":[1,2]}}"#;
    assert!(matches!(decode_command(message), Err(DecodeError::UnknownType(tag)) if tag == "fromTheFuture"));
    assert!(matches!(decode_event(message), Err(DecodeError::UnknownType(tag)) if tag == "fromTheFuture"));
}

#[test]
fn a_new_word_for_a_failure_reads_as_internal() {
    let message = br#"{"type":"failed","jobId":"job-1","class":"solarFlare","message":"x","retryable":true}"#;
    let Event::Failed(failed) = decode_event(message).unwrap() else { panic!("not a failure") };
    assert_eq!(failed.class, FailureClass::Internal);
}

#[test]
fn a_run_of_an_unknown_kind_still_names_its_job() {
    let message = br#"{"type":"run","jobId":"job-1","model":"m","task":{"kind":"smell"}}"#;
    let Err(DecodeError::Malformed { message: "run", job_id: Some(job), source }) = decode_command(message)
    else {
        panic!("it was read");
    };
    assert_eq!(job.as_str(), "job-1");
    assert!(source.to_string().contains("smell"));
}

#[test]
fn missing_and_wrong_keys_are_errors_that_name_the_message() {
    for (name, message) in golden() {
        if is_least(&name) {
            for key in message.as_object().unwrap().keys().filter(|key| *key != "result") {
                let mut broken = message.clone();
                broken.as_object_mut().unwrap().remove(key);
                assert!(again(&name, &broken).is_err(), "{name} without `{key}` was read");
                broken[key] = json!({"not": "this"});
                let problem = again(&name, &broken).map(|_| ()).unwrap_err();
                let tag = message["type"].as_str().unwrap();
                let named = problem.to_string().contains(&format!("`{tag}`"));
                assert!(named || key == "type" || key == "source", "{name} `{key}`: {problem}");
            }
        }
    }
}

#[test]
fn every_message_has_a_golden_file() {
    let names: BTreeSet<String> = golden().into_iter().map(|(name, _)| name).collect();
    for (name, message) in golden() {
        let bytes = serde_json::to_vec(&message).unwrap();
        let expected = if name.starts_with("command-") {
            of_command(&decode_command(&bytes).unwrap())
        } else {
            of_event(&decode_event(&bytes).unwrap())
        };
        assert!(name.starts_with(expected), "{name} holds {expected}");
    }
    for name in COMMANDS.iter().chain(EVENTS) {
        assert!(names.contains(*name), "no golden/v1/{name}.json");
    }
}

const COMMANDS: &[&str] = &[
    "command-hello",
    "command-load",
    "command-run",
    "command-cancel",
    "command-unload",
    "command-stats",
    "command-shutdown",
];
const EVENTS: &[&str] = &[
    "event-ready",
    "event-loading",
    "event-loaded",
    "event-progress",
    "event-preview",
    "event-delta",
    "event-done",
    "event-failed",
    "event-unloaded",
    "event-stats",
    "event-heartbeat",
];

/// A new variant does not compile here until it has a name, and then fails until it has a file.
fn of_command(command: &Command) -> &'static str {
    COMMANDS[match command {
        Command::Hello(_) => 0,
        Command::Load(_) => 1,
        Command::Run(_) => 2,
        Command::Cancel(_) => 3,
        Command::Unload(_) => 4,
        Command::Stats => 5,
        Command::Shutdown => 6,
    }]
}

fn of_event(event: &Event) -> &'static str {
    EVENTS[match event {
        Event::Ready(_) => 0,
        Event::Loading(_) => 1,
        Event::Loaded(_) => 2,
        Event::Progress(_) => 3,
        Event::Preview(_) => 4,
        Event::Delta(_) => 5,
        Event::Done(_) => 6,
        Event::Failed(_) => 7,
        Event::Unloaded(_) => 8,
        Event::Stats(_) => 9,
        Event::Heartbeat(_) => 10,
    }]
}

/// The first key of `less` that `more` lacks or has otherwise.
fn at_least(less: &Value, more: &Value) -> Option<String> {
    match (less, more) {
        (Value::Object(less), Value::Object(more)) => less.iter().find_map(|(key, value)| {
            let Some(other) = more.get(key) else { return Some(key.clone()) };
            at_least(value, other).map(|inner| format!("{key}.{inner}"))
        }),
        _ => (less != more).then(|| format!("{less} became {more}")),
    }
}

/// A key of the future in every object; not in a result, which is the engine's own text.
fn add_keys(value: &mut Value, is_done: bool) {
    if let Value::Object(object) = value {
        for (key, inner) in object.iter_mut() {
            if !(is_done && key == "result") && key != "formats" {
                add_keys(inner, false);
            }
        }
        object.insert("futureKey".to_owned(), json!({"nested": [null, 1]}));
    } else if let Value::Array(items) = value {
        for item in items {
            add_keys(item, false);
        }
    }
}

/// Without what a model source keeps on purpose: defaults that only the engine understands.
fn kept(value: &Value) -> Value {
    let mut value = value.clone();
    if let Some(defaults) = value.pointer_mut("/source/cliDefaults").and_then(Value::as_object_mut) {
        defaults.remove("futureKey");
    }
    value
}
