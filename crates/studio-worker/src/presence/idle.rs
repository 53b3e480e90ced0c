//! How long nobody has touched the machine.

use std::time::Duration;

/// `None` where nobody can tell: without a desktop session, or in one that does not say.
pub(super) fn idle_for() -> Option<Duration> {
    match system_idle_time::get_idle_time() {
        Ok(idle) => Some(idle),
        Err(error) => {
            tracing::debug!("nobody can tell how long the machine is idle: {error}");
            None
        }
    }
}
