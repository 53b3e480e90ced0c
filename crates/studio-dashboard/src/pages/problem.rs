//! Why there is no page.

use maud::{Markup, html};

use crate::layout::{Shell, page as document};

/// The page of an HTTP `status`.
pub fn page(shell: &Shell, status: u16, detail: &str) -> Markup {
    let content = html! {
        div.page-head data-problem=(status) {
            h1 { (shell.title) }
            p { (status) ": " (detail) }
        }
        div.actions {
            a.button.primary href="/" { "Home" }
            @if status >= 500 { a.button href="" { "Try again" } }
        }
    };
    document(shell, &content)
}

#[cfg(test)]
mod tests {
    use studio_store::Role;

    use super::*;
    use crate::parts::tests::{check, shell};

    #[test]
    fn says_what_is_wrong() {
        for status in [403, 404, 500] {
            let shell = Shell { area: None, title: "Not found".to_owned(), ..shell(Role::Viewer) };
            let text = check(&page(&shell, status, "there is no `<b>`"));
            assert!(text.contains("`&lt;b&gt;`") && text.contains(&status.to_string()));
            assert_eq!(text.contains("Try again"), status == 500);
        }
    }
}
