//! The pages: each a function from who looks and what there is to markup.

pub mod access;
pub mod home;
pub mod problem;
