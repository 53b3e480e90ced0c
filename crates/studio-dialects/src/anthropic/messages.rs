//! `/v1/messages`.

mod blocks;
mod request;
mod writer;

pub use request::read;

#[cfg(test)]
mod tests;
