//! Says from the pixels alone whether a picture shows what a prompt of the starter model asked for.
//!
//! The starter model draws one to three equal shapes of one colour on a background of another.
//! [`judge`] reads such a picture, [`held_out`] lists prompts that its training never saw, and [`Score`] counts how
//! many pictures are right.
//! [`Scene::draw`] draws what a scene should look like, and [`sheet`] puts many pictures on one.
//!
//! This crate knows nothing of engines, jobs or files.

mod draw;
mod held_out;
mod judge;
mod scene;
mod score;
pub mod sheet;

pub use draw::Stray;
pub use held_out::{HeldOut, PromptSet, held_out};
pub use judge::{Verdict, judge};
pub use scene::{Colour, Position, Scene, Shape, Size};
pub use score::{Attribute, Score, Tally};
