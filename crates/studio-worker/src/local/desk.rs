//! What handlers do without the daemon's task: settings in the file, models, updates.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use crate::Home;
use crate::config::{Config, ConfigFile};
use crate::shelf::Shelf;
use crate::updates::Updates;

/// Handles of everything that the daemon shares.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) home: Home,
    pub(crate) file: ConfigFile,
    /// What the daemon goes by.
    pub(crate) used: watch::Receiver<Arc<Config>>,
    pub(crate) shelf: Shelf,
    pub(crate) updates: Updates,
}

impl fmt::Debug for Desk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Desk").field("home", &self.home).finish_non_exhaustive()
    }
}

impl Desk {
    /// What the daemon goes by now.
    pub(crate) fn used(&self) -> Arc<Config> {
        self.used.borrow().clone()
    }
}
