//! Whether a program fills the screen.

/// Said once when the rule is blind.
pub(super) const WHY_UNSEEN: &str = "full screen is seen on X11 only (also by programs under XWayland), and no X server with a window manager is reached";

/// `None` where nobody can see it: on Wayland alone, Windows and macOS.
#[cfg(target_os = "linux")]
pub(super) fn is_filled() -> Option<bool> {
    x11::is_filled()
        .inspect_err(|error| tracing::debug!("nobody can see whether a program fills the screen: {error}"))
        .ok()
        .flatten()
}

/// Nobody looks there yet.
#[cfg(not(target_os = "linux"))]
pub(super) fn is_filled() -> Option<bool> {
    None
}

#[cfg(target_os = "linux")]
mod x11 {
    use std::error::Error;

    use x11rb::connection::Connection;
    use x11rb::protocol::xproto::{Atom, AtomEnum, ConnectionExt, Window};

    /// States of a window: a handful.
    const MOST_STATES: u32 = 64;

    /// Asks the window manager which window is active, and the window what it is; `None` without a window manager.
    pub(super) fn is_filled() -> Result<Option<bool>, Box<dyn Error>> {
        let (connection, screen) = x11rb::connect(None)?;
        let root = connection.setup().roots[screen].root;
        let atom = |name: &str| -> Result<Atom, Box<dyn Error>> {
            Ok(connection.intern_atom(false, name.as_bytes())?.reply()?.atom)
        };
        let active = connection
            .get_property(false, root, atom("_NET_ACTIVE_WINDOW")?, AtomEnum::WINDOW, 0, 1)?
            .reply()?;
        let Some(window): Option<Window> = active.value32().and_then(|mut values| values.next()) else {
            return Ok(None);
        };
        if window == x11rb::NONE {
            return Ok(Some(false));
        }
        let states = connection
            .get_property(false, window, atom("_NET_WM_STATE")?, AtomEnum::ATOM, 0, MOST_STATES)?
            .reply();
        // It was closed meanwhile.
        let Ok(states) = states else { return Ok(Some(false)) };
        let fullscreen = atom("_NET_WM_STATE_FULLSCREEN")?;
        Ok(Some(states.value32().is_some_and(|mut states| states.any(|state| state == fullscreen))))
    }
}
