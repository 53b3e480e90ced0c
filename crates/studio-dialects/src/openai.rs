//! OpenAI's dialect.

mod asked;
pub mod audio;
pub mod embeddings;
pub mod form;
pub mod images;
pub mod models;
