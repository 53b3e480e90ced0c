//! Whether there is a display for a window.

use std::ffi::OsString;

/// What a window must be told to find its display, beyond what the environment says already.
pub(super) type Hints = Vec<(&'static str, OsString)>;

/// Looks whether a display answers; `None` where none does yet.
///
/// A window that tries without one does not get a second try in its process, so its parent looks first.
#[cfg(target_os = "linux")]
pub(super) fn find() -> Option<Hints> {
    linux::find(&|name| std::env::var_os(name).filter(|value| !value.is_empty()))
}

/// Elsewhere than on Linux the display is there whenever programs are.
#[cfg(not(target_os = "linux"))]
pub(super) fn find() -> Option<Hints> {
    Some(Hints::new())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::ffi::OsString;
    use std::net::{TcpStream, ToSocketAddrs};
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::{SocketAddr, UnixStream};
    use std::path::{Path, PathBuf};
    use std::time::Duration;

    use super::Hints;

    /// A display of another machine, as ssh forwards one, answers soon or not at all.
    const FAR_LIMIT: Duration = Duration::from_millis(500);
    /// X servers listen here, number by number.
    const X_PORT: u16 = 6_000;
    /// Names of Wayland's sockets where nobody has set a variable, as for services that start at login.
    const USUAL_WAYLAND: [&str; 2] = ["wayland-0", "wayland-1"];

    type Env<'a> = &'a dyn Fn(&str) -> Option<OsString>;

    pub(super) fn find(env: Env) -> Option<Hints> {
        let session = env("XDG_RUNTIME_DIR").map(PathBuf::from);
        let wayland = |name: &Path| {
            let path = match &session {
                Some(session) => session.join(name),
                None => name.to_path_buf(),
            };
            path.is_absolute() && UnixStream::connect(path).is_ok()
        };
        if env("WAYLAND_DISPLAY").is_some_and(|name| wayland(Path::new(&name))) {
            return Some(Hints::new());
        }
        if let Some(display) = env("DISPLAY") {
            return x11(display.to_str()?).then(|| {
                // A window prefers Wayland, which was not there.
                Hints::from([("WAYLAND_DISPLAY", OsString::new())])
            });
        }
        let usual = USUAL_WAYLAND.into_iter().find(|name| wayland(Path::new(name)))?;
        Some(Hints::from([("WAYLAND_DISPLAY", usual.into())]))
    }

    /// Whether `host:number.screen` is there.
    fn x11(display: &str) -> bool {
        let Some((host, number)) = display.rsplit_once(':') else { return false };
        let Ok(number) = number.split('.').next().unwrap_or(number).parse::<u16>() else { return false };
        if matches!(host, "" | "unix") {
            let path = format!("/tmp/.X11-unix/X{number}");
            let hidden = SocketAddr::from_abstract_name(&path);
            return hidden.is_ok_and(|name| UnixStream::connect_addr(&name).is_ok())
                || UnixStream::connect(path).is_ok();
        }
        let Some(port) = X_PORT.checked_add(number) else { return false };
        let Ok(addresses) = (host, port).to_socket_addrs() else { return false };
        addresses.into_iter().any(|address| TcpStream::connect_timeout(&address, FAR_LIMIT).is_ok())
    }

    #[cfg(test)]
    mod tests {
        use std::net::TcpListener;
        use std::os::unix::net::UnixListener;

        use super::*;

        fn of(set: &[(&str, &str)]) -> Option<Hints> {
            find(&|name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        }

        #[test]
        fn no_variable_and_no_socket_are_no_display() {
            assert_eq!(of(&[]), None);
            assert_eq!(of(&[("DISPLAY", ":64999")]), None);
            assert_eq!(of(&[("DISPLAY", "nonsense")]), None);
            assert_eq!(of(&[("DISPLAY", "127.0.0.1:65535")]), None);
            let session = tempfile::tempdir().unwrap();
            let dir = session.path().to_str().unwrap();
            assert_eq!(of(&[("XDG_RUNTIME_DIR", dir), ("WAYLAND_DISPLAY", "wayland-9")]), None);
        }

        #[test]
        fn a_wayland_socket_that_answers_is_one_by_its_name_and_without() {
            let session = tempfile::tempdir().unwrap();
            let dir = session.path().to_str().unwrap();
            let listener = UnixListener::bind(session.path().join("wayland-0")).unwrap();
            assert_eq!(of(&[("XDG_RUNTIME_DIR", dir), ("WAYLAND_DISPLAY", "wayland-0")]), Some(Hints::new()));
            let found = of(&[("XDG_RUNTIME_DIR", dir)]).unwrap();
            assert_eq!(found, [("WAYLAND_DISPLAY", OsString::from("wayland-0"))]);
            drop(listener);
            assert_eq!(of(&[("XDG_RUNTIME_DIR", dir)]), None, "a socket that nobody listens at is none");
        }

        #[test]
        fn an_x_server_of_another_machine_is_one() {
            // Any free port above is some display's.
            let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
            let number = listener.local_addr().unwrap().port() - X_PORT;
            let found = of(&[("DISPLAY", &format!("127.0.0.1:{number}.0"))]).unwrap();
            assert_eq!(found, [("WAYLAND_DISPLAY", OsString::new())]);
        }
    }
}
