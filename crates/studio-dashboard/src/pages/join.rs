//! How a worker gets here: a code, and the line to paste on the other machine.

use maud::{Markup, html};

use crate::parts::{Icon, dialog, icon, number, select};

/// A button that opens [`dialogs`].
pub fn button(class: &str) -> Markup {
    html! { button class=(class) type="button" data-open="add-worker" { (icon(Icon::Plus)) "Add a worker" } }
}

/// Asks what the code is to be, then shows the command; `studio` is how workers reach the studio.
pub fn dialogs(studio: &str) -> Markup {
    let lives = [("900", "15 minutes"), ("3600", "an hour"), ("86400", "a day")];
    html! {
        (dialog("add-worker", "Add a worker", &html! {
            p { "A code lets a machine join without waiting for approval. You paste one command there." }
            form.form data-api="POST /api/v1/join-codes" data-show="join-code" {
                div.form-row {
                    (select("join-ttl", "ttlSeconds", "Good for", "", &lives, "900"))
                    (number("join-uses", "uses", "Workers", "How many it lets in", "1", "min=\"1\" max=\"1000\" required"))
                }
                div.actions {
                    button type="button" data-close="" { "Cancel" }
                    button.primary type="submit" { "Make a code" }
                }
            }
            p.faint { "Without a code: " code { "studio-worker register --api-base-url " (studio) } ", then approve it here." }
        }))
        (dialog("join-code", "Run this on the worker's machine", &html! {
            div.copy {
                code #join-command tabindex="0" data-answer={ "studio-worker join " (studio) " {code}" } {}
                button.small type="button" data-copy="#join-command" { (icon(Icon::Copy)) "Copy" }
            }
            p { "Then " code { "studio-worker run" } " starts it, and it appears here within a second." }
            p.faint data-answer="Good for {uses} worker(s), until {expiresAt}. It is not shown again." {}
            div.actions { button.primary type="button" data-close="" { "Done" } }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::tests::check;

    #[test]
    fn the_command_names_the_studio() {
        let text = check(&html! { (button("primary")) (dialogs("https://studio.example")) });
        assert!(text.contains("studio-worker join https://studio.example {code}"), "{text}");
    }
}
