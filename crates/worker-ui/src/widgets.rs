//! Pieces that every page is made of; each has a name for screen readers.

mod badge;
mod bars;
mod buttons;
mod cards;
mod choice;
pub mod confirm;
mod empty;
mod icons;
mod text;
mod textures;
mod toasts;

pub use badge::{badge, paint_badge};
pub use bars::{MemoryPart, memory_bar, progress_bar};
pub(crate) use buttons::focus_ring;
pub use buttons::{danger_button, icon_button, link_button, primary_button, search_field};
pub use cards::{card, facts, page_title, section};
pub use choice::choice;
pub use empty::{Notice, notice};
pub use icons::{Icon, paint_icon};
pub(crate) use text::paint_line;
pub use textures::Textures;
pub use toasts::Toasts;
