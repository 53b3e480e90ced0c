//! The pages of the dashboard: what the API answers becomes HTML; no input or output of its own.

pub mod pages;
