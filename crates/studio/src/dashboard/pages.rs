//! The pages of each area: where they are and who may see them.

mod home;

use studio_store::Role;

use super::{PageRoute, page};

/// Every page.
pub fn routes() -> Vec<PageRoute> {
    vec![page("/", Role::Viewer, home::show)]
}
