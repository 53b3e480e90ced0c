//! OpenAI's dialect.

pub mod audio;
pub mod embeddings;
pub mod fields;
pub mod form;
pub mod images;
pub mod models;
mod wrong;

pub use wrong::Wrong;
