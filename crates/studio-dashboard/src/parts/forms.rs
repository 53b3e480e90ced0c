//! Fields and buttons that call the API; `actions.js` does the calling.

use maud::{Markup, PreEscaped, html};

/// A button that calls the API by itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Button<'a> {
    /// What it says.
    pub label: &'a str,
    /// Method and address, like `POST /api/v1/jobs/job-1/cancel`.
    pub api: &'a str,
    /// JSON; empty for none.
    pub body: &'a str,
    /// `primary`, `danger`, `quiet`, `small`; several with spaces.
    pub class: &'a str,
    /// A question that is asked first; empty for none.
    pub confirm: &'a str,
    /// What is said when it is done; empty for nothing.
    pub done: &'a str,
    /// Where to go then; empty to stay, where live regions follow by themselves.
    pub then: &'a str,
    /// What screen readers say in place of the label, when that is not enough out of its row; empty for the label.
    pub name: &'a str,
}

/// Draws it.
pub fn button(button: &Button<'_>) -> Markup {
    // Who speaks to the page says what they read.
    debug_assert!(button.name.is_empty() || button.name.contains(button.label), "{button:?}");
    let given = |text: &'_ str| (!text.is_empty()).then(|| text.to_owned());
    html! {
        button type="button" class=[given(button.class)] data-api=(button.api) data-body=[given(button.body)]
            data-confirm=[given(button.confirm)] data-done=[given(button.done)] data-then=[given(button.then)]
            aria-label=[given(button.name)] { (button.label) }
    }
}

/// A label over `control`, whose id is `id`, with a hint under it; errors of the API appear there too.
pub fn field(id: &str, label: &str, hint: &str, control: &Markup) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            (control)
            @if !hint.is_empty() { small.hint #{ (id) "-hint" } { (hint) } }
        }
    }
}

fn described(id: &str, hint: &str) -> Option<String> {
    (!hint.is_empty()).then(|| format!("{id}-hint"))
}

/// A line of text. `extra` are more attributes, as trusted markup like `required autocomplete="off"`.
pub fn text(id: &str, name: &str, label: &str, hint: &str, value: &str, extra: &'static str) -> Markup {
    let html =
        html! { input type="text" id=(id) name=(name) value=(value) aria-describedby=[described(id, hint)]; };
    field(id, label, hint, &with(html, extra))
}

/// A number, sent as one; an empty field is left out, or sent as `null` with `data-empty="null"` in `extra`.
pub fn number(id: &str, name: &str, label: &str, hint: &str, value: &str, extra: &'static str) -> Markup {
    let html = html! {
        input type="number" id=(id) name=(name) value=(value) data-type="number" aria-describedby=[described(id, hint)];
    };
    field(id, label, hint, &with(html, extra))
}

/// Some lines of text; `data-type="json"` in `extra` sends them as JSON.
pub fn text_area(id: &str, name: &str, label: &str, hint: &str, value: &str, extra: &'static str) -> Markup {
    let html = html! {
        textarea id=(id) name=(name) aria-describedby=[described(id, hint)] { (value) }
    };
    field(id, label, hint, &with(html, extra))
}

/// One of `options` (value and words); when all values are numbers or empty, it is sent as one.
pub fn select(
    id: &str,
    name: &str,
    label: &str,
    hint: &str,
    options: &[(&str, &str)],
    value: &str,
) -> Markup {
    let html = html! {
        select id=(id) name=(name) aria-describedby=[described(id, hint)] data-type=[numbers(options)] {
            @for (option, words) in options {
                option value=(option) selected[*option == value] { (words) }
            }
        }
    };
    field(id, label, hint, &html)
}

fn numbers(options: &[(&str, &str)]) -> Option<&'static str> {
    let number = |value: &str| value.is_empty() || value.parse::<f64>().is_ok();
    (options.len() > 1 && options.iter().all(|(value, _)| number(value))).then_some("number")
}

/// A box to tick, sent as a boolean; with a `value` it is one of a list, and `name` ends in `[]`.
pub fn check(id: &str, name: &str, label: &str, value: Option<&str>, ticked: bool) -> Markup {
    html! {
        div.check {
            input type="checkbox" id=(id) name=(name) value=[value] checked[ticked];
            label for=(id) { (label) }
        }
    }
}

/// A value that is sent along.
pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// A window over the page; `button data-open="ID"` opens it.
pub fn dialog(id: &str, title: &str, content: &Markup) -> Markup {
    html! {
        dialog #(id) aria-labelledby={ (id) "-title" } {
            div.dialog-head {
                h2 #{ (id) "-title" } { (title) }
                button.icon-button type="button" data-close="" aria-label="Close" { "×" }
            }
            (content)
        }
    }
}

/// Puts attributes into the first tag of `html`.
fn with(html: Markup, extra: &'static str) -> Markup {
    if extra.is_empty() {
        return html;
    }
    let PreEscaped(text) = html;
    match text.split_once(' ') {
        Some((tag, rest)) => PreEscaped(format!("{tag} {extra} {rest}")),
        None => PreEscaped(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::tests::check as check_page;

    #[test]
    fn fields_have_labels_and_escape_values() {
        let html = text("a", "name", "Name", "For people", "\"><script>", "required");
        let text = check_page(&html);
        assert!(text.contains("<input required type=\"text\""), "{text}");
        assert!(text.contains("&quot;&gt;&lt;script&gt;") && text.contains("aria-describedby=\"a-hint\""));
        assert!(
            check_page(&number("n", "weight", "Weight", "", "1", "min=\"0\""))
                .contains("data-type=\"number\"")
        );
        let area = text_area("t", "json", "JSON", "", "{}", "rows=\"3\"");
        assert!(check_page(&area).contains("<textarea rows=\"3\" id=\"t\""));
    }

    #[test]
    fn choices_show_what_is_chosen() {
        let html = select("s", "role", "Role", "", &[("viewer", "Viewer"), ("admin", "Admin")], "admin");
        assert!(check_page(&html).contains("<option value=\"admin\" selected>"));
        let days = check_page(&select("d", "days", "Days", "", &[("", "for good"), ("30", "30 days")], ""));
        assert!(days.contains("data-type=\"number\""), "{days}");
        assert!(check_page(&check("c", "kinds[]", "Images", Some("image"), true)).contains("checked"));
        assert!(check_page(&hidden("id", "x")).contains("hidden"));
    }

    #[test]
    fn buttons_say_what_they_call() {
        let api = "POST /api/v1/x";
        let html =
            button(&Button { label: "Do", api, body: "{\"a\":1}", confirm: "Sure?", ..Button::default() });
        let text = check_page(&html);
        assert!(text.contains("data-api=\"POST /api/v1/x\"") && text.contains("data-confirm=\"Sure?\""));
        assert!(!text.contains("data-done") && !text.contains("aria-label"));
        assert!(check_page(&dialog("d", "New", &html!())).contains("aria-labelledby=\"d-title\""));
    }
}
