//! What the daemon and an engine process say to each other, and what makes a program an engine.
//!
//! An engine is a program of its own that reads [`Command`]s from its standard input and writes [`Event`]s to its
//! standard output, each a [frame](encode_frame) of length and JSON.
//! [`harness`] does all of that for an engine written in Rust, [`synthetic`] is the engine that is always there,
//! and [`conformance`] checks any engine, whatever it is written in.

mod codec;
mod command;
pub mod conformance;
mod description;
mod event;
mod failure;
mod frame;
pub mod harness;
mod limits;
mod media;
pub mod synthetic;

pub use codec::{DecodeError, decode_command, decode_event};
pub use command::{CancelJob, Command, Hello, Load, Run, Unload};
pub use description::{Description, Device};
pub use event::{
    Delta, Done, Event, Failed, Heartbeat, Loaded, Loading, Preview, Progress, Ready, Stats, Unloaded,
};
pub use failure::{Failure, FailureClass};
pub use frame::{FrameDecoder, FrameError, encode_frame, read_frame, write_frame};
pub use limits::*;
pub use media::{MEDIA_HEAD_BYTES, media_matches};
