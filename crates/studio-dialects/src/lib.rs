//! The dialects of OpenAI and Anthropic: requests become tasks, results become answers; no input or output of its own.

mod error;
mod fields;
pub mod openai;

pub use error::{Failure, Kind};
pub use fields::{Fields, read_json};
