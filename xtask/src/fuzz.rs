//! The fuzz targets of `fuzz/`, for a bounded time.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::shell::{command, root, target_dir, typed};

/// A target, and the golden files that it starts from.
const TARGETS: [(&str, &str); 2] = [("decode_worker_frame", "worker"), ("decode_studio_frame", "studio")];
/// Longer inputs find nothing more and make each try slow.
const MAX_INPUT_BYTES: u32 = 64 * 1024;

#[derive(clap::Args)]
pub struct Arguments {
    /// How long each target runs
    #[arg(long, value_name = "N", default_value_t = 60)]
    pub seconds: u32,
}

/// Runs every target for `seconds`; an input that breaks one is left in `fuzz/artifacts`.
pub fn run(arguments: &Arguments) -> Result<()> {
    for (target, golden) in TARGETS {
        let corpus = format!("fuzz/corpus/{target}");
        fs::create_dir_all(root().join(&corpus)).with_context(|| format!("could not create {corpus}"))?;
        // Nothing here is unsafe: what is looked for are panics, and without a sanitizer they are found sooner.
        let mut fuzz = command("cargo", &["fuzz", "run", "--sanitizer", "none", "--target-dir"]);
        fuzz.arg(target_dir().join("fuzz")).args([target, &corpus]);
        fuzz.arg(format!("crates/studio-protocol/golden/{golden}")).arg("--");
        fuzz.arg(format!("-max_total_time={}", arguments.seconds)).arg(format!("-max_len={MAX_INPUT_BYTES}"));
        // cargo-fuzz instruments with flags that stable compilers hide behind this.
        fuzz.env("RUSTC_BOOTSTRAP", "1");
        let output = fuzz.output().with_context(|| format!("could not start `{}`", typed(&fuzz)))?;
        let said = String::from_utf8_lossy(&output.stderr);
        if !output.status.success() {
            bail!("`{}` ended with {}:\n{said}", typed(&fuzz), output.status);
        }
        let summary = said.lines().rfind(|line| line.starts_with("Done ")).unwrap_or("done");
        println!("{target}: {summary}");
    }
    Ok(())
}
