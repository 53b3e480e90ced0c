//! The dialects of OpenAI and Anthropic: requests become tasks, results become answers; no input or output of its own.
//!
//! A request is read into [`Asked`]: the model, one task for each answer that is wanted, and a [`Writer`] that puts
//! answers into the words of the dialect, as a whole or piece by piece.
//! What a dialect has and an engine has not is refused in words, so that nobody gets something else than they asked for;
//! fields that nobody knows are ignored.

mod answer;
pub mod anthropic;
mod error;
mod fields;
mod images;
pub mod media;
pub mod openai;
mod talk;
mod told;
mod tools;
mod writer;

pub use answer::{Answer, Call, Finish, Usage};
pub use error::{Failure, Kind};
pub use fields::{Fields, read_json};
pub use images::check_image;
pub use talk::{Growth, Talk};
pub use told::{Diverged, Told};
pub use writer::{Asked, Event, Origin, Writer};
