//! Tokens a second of the engine and of bare llama.cpp, at 1 and 8 streams: `bench MODEL.gguf [THREADS] [TOKENS]`.
//!
//! Bare is what `llama-bench` and `llama-batched-bench` time: the loop of `llama_decode` over tokens that nobody looks
//! at, here on the very library that the engine is linked with. Both are measured in turns, so that a busy machine is
//! unfair to neither. Prints a line of JSON for each number of streams.

mod bare;
mod cpu;
mod engine;

use std::io;
use std::path::Path;
use std::process::ExitCode;

use serde_json::json;

/// Streams that are measured.
const STREAMS: [usize; 2] = [1, 8];
/// Tokens of each answer, as llama-bench has it.
const USUAL_TOKENS: u32 = 128;
/// The best of so many runs counts: the others had neighbours.
const RUNS: usize = 5;

fn main() -> ExitCode {
    match bench() {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::FAILURE
        }
    }
}

fn bench() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(model) = arguments.first().map(Path::new) else {
        return Err(io::Error::other("usage: bench MODEL.gguf [THREADS] [TOKENS]"));
    };
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    let threads = number(1).unwrap_or(2);
    let tokens = number(2).unwrap_or(USUAL_TOKENS);
    let bare = bare::Bare::load(model, threads)?;
    let mut engine = engine::Engine::start(model, threads)?;
    engine.answer(1, 8)?;
    let mut alone = None;
    for streams in STREAMS {
        let (mut of_bare, mut of_engine) = (0.0_f64, 0.0_f64);
        let (mut bare_cpu, mut engine_cpu) = (0.0_f64, 0.0_f64);
        for _ in 0..RUNS {
            let before = cpu::seconds(std::process::id());
            of_bare = of_bare.max(bare.generate(streams, tokens)?);
            let made = f64::from(tokens + bare::PROMPT) * streams as f64;
            bare_cpu = bare_cpu.max(made / (cpu::seconds(std::process::id()) - before));
            let before = cpu::seconds(engine.process());
            let (count, time) = engine.answer(streams, tokens)?;
            of_engine = of_engine.max(f64::from(count) / time.as_secs_f64());
            engine_cpu = engine_cpu.max(f64::from(count) / (cpu::seconds(engine.process()) - before));
        }
        let one = *alone.get_or_insert(of_bare);
        println!(
            "{}",
            json!({ "streams": streams, "tokens": tokens, "threads": threads, "engine": of_engine.round(),
                "bare": of_bare.round(), "ofBare": of_engine / of_bare, "ofOneBareStream": of_engine / one,
                "engineByCpuSecond": engine_cpu.round(), "bareByCpuSecond": bare_cpu.round() })
        );
    }
    Ok(())
}
