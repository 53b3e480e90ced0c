//! The crates that decide never learn how things are done: bin -> shell -> pure -> protocol.

use std::collections::BTreeSet;
use std::process::Command;

/// Crates that must run in a simulation: no sockets, no SQL, no clock, no window.
const PURE: [&str; 3] = ["studio-protocol", "studio-scheduler", "worker-core"];
/// What would break that.
const IMPURE: [&str; 12] = [
    "axum",
    "eframe",
    "egui",
    "hyper",
    "object_store",
    "reqwest",
    "rusqlite",
    "rustls",
    "sqlx",
    "tokio",
    "tokio-tungstenite",
    "tracing-subscriber",
];
/// Which crates of ours each layer may use.
const LAYERS: [(&str, &[&str]); 9] = [
    ("studio-protocol", &[]),
    ("engine-protocol", &["studio-protocol"]),
    ("studio-runtime", &[]),
    ("studio-scheduler", &["studio-protocol"]),
    ("worker-core", &["studio-protocol"]),
    ("studio-store", &["studio-protocol", "studio-scheduler"]),
    ("worker-local", &["studio-protocol"]),
    ("worker-ui", &["studio-protocol", "studio-runtime", "worker-local"]),
    (
        "studio-worker",
        &["engine-protocol", "studio-protocol", "studio-runtime", "worker-core", "worker-local", "worker-ui"],
    ),
];
const OURS: [&str; 11] = [
    "engine-protocol",
    "studio",
    "studio-protocol",
    "studio-runtime",
    "studio-scheduler",
    "studio-store",
    "studio-worker",
    "testkit",
    "worker-core",
    "worker-local",
    "worker-ui",
];

/// Everything that `package` is built from, tests aside.
fn dependencies(package: &str) -> BTreeSet<String> {
    let mut tree = Command::new(env!("CARGO"));
    tree.args(["tree", "--package", package, "--edges", "normal,build", "--offline"]);
    tree.args(["--prefix", "none", "--format", "{p}"]);
    let output =
        tree.arg("--manifest-path").arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml")).output();
    let output = output.expect("cargo can be started");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let names = String::from_utf8(output.stdout).expect("cargo writes UTF-8");
    let names = names.lines().filter_map(|line| line.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != package).map(str::to_owned).collect()
}

#[test]
fn the_crates_that_decide_do_no_io() {
    for package in PURE {
        let used = dependencies(package);
        assert!(
            used.contains("serde") || used.contains("studio-protocol"),
            "{package}: cargo tree said {used:?}"
        );
        let impure: Vec<_> = IMPURE.iter().filter(|name| used.contains(**name)).collect();
        assert!(impure.is_empty(), "{package} must not depend on {impure:?}");
    }
}

#[test]
fn layers_depend_downwards_only() {
    for (package, allowed) in LAYERS {
        let used = dependencies(package);
        let wrong: Vec<_> =
            OURS.iter().filter(|name| used.contains(**name) && !allowed.contains(name)).collect();
        assert!(wrong.is_empty(), "{package} must not depend on {wrong:?}");
    }
}
