//! `/v1/responses`, for text: nothing of it is kept, so that every request brings the whole conversation.

mod input;
mod request;
mod writer;

pub use request::read;

#[cfg(test)]
mod tests;
