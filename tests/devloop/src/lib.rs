//! What the stories of the development loop share: PM2 in a home of its own, and a small workspace to be edited.
//!
//! `cargo xtask setup` brings PM2 and cargo-watch; they need Linux.

mod pm2;
mod processes;
mod scene;
mod workspace;

pub use pm2::Pm2;
pub use processes::{is_there, running_as, send, tree};
pub use scene::{BUILT, Scene};
pub use workspace::{Workspace, repository};
