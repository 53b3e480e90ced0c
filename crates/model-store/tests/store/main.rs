//! The store against servers that cut, lie, change their minds and fall silent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends here")]

mod disk;
mod fixtures;
mod hostile;
mod hub;
mod import;
mod inputs;
mod killed;
mod limits;
mod refusals;
mod resume;
mod server;
mod sharing;
mod tls;
