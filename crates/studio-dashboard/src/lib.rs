//! The pages of the dashboard: what the API answers becomes HTML; no input or output of its own.
//!
//! A page is a function from a [`Shell`] (who looks, and where) and its data to markup. The styles and scripts that
//! it names are in [`assets`]; nothing stands inline, so that the strictest content security policy holds.

pub mod assets;
pub mod layout;
pub mod pages;
pub mod parts;
pub mod samples;

pub use layout::{Area, Counts, Shell, Viewer, page};
pub use maud::{Markup, PreEscaped, html};
