//! `/v1/chat/completions`.

mod messages;
mod request;
mod writer;

pub(super) use messages::Conversation;
pub use request::read;
#[cfg(test)]
mod tests;
