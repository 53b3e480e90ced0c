//! What the tests of the worker's window need: a desktop without a screen, and the libraries that a window loads.

use crate::shell::{command, succeeds};

use super::Need;

/// A program that is on the path; not each of them answers `--version` with success.
macro_rules! on_the_path {
    ($program:literal, $package:literal) => {
        Need {
            is_there: || {
                is_elsewhere() || succeeds(&mut command("sh", &["-c", concat!("command -v ", $program)]))
            },
            package: || Ok($package.to_owned()),
        }
    };
}

/// A library that is loaded at run time, so that no linker asks for it.
macro_rules! library {
    ($name:literal, $package:literal) => {
        Need { is_there: || is_elsewhere() || is_loadable($name), package: || Ok($package.to_owned()) }
    };
}

/// The tests of the real window are Linux's; the pictures of pages need EGL too.
pub(super) const DESKTOP: [Need; 12] = [
    on_the_path!("Xvfb", "xvfb"),
    on_the_path!("dbus-daemon", "dbus-daemon"),
    on_the_path!("xdotool", "xdotool"),
    library!("libX11.so.6", "libx11-6"),
    library!("libX11-xcb.so.1", "libx11-xcb1"),
    library!("libXcursor.so.1", "libxcursor1"),
    library!("libXi.so.6", "libxi6"),
    library!("libxkbcommon.so.0", "libxkbcommon0"),
    library!("libxkbcommon-x11.so.0", "libxkbcommon-x11-0"),
    library!("libwayland-egl.so.1", "libwayland-egl1"),
    // Both bring Mesa's drawing without a graphics card.
    library!("libEGL.so.1", "libegl1"),
    library!("libGL.so.1", "libgl1"),
];

fn is_elsewhere() -> bool {
    !cfg!(target_os = "linux")
}

/// Whether the loader knows it; its table is not on every user's path.
fn is_loadable(name: &str) -> bool {
    let tables = ["ldconfig", "/sbin/ldconfig", "/usr/sbin/ldconfig"];
    tables.into_iter().filter_map(|program| command(program, &["-p"]).output().ok()).any(|table| {
        let table = String::from_utf8_lossy(&table.stdout).into_owned();
        table.lines().any(|line| line.split_whitespace().next() == Some(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn the_loader_knows_a_library_by_its_whole_name() {
        assert!(is_loadable("libc.so.6"));
        assert!(!is_loadable("libc.so.6.1") && !is_loadable("ibc.so.6"));
        assert!(!is_loadable("libno-such-thing.so.1"));
    }
}
