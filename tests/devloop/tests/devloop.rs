//! The scripts of `dev/` under the real PM2, with the real cargo-watch, on the built worker: each trap is a story.

mod ecosystem;
mod flavours;
mod watching;
