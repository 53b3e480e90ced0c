//! What the synthetic engine makes is what it says: real files, real shapes, the same bytes for the same task.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command as Program, Stdio};

use engine_protocol::{
    CancelJob, Command, Done, Event, Failed, FailureClass, Hello, Load, PROTOCOLS, Run, decode_event,
    read_frame, write_frame,
};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A running engine with a loaded model, and a folder for its files.
struct Engine {
    child: Killed,
    stdin: ChildStdin,
    folder: TempDir,
}

/// Ends with the test.
struct Killed(Child);

impl Engine {
    fn start() -> Self {
        Self::with_env(&[])
    }

    fn with_env(env: &[(&str, &str)]) -> Self {
        let mut program = Program::new(env!("CARGO_BIN_EXE_studio-engine-synthetic"));
        Self::of(program.envs(env.iter().copied()))
    }

    fn of(program: &mut Program) -> Self {
        let mut child =
            program.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut engine = Self {
            stdin: child.stdin.take().unwrap(),
            child: Killed(child),
            folder: tempfile::tempdir().unwrap(),
        };
        engine.say(&Command::Hello(Hello { protocols: PROTOCOLS.to_vec(), host: "test".to_owned() }));
        let source = json!({"engine": "synthetic", "files": [],
            "cliDefaults": {"cfgScale": 1.0, "steps": 1, "width": 8, "height": 8}});
        let load = Load {
            model: "synthetic-1".to_owned(),
            source: serde_json::from_value(source).unwrap(),
            dir: None,
        };
        engine.say(&Command::Load(Box::new(load)));
        engine.until(|event| matches!(event, Event::Loaded(_)).then_some(()));
        engine
    }

    fn say(&mut self, command: &Command) {
        write_frame(&mut self.stdin, command).unwrap();
    }

