//! What needs attention, and how the fleet is doing.

use maud::{Markup, html};

use crate::layout::{Shell, page as document};

/// The page.
pub fn page(shell: &Shell) -> Markup {
    document(shell, &html! { div.page-head { h1 { "Home" } } })
}
