//! The rules that every engine keeps.

use std::process::{Command, Stdio};

use engine_protocol::conformance::{Settings, check};
use serde_json::json;
use studio_protocol::Task;

use crate::peer::PATIENCE;
use crate::tiny::{cat, tiny_load};

#[test]
fn the_engine_conforms() {
    let load = tiny_load(json!({}));
    let mut settings = Settings::new("sd-cpp", "tiny");
    settings.source = load.source;
    settings.model_dir = load.dir;
    settings.tasks = vec![Task::Image(cat())];
    settings.deterministic = true;
    settings.limit = PATIENCE;
    // Cancelling is left out: the library has no way to stop, so the daemon kills the process.
    let program = || {
        let mut program = Command::new(env!("CARGO_BIN_EXE_studio-engine-sdcpp"));
        program.stderr(Stdio::null());
        program
    };
    let report = check(program, &settings);
    assert!(report.conforms(), "{report}");
}