    fn until<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            let json = read_frame(self.child.0.stdout.as_mut().unwrap()).unwrap().expect("the engine ended");
            if let Some(found) = pick(decode_event(&json).unwrap()) {
                return found;
            }
        }
    }

    fn start_job(&mut self, job: &str, task: &Value) {
        self.start_with(job, task, BTreeMap::new(), false);
    }

    fn start_with(&mut self, job: &str, task: &Value, inputs: BTreeMap<String, String>, preview: bool) {
        let run = Run {
            job_id: job.into(),
            model: "synthetic-1".to_owned(),
            task: serde_json::from_value(task.clone()).unwrap(),
            out_dir: Some(self.folder.path().to_str().unwrap().to_owned()),
            inputs,
            stream: true,
            preview,
            traceparent: None,
        };
        self.say(&Command::Run(Box::new(run)));
    }

    fn end(&mut self) -> Result<Done, Failed> {
        self.until(|event| {
            if let Event::Done(done) = event {
                return Some(Ok(done));
            }
            if let Event::Failed(failed) = event { Some(Err(failed)) } else { None }
        })
    }

    fn run(&mut self, task: &Value) -> Result<Done, Failed> {
        self.start_job("job-1", task);
        self.end()
    }

    fn file(&mut self, task: &Value) -> (PathBuf, Vec<u8>) {
        let path = PathBuf::from(self.run(task).unwrap().file.unwrap());
        let bytes = std::fs::read(&path).unwrap();
        (path, bytes)
    }

    fn json(&mut self, task: &Value) -> Value {
        serde_json::from_str(self.run(task).unwrap().result.unwrap().get()).unwrap()
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn picture(prompt: &str, width: u32, height: u32, ext: &str) -> Value {
    json!({"kind": "image", "prompt": prompt, "width": width, "height": height, "ext": ext})
}

fn chat(content: &str) -> Value {
    json!({"kind": "llm", "messages": [{"role": "user", "content": content}]})
}

#[test]
fn pictures_decode_as_what_they_claim_at_the_size_that_was_asked_for() {
    let mut engine = Engine::start();
    let formats = [
        ("png", image::ImageFormat::Png),
        ("webp", image::ImageFormat::WebP),
        ("jpg", image::ImageFormat::Jpeg),
        ("jpeg", image::ImageFormat::Jpeg),
        ("gif", image::ImageFormat::Gif),
    ];
    for (ext, format) in formats {
        for (width, height) in [(1, 1), (1, 40), (200, 3), (321, 123)] {
            let (path, bytes) = engine.file(&picture("a fox", width, height, ext));
            assert_eq!(path.extension().unwrap(), ext);
            let decoded = image::load_from_memory_with_format(&bytes, format).unwrap();
            assert_eq!((decoded.width(), decoded.height()), (width, height), "{ext}");
        }
    }
}

#[test]
fn pictures_follow_their_prompt() {
    let mut engine = Engine::start();
    let prompts = ["a fox", "a wolf", "a bear", "a hare", "an owl"];
    let pictures: BTreeSet<Vec<u8>> =
        prompts.iter().map(|prompt| engine.file(&picture(prompt, 64, 64, "png")).1).collect();
    assert_eq!(pictures.len(), prompts.len());
    let colors: BTreeSet<[u8; 3]> = pictures
        .iter()
        .flat_map(|png| {
            image::load_from_memory(png).unwrap().to_rgb8().pixels().map(|p| p.0).collect::<Vec<_>>()
        })
        .collect();
    assert!(colors.len() > 100, "{} colours", colors.len());
}

#[test]
fn the_same_task_gives_the_same_bytes_in_any_process() {
    let tasks = [
        picture("a fox", 64, 48, "webp"),
        picture("a fox", 64, 48, "jpg"),
        json!({"kind": "audio_tts", "text": "one two three"}),
    ];
    for task in tasks {
        assert_eq!(Engine::start().file(&task).1, Engine::start().file(&task).1, "{task}");
    }
    let transcript =
        json!({"kind": "audio_stt", "inputUrl": "https://a.example/a.wav", "timestamps": "word"});
    for task in [chat("hi"), transcript] {
        assert_eq!(Engine::start().json(&task), Engine::start().json(&task), "{task}");
    }
}

/// The pictures of one release are those of the next, on every platform.
#[test]
fn pixels_do_not_change_between_builds() {
    let (_, bytes) = Engine::start().file(&picture("a fox", 32, 32, "png"));
    let pixels = image::load_from_memory(&bytes).unwrap().to_rgb8().into_raw();
    let sum = pixels.iter().fold(0_u32, |sum, byte| sum.wrapping_mul(31).wrapping_add(u32::from(*byte)));
    assert_eq!(sum, PIXELS_OF_A_FOX, "every stored synthetic picture would differ");
}

const PIXELS_OF_A_FOX: u32 = 438_342_483;

#[test]
fn speech_is_sound_of_the_length_of_its_text() {
    let mut engine = Engine::start();
    let mut seconds = |text: &str| {
        let (path, _) = engine.file(&json!({"kind": "audio_tts", "text": text}));
        let wav = hound::WavReader::open(path).unwrap();
        let rate = wav.spec().sample_rate;
        let loud = wav.into_samples::<i16>().map(|sample| sample.unwrap().unsigned_abs()).collect::<Vec<_>>();
        assert!(loud.iter().max() > Some(&4_000), "silence");
        loud.len() as f64 / f64::from(rate)
    };
    let (one, four) = (seconds("one"), seconds("one two three four"));
    assert!(four > one * 3.9 && four < one * 4.1, "{one} s and {four} s");
}

#[test]
fn a_transcript_is_as_long_as_its_recording() {
    let mut engine = Engine::start();
    let (wav, _) =
        engine.file(&json!({"kind": "audio_tts", "text": "one two three four five six seven eight"}));
    let address = "data:audio/wav;base64,UklGRg==";
    let task = json!({"kind": "audio_stt", "inputUrl": address, "timestamps": "word"});
    let inputs = [(address.to_owned(), wav.to_str().unwrap().to_owned())].into();
    engine.start_with("job-2", &task, inputs, false);
    let heard: Value = serde_json::from_str(engine.end().unwrap().result.unwrap().get()).unwrap();
    let duration = heard["duration"].as_f64().unwrap();
    assert!((duration - 8.0 * 0.22).abs() < 0.01, "{duration}");
    let words = heard["words"].as_array().unwrap();
    assert_eq!(words.len(), 4);
    let spoken: Vec<&str> = words.iter().map(|word| word["word"].as_str().unwrap()).collect();
    assert_eq!(heard["text"], spoken.join(" "));
    assert!(words.last().unwrap()["end"].as_f64().unwrap() <= duration);
    assert_eq!(heard["segments"][0]["start"], 0.0);
}

#[test]
fn texts_become_vectors_of_their_own() {
    let mut engine = Engine::start();
    let embed = |texts: &[&str]| json!({"kind": "llm", "messages": [], "embed": texts});
    let answer = engine.json(&embed(&["a fox", "a wolf"]));
    assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!("synthetic-1")));
    assert_eq!(answer["usage"], json!({"prompt_tokens": 4, "total_tokens": 4}));
    let vectors = answer["data"].as_array().unwrap();
    assert_eq!((vectors.len(), vectors[1]["index"].as_u64()), (2, Some(1)));
    assert_ne!(vectors[0]["embedding"], vectors[1]["embedding"]);
    let alone = engine.json(&embed(&["a wolf"]));
    assert_eq!(alone["data"][0]["embedding"], vectors[1]["embedding"]);
    assert!(engine.run(&embed(&["[[fail-for-good]]"])).is_err());
}

