//! Writes a tiny language model: `tiny_gguf OUT [ARCHITECTURE] [SEED] [bench]`.

use std::path::Path;
use std::process::ExitCode;

use tiny_models::gguf::{Architecture, LanguageModel, Size};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(out) = arguments.first() else {
        eprintln!("usage: tiny_gguf OUT [qwen3|llama] [SEED] [bench]");
        return ExitCode::FAILURE;
    };
    let has = |word: &str| arguments.iter().any(|argument| argument == word);
    let model = LanguageModel {
        architecture: if has("llama") { Architecture::Llama } else { Architecture::Qwen3 },
        seed: arguments.iter().find_map(|argument| argument.parse().ok()).unwrap_or(7),
        size: if has("bench") { Size::BENCH } else { Size::TINY },
        ..LanguageModel::default()
    };
    match model.write(Path::new(out)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(problem) => {
            eprintln!("error: {out}: {problem}");
            ExitCode::FAILURE
        }
    }
}
