//! Libraries that a window loads when it opens, and the packages that bring them.

/// The name as errors have it, and the packages of Debian (and Ubuntu), Fedora and Arch; longer names first.
const LIBRARIES: [(&str, [&str; 3]); 11] = [
    ("libxkbcommon-x11", ["libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"]),
    ("libxkbcommon", ["libxkbcommon0", "libxkbcommon", "libxkbcommon"]),
    ("libwayland-egl", ["libwayland-egl1", "libwayland-egl", "wayland"]),
    ("libwayland-cursor", ["libwayland-cursor0", "libwayland-cursor", "wayland"]),
    ("libwayland-client", ["libwayland-client0", "libwayland-client", "wayland"]),
    ("libx11-xcb", ["libx11-xcb1", "libX11-xcb", "libx11"]),
    ("libx11", ["libx11-6", "libX11", "libx11"]),
    ("libxcursor", ["libxcursor1", "libXcursor", "libxcursor"]),
    ("libxi", ["libxi6", "libXi", "libxi"]),
    ("libegl", ["libegl1", "libglvnd-egl", "libglvnd"]),
    ("libgl", ["libgl1", "libglvnd-glx", "libglvnd"]),
];

/// What to install when `error` is about a library that cannot be loaded.
pub(super) fn advice(error: &str) -> Option<String> {
    let error = error.to_lowercase();
    let (library, [debian, fedora, arch]) = LIBRARIES.iter().find(|(name, _)| error.contains(name))?;
    Some(format!(
        "{library} is not installed or cannot be loaded; install it with `apt install {debian}` (Debian, Ubuntu), \
         `dnf install {fedora}` (Fedora) or `pacman -S {arch}` (Arch)"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_told_by_its_package() {
        let told = advice("Library libxkbcommon-x11.so could not be loaded.").unwrap();
        for package in
            ["apt install libxkbcommon-x11-0", "dnf install libxkbcommon-x11", "pacman -S libxkbcommon-x11"]
        {
            assert!(told.contains(package), "{told}");
        }
        assert!(advice("dlopen libGL.so.1 failed").unwrap().contains("libgl1"));
        assert!(advice("libX11.so.6: cannot open shared object file").unwrap().contains("libx11-6"));
        assert_eq!(advice("index out of bounds"), None);
    }
}
