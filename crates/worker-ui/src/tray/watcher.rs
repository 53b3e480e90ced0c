//! Whether the desktop has a place for tray icons.

use zbus::blocking::{Connection, fdo::DBusProxy};
use zbus::names::BusName;

/// Whoever owns it shows the icons of programs.
const WATCHER: &str = "org.kde.StatusNotifierWatcher";

/// Tells whether there is one, now and whenever that changes, until `tell` says to stop.
pub(super) fn follow(tell: &dyn Fn(bool) -> bool) -> zbus::Result<()> {
    let bus = Connection::session()?;
    let names = DBusProxy::new(&bus)?;
    // Before the question, so that no change between the two is lost.
    let changes = names.receive_name_owner_changed_with_args(&[(0, WATCHER)])?;
    if !tell(names.name_has_owner(BusName::try_from(WATCHER)?)?) {
        return Ok(());
    }
    for change in changes {
        if !tell(change.args()?.new_owner().is_some()) {
            break;
        }
    }
    Ok(())
}
