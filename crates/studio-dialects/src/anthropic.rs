//! Anthropic's dialect.

pub mod messages;