#[test]
fn a_delayed_picture_can_be_looked_at() {
    let mut engine = Engine::start();
    engine.start_with("job-1", &picture("[[delay=60]] a fox", 640, 320, "png"), BTreeMap::new(), true);
    let look = engine.until(|event| if let Event::Preview(look) = event { Some(look) } else { None });
    assert_eq!(look.mime, "image/png");
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, look.data).unwrap();
    let small = image::load_from_memory(&bytes).unwrap();
    assert_eq!((small.width(), small.height()), (64, 32));
    engine.end().unwrap();
}

#[test]
fn a_chat_has_the_shape_of_a_chat_completion() {
    let answer = Engine::start().json(&chat("hi there"));
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "synthetic-1");
    assert!(answer["id"].as_str().unwrap().starts_with("chatcmpl-"));
    assert_eq!(answer["choices"][0]["message"]["role"], "assistant");
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    let words = answer["choices"][0]["message"]["content"].as_str().unwrap().split(' ').count();
    assert_eq!(
        answer["usage"],
        json!({"prompt_tokens": 2, "completion_tokens": words, "total_tokens": words + 2})
    );
}

#[test]
fn a_chat_heeds_its_limits() {
    let mut engine = Engine::start();
    let mut task = chat("hi there");
    task["maxTokens"] = json!(3);
    let answer = engine.json(&task);
    assert_eq!(answer["usage"]["completion_tokens"], 3);
    assert_eq!(answer["choices"][0]["finish_reason"], "length");
    task["maxTokens"] = json!(512);
    task["stop"] = json!(["."]);
    let answer = engine.json(&task);
    assert!(!answer["choices"][0]["message"]["content"].as_str().unwrap().contains('.'), "{answer}");
    task["stop"] = json!(null);
    task["jsonSchema"] = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let answer = engine.json(&task);
    let value: Value =
        serde_json::from_str(answer["choices"][0]["message"]["content"].as_str().unwrap()).unwrap();
    assert!(value["name"].is_string(), "{answer}");
}

