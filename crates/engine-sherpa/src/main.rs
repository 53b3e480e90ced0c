//! The program `studio-engine-sherpa`.

fn main() -> std::process::ExitCode {
    engine_sherpa::main()
}
