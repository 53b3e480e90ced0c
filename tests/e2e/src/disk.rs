//! Disks that are small, full, or read-only: a `tmpfs` that only this test sees.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::Home;

/// Set in the process that has mounts of its own.
const INSIDE: &str = "E2E_OWN_MOUNTS";

/// Runs the test `name` (as `--exact` takes it) again in a process with mounts of its own, which end with it, and
/// answers whether this is that process.
///
/// Root needs nothing more; others need user namespaces. Panics where there is neither: a test that was skipped would
/// say that a full disk is survived when nobody looked.
pub fn in_own_mounts(name: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    let may_mount = |arguments: &[&str]| {
        let tried =
            Command::new("unshare").args(arguments).args(["mount", "-t", "tmpfs", "tmpfs", "/mnt"]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let ways: [&[&str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];
    let way = ways.into_iter().find(|way| may_mount(way));
    let way = way.expect("full disks cannot be tested here: run as root, or allow user namespaces");
    let program = std::env::current_exe().expect("the test knows its own path");
    // What lies under a mount can be deleted only after it: by this process, not by that one.
    let outer = Home::new();
    let mut inner = Command::new("unshare");
    inner
        .args(way)
        .arg(program)
        .args(["--exact", name, "--nocapture"])
        .env(INSIDE, "1")
        .env("TMPDIR", outer.path());
    let output = inner.output().expect("unshare runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "`{name}` is not the name of this test: {said}");
    false
}

/// A file system of a given size in a folder of a home.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// Mounts one; only [`in_own_mounts`].
    pub fn mount(home: &Home, name: &str, kib: u64) -> Self {
        assert!(std::env::var_os(INSIDE).is_some(), "a mount outside would outlive the test");
        let disk = Self { folder: home.join(name) };
        fs::create_dir(&disk.folder).expect("the home can be written");
        disk.mount_with(&format!("size={kib}k"), &["-t", "tmpfs", "tmpfs"]);
        disk
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Writes until nothing more fits.
    pub fn fill(&self) {
        let mut file = File::create(self.filler()).expect("a small disk can be written");
        for size in [4096, 1] {
            while file.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Makes room again.
    pub fn free(&self) {
        fs::remove_file(self.filler()).expect("the disk was filled");
    }

    /// Takes no writes from now on.
    pub fn make_read_only(&self) {
        self.mount_with("remount,ro", &["tmpfs"]);
    }

    /// Takes writes again.
    pub fn make_writable(&self) {
        self.mount_with("remount,rw", &["tmpfs"]);
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }

    fn mount_with(&self, options: &str, arguments: &[&str]) {
        let mounted = Command::new("mount").args(["-o", options]).args(arguments).arg(&self.folder).output();
        let mounted = mounted.expect("mount runs");
        assert!(mounted.status.success(), "mount {options}: {}", String::from_utf8_lossy(&mounted.stderr));
    }
}
