//! One module for each group of pages.

pub mod access;
