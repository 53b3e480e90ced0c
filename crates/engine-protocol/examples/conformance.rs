//! Checks any program: `cargo run -p engine-protocol --example conformance -- ENGINE MODEL PROGRAM [ARGS...]`.
//!
//! `ENGINE` is the word of `modelSource.engine`, `MODEL` a model that the program serves without files.
//! With `SLOW_TASK` (the JSON of a task that takes more than 5 s) in the environment, cancelling is checked as well.

use std::process::{Command, ExitCode, Stdio};

use engine_protocol::conformance::{Settings, check};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [engine, model, program, rest @ ..] = &args[..] else {
        eprintln!("usage: conformance ENGINE MODEL PROGRAM [ARGS...]");
        return ExitCode::from(2);
    };
    let mut settings = Settings::new(engine, model);
    if let Ok(task) = std::env::var("SLOW_TASK") {
        match serde_json::from_str(&task) {
            Ok(task) => settings.slow = Some(task),
            Err(problem) => {
                eprintln!("error: SLOW_TASK is not a task: {problem}");
                return ExitCode::from(2);
            }
        }
    }
    let start = || {
        let mut command = Command::new(program);
        command.args(rest).stderr(Stdio::null());
        command
    };
    let report = check(start, &settings);
    print!("{report}");
    if report.conforms() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
