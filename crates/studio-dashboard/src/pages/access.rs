//! The pages before anybody is signed in: plain forms that need no script.

use maud::{Markup, html};

use crate::layout::{Shell, page};
use crate::parts::field;

/// What the sign-in page shows.
#[derive(Debug, Clone, Default)]
pub struct SignIn<'a> {
    /// Ties the form to the browser.
    pub form: &'a str,
    /// Where it leads, a path of this studio.
    pub next: &'a str,
    /// As it was typed last time.
    pub name: &'a str,
    /// Why the last try came to nothing.
    pub problem: Option<&'a str>,
}

/// What the set-up page shows.
#[derive(Debug, Clone, Default)]
pub struct SetUp<'a> {
    /// Ties the form to the browser.
    pub form: &'a str,
    /// The secret of the link; without one the page says where to find the link.
    pub token: Option<&'a str>,
    /// As it was typed last time.
    pub name: &'a str,
    /// Why the last try came to nothing.
    pub problem: Option<&'a str>,
}

/// Asks for name and password.
pub fn sign_in(shell: &Shell, data: &SignIn<'_>) -> Markup {
    let password = html! {
        input #password type="password" name="password" required autocomplete="current-password"
            autofocus[!data.name.is_empty()];
    };
    gate(
        shell,
        "Sign in",
        data.problem,
        &html! {
            form.stack method="post" action="/sign-in" {
                input type="hidden" name="form" value=(data.form);
                input type="hidden" name="next" value=(data.next);
                (name_field(data.name, data.problem.is_some()))
                (field("password", "Password", "", &password))
                button.primary type="submit" { "Sign in" }
            }
            p.hint { "No account, or a forgotten password? An admin of this studio can help." }
        },
    )
}

/// Asks whoever holds the link for the first account.
pub fn set_up(shell: &Shell, data: &SetUp<'_>) -> Markup {
    let Some(token) = data.token else { return without_a_link(shell, data.problem) };
    let password = html! {
        input #password type="password" name="password" required minlength="10" maxlength="256"
            autocomplete="new-password" aria-describedby="password-hint";
    };
    gate(
        shell,
        "Set up this studio",
        data.problem,
        &html! {
            p { "Make the first account. It is an admin: it can make accounts for others." }
            form.stack method="post" action="/set-up" {
                input type="hidden" name="form" value=(data.form);
                input type="hidden" name="token" value=(token);
                (name_field(data.name, data.problem.is_some()))
                (field("password", "Password", "At least 10 characters; a short sentence is good.", &password))
                button.primary type="submit" { "Make the account" }
            }
        },
    )
}

fn without_a_link(shell: &Shell, problem: Option<&str>) -> Markup {
    gate(
        shell,
        "Set up this studio",
        problem,
        &html! {
            p { "Nobody has an account yet. The studio wrote a link for the first one to its log when it started." }
            p { "On the studio's machine, this makes a new link:" }
            pre { code { "studio users set-up-link" } }
        },
    )
}

/// A card with a heading, and what went wrong in it.
fn gate(shell: &Shell, heading: &str, problem: Option<&str>, content: &Markup) -> Markup {
    let card = html! {
        section.card aria-labelledby="gate-title" {
            h1 #gate-title { (heading) }
            @if let Some(problem) = problem {
                p.notice.bad #problem role="alert" { (problem) }
            }
            (content)
        }
    };
    page(shell, &card)
}

fn name_field(name: &str, again: bool) -> Markup {
    let name = html! {
        input #name type="text" name="name" value=(name) required maxlength="64" autocomplete="username"
            autocapitalize="none" spellcheck="false" autofocus[name.is_empty()]
            aria-describedby=[again.then_some("problem")];
    };
    field("name", "Name", "", &name)
}

#[cfg(test)]
mod tests {
    use studio_store::Role;

    use super::*;
    use crate::parts::tests::{check, shell};

    fn stranger() -> Shell {
        Shell { viewer: None, area: None, ..shell(Role::Viewer) }
    }

    #[test]
    fn what_was_typed_comes_back_as_text() {
        let hostile = "\"><script>alert(1)</script>";
        let data = SignIn { form: "f", next: hostile, name: hostile, problem: Some(hostile) };
        let page = check(&sign_in(&stranger(), &data));
        assert!(!page.contains("<script>alert"), "{page}");
        assert!(page.contains("p class=\"notice bad\" id=\"problem\" role=\"alert\""), "{page}");
        assert!(!check(&sign_in(&stranger(), &SignIn::default())).contains("id=\"problem\""));
    }

    #[test]
    fn without_the_link_nobody_is_asked_for_anything() {
        let with_link = SetUp { form: "f", token: Some("t"), ..SetUp::default() };
        assert!(check(&set_up(&stranger(), &with_link)).contains("action=\"/set-up\""));
        let without = check(&set_up(&stranger(), &SetUp::default()));
        assert!(without.contains("studio users set-up-link") && !without.contains("action=\"/set-up\""));
    }
}
