//! The pages before anybody is signed in: plain forms that need no script.

use maud::{Markup, html};

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
pub fn sign_in(data: &SignIn<'_>) -> Markup {
    html! {
        section.gate aria-labelledby="gate-title" {
            h1 #gate-title { "Sign in" }
            (said(data.problem))
            form.stack method="post" action="/sign-in" {
                input type="hidden" name="form" value=(data.form);
                input type="hidden" name="next" value=(data.next);
                (name_field(data.name, data.problem.is_some()))
                label for="password" { "Password" }
                input #password type="password" name="password" required autocomplete="current-password"
                    autofocus[!data.name.is_empty()];
                button.primary type="submit" { "Sign in" }
            }
            p.hint { "No account, or a forgotten password? An admin of this studio can help." }
        }
    }
}

/// Asks whoever holds the link for the first account.
pub fn set_up(data: &SetUp<'_>) -> Markup {
    html! {
        section.gate aria-labelledby="gate-title" {
            h1 #gate-title { "Set up this studio" }
            (said(data.problem))
            @if let Some(token) = data.token {
                p { "Make the first account. It is an admin: it can make accounts for others." }
                form.stack method="post" action="/set-up" {
                    input type="hidden" name="form" value=(data.form);
                    input type="hidden" name="token" value=(token);
                    (name_field(data.name, data.problem.is_some()))
                    label for="password" { "Password" }
                    input #password type="password" name="password" required minlength="10" maxlength="256"
                        autocomplete="new-password" aria-describedby="password-hint";
                    p.hint #password-hint { "At least 10 characters; a short sentence is good." }
                    button.primary type="submit" { "Make the account" }
                }
            } @else {
                p { "Nobody has an account yet. The studio wrote a link for the first one to its log when it started." }
                p { "On the studio's machine, this makes a new link:" }
                pre { code { "studio users set-up-link" } }
            }
        }
    }
}

fn name_field(name: &str, again: bool) -> Markup {
    html! {
        label for="name" { "Name" }
        input #name type="text" name="name" value=(name) required maxlength="64" autocomplete="username"
            autocapitalize="none" spellcheck="false" autofocus[name.is_empty()] aria-invalid=[again.then_some("true")]
            aria-describedby=[again.then_some("problem")];
    }
}

fn said(problem: Option<&str>) -> Markup {
    html! {
        @if let Some(problem) = problem {
            p.problem #problem role="alert" { (problem) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_as_text() {
        let hostile = "\"><script>alert(1)</script>";
        let data = SignIn { form: "f", next: hostile, name: hostile, problem: Some(hostile) };
        let page = sign_in(&data).into_string();
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("role=\"alert\"") && page.contains("aria-invalid=\"true\""));
        assert!(!sign_in(&SignIn::default()).into_string().contains("alert"));
    }

    #[test]
    fn every_field_has_a_label_and_nothing_is_inline() {
        let with_link = SetUp { form: "f", token: Some("t"), ..SetUp::default() };
        for page in [sign_in(&SignIn::default()), set_up(&with_link), set_up(&SetUp::default())] {
            let page = page.into_string();
            assert!(!page.contains("style=") && !page.contains(" onclick"), "{page}");
            let fields = page.matches("<input id=").count();
            assert_eq!(page.matches("<label for=").count(), fields, "{page}");
        }
        assert!(set_up(&SetUp::default()).into_string().contains("studio users set-up-link"));
        assert!(!set_up(&SetUp::default()).into_string().contains("<form"));
    }
}