#[test]
fn a_chat_calls_tools_when_asked_and_when_it_must() {
    let mut engine = Engine::start();
    let tool = |name: &str| {
        let parameters = json!({"type": "object", "properties": {"a": {"type": "integer"}}});
        json!({"type": "function", "function": {"name": name, "parameters": parameters}})
    };
    let mut called = |prompt: &str, choice: Value| {
        let mut task = chat(prompt);
        task["tools"] = json!([tool("add"), tool("sub")]);
        task["toolChoice"] = choice;
        let choice = engine.json(&task)["choices"][0].clone();
        let calls = choice["message"]["tool_calls"].as_array().cloned().unwrap_or_default();
        assert_eq!(choice["finish_reason"], if calls.is_empty() { "stop" } else { "tool_calls" });
        let name = |call: &Value| {
            let arguments = call["function"]["arguments"].as_str().unwrap();
            assert!(serde_json::from_str::<Value>(arguments).unwrap()["a"].is_i64(), "{call}");
            call["function"]["name"].as_str().unwrap().to_owned()
        };
        calls.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(called("hi", json!("auto")), Vec::<String>::new());
    assert_eq!(called("hi", json!("required")), ["add"]);
    assert_eq!(called("hi", json!({"type": "function", "function": {"name": "sub"}})), ["sub"]);
    assert_eq!(called("[[call]] [[call=sub]]", json!("auto")), ["add", "sub"]);
    assert_eq!(called("[[call]]", json!("none")), Vec::<String>::new());
}

#[test]
fn a_chat_thinks_when_asked_and_names_what_stopped_it() {
    let mut engine = Engine::start();
    let mut task = chat("[[think]] [[pace=1]] hi");
    task["stop"] = json!(["nothing like this", "."]);
    let answer = engine.json(&task);
    let choice = &answer["choices"][0];
    assert!(!choice["message"]["reasoning_content"].as_str().unwrap().is_empty(), "{answer}");
    assert_eq!(choice["stop_reason"], ".");
}

#[test]
fn streamed_pieces_are_the_answer() {
    let mut engine = Engine::start();
    engine.start_job("job-1", &chat("hi"));
    let (mut pieces, mut indices) = (String::new(), Vec::new());
    let done = engine.until(|event| {
        if let Event::Delta(delta) = &event {
            pieces.push_str(&delta.text);
            indices.push(delta.index);
        }
        if let Event::Done(done) = event { Some(done) } else { None }
    });
    let answer: Value = serde_json::from_str(done.result.unwrap().get()).unwrap();
    assert_eq!(answer["choices"][0]["message"]["content"], pieces);
    assert_eq!(indices, (0..indices.len() as u64).collect::<Vec<_>>());
}

#[test]
fn what_it_does_not_make_is_named() {
    let mut engine = Engine::start();
    let cases = [
        (json!({"kind": "video", "prompt": "a fox"}), "mp4"),
        (json!({"kind": "mesh", "imageUrl": "https://a.example/a.png"}), "glb"),
        (json!({"kind": "audio_tts", "text": "hi", "ext": "mp3"}), "mp3"),
        (picture("a fox", 8, 8, "tiff"), "tiff"),
        (picture("a fox", 8, 8, "../png"), "../png"),
        (picture("a fox", 0, 8, "png"), "width"),
        (picture("a fox", 8, 4_000_000, "png"), "height"),
    ];
    for (task, word) in cases {
        let failed = engine.run(&task).unwrap_err();
        assert!(failed.message.contains(word), "{failed:?}");
        assert_eq!((failed.class, failed.retryable), (FailureClass::BadInput, false), "{failed:?}");
    }
    assert!(engine.run(&chat("hi")).is_ok(), "and it goes on");
}

#[test]
fn a_hostile_job_id_stays_in_its_folder() {
    let mut engine = Engine::start();
    engine.start_job("../../etc/passwd", &picture("a fox", 8, 8, "png"));
    let file = PathBuf::from(engine.end().unwrap().file.unwrap());
    assert_eq!(file.parent().unwrap(), engine.folder.path());
}

#[test]
fn jobs_run_side_by_side_and_are_cancelled_one_by_one() {
    let mut engine = Engine::start();
    engine.start_job("job-long", &chat("[[delay=60000]]"));
    engine.start_job("job-short", &chat("hi"));
    assert_eq!(engine.end().unwrap().job_id.as_str(), "job-short");
    engine.say(&Command::Cancel(CancelJob { job_id: "job-long".into() }));
    let failed = engine.end().unwrap_err();
    assert_eq!((failed.job_id.unwrap().as_str(), failed.class), ("job-long", FailureClass::Cancelled));
}

#[test]
fn failures_come_on_request() {
    let mut engine = Engine::start();
    assert!(engine.run(&chat("[[fail]]")).unwrap_err().retryable);
    assert!(!engine.run(&chat("[[fail-for-good]]")).unwrap_err().retryable);
    let mut engine = Engine::with_env(&[("SYNTHETIC_FAULT", "fail"), ("SYNTHETIC_DELAY_MS", "60")]);
    engine.start_job("job-1", &chat("hi"));
    let mut steps = 0;
    engine.until(|event| {
        steps += u32::from(matches!(event, Event::Progress(_)));
        matches!(event, Event::Failed(_)).then_some(())
    });
    assert_eq!(steps, 2, "a delay of 60 ms is two steps");
}

#[test]
fn a_job_with_a_kind_of_the_future_fails_alone() {
    let mut engine = Engine::start();
    let run = json!({"type": "run", "jobId": "job-1", "model": "synthetic-1", "task": {"kind": "smell"}});
    write_frame(&mut engine.stdin, &run).unwrap();
    let failed = engine.end().unwrap_err();
    assert!(failed.message.contains("smell") && !failed.retryable, "{failed:?}");
    assert!(engine.run(&chat("hi")).is_ok());
}

#[test]
fn what_is_no_frame_ends_the_process_with_an_error() {
    let mut engine = Engine::start();
    engine.stdin.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let failed = engine.end().unwrap_err();
    assert!(failed.job_id.is_none() && failed.message.contains("GET "), "{failed:?}");
    assert!(!engine.child.0.wait().unwrap().success());
}

/// Whether the process is there and not a zombie.
#[cfg(target_os = "linux")]
fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

#[cfg(target_os = "linux")]
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !is_so() {
        assert!(std::time::Instant::now() < deadline, "no sign of {what}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn an_engine_that_hangs_ends_with_its_daemon_and_takes_its_children_along() {
    use std::os::unix::process::CommandExt;
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::new("/bin/sh");
    program.args(["-c", "sleep 600 & echo $! > child.pid; exec \"$ENGINE\""]);
    program.env("ENGINE", env!("CARGO_BIN_EXE_studio-engine-synthetic"));
    let mut engine = Engine::of(program.current_dir(folder.path()).process_group(0));
    let child: u32 =
        std::fs::read_to_string(folder.path().join("child.pid")).unwrap().trim().parse().unwrap();
    engine.start_job("job-1", &chat("[[hang]]"));
    engine.start_job("job-2", &chat("[[delay=60000]]"));
    engine.until(|event| matches!(event, Event::Progress(_)).then_some(()));
    assert!(alive(child));
    let Engine { child: process, stdin, .. } = engine;
    drop(stdin);
    wait_until("the engine's end", || !alive(process.0.id()));
    wait_until("its child's end", || !alive(child));
}

#[cfg(target_os = "linux")]
#[test]
fn an_engine_ends_with_the_thread_that_started_it_though_its_pipe_is_open() {
    let engine = std::thread::spawn(|| {
        let mut engine = Engine::start();
        engine.start_job("job-1", &chat("[[hang]]"));
        engine
    });
    let engine = engine.join().unwrap();
    wait_until("the engine's end", || !alive(engine.child.0.id()));
}
