//! What every page stands in: head, navigation, who is signed in, and the places where scripts say something.

use maud::{DOCTYPE, Markup, html};
use studio_protocol::Timestamp;
use studio_store::Role;

use crate::assets;
use crate::parts::{Icon, icon};

/// Who looks at which page.
#[derive(Debug, Clone)]
pub struct Shell {
    /// Of the page, as the tab and the heading say it.
    pub title: String,
    /// Where the page is in the navigation; `None` for pages outside of it.
    pub area: Option<Area>,
    /// Who is signed in; without one the page has no navigation.
    pub viewer: Option<Viewer>,
    /// Of the studio.
    pub version: String,
    /// What the navigation counts.
    pub counts: Counts,
    /// The time that "5 minutes ago" is counted from.
    pub now: Timestamp,
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Viewer {
    /// The account's name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// For the header `X-CSRF-Token`.
    pub csrf: String,
}

/// Numbers in the navigation; 0 shows none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Registrations that wait for a decision.
    pub pending: u64,
    /// Jobs that wait, are offered or run.
    pub open: u64,
}

/// A part of the dashboard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Area {
    /// What needs attention.
    Home,
    /// Who works here.
    Workers,
    /// The queue and its history.
    Jobs,
    /// Jobs that belong together.
    Batches,
    /// What was made.
    Gallery,
    /// Try it.
    Playground,
    /// The registry.
    Models,
    /// Everything that is seldom changed.
    Settings,
}

impl Area {
    /// In the order of the navigation.
    pub const ALL: [Self; 8] = [
        Self::Home,
        Self::Workers,
        Self::Jobs,
        Self::Batches,
        Self::Gallery,
        Self::Playground,
        Self::Models,
        Self::Settings,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Home => "Home",
            Self::Workers => "Workers",
            Self::Jobs => "Jobs",
            Self::Batches => "Batches",
            Self::Gallery => "Gallery",
            Self::Playground => "Playground",
            Self::Models => "Models",
            Self::Settings => "Settings",
        }
    }

    /// Its first page.
    pub fn href(self) -> &'static str {
        match self {
            Self::Home => "/",
            Self::Workers => "/workers",
            Self::Jobs => "/jobs",
            Self::Batches => "/batches",
            Self::Gallery => "/gallery",
            Self::Playground => "/playground",
            Self::Models => "/models",
            Self::Settings => "/settings",
        }
    }

    fn icon(self) -> Icon {
        match self {
            Self::Home => Icon::Home,
            Self::Workers => Icon::Worker,
            Self::Jobs => Icon::Job,
            Self::Batches => Icon::Batch,
            Self::Gallery => Icon::Gallery,
            Self::Playground => Icon::Playground,
            Self::Models => Icon::Model,
            Self::Settings => Icon::Settings,
        }
    }

    /// The role that its pages ask for.
    pub fn needs(self) -> Role {
        match self {
            Self::Playground => Role::Submitter,
            Self::Home
            | Self::Workers
            | Self::Jobs
            | Self::Batches
            | Self::Gallery
            | Self::Models
            | Self::Settings => Role::Viewer,
        }
    }
}

impl Shell {
    /// Whether the viewer has this role or one above it.
    pub fn may(&self, role: Role) -> bool {
        self.viewer.as_ref().is_some_and(|viewer| viewer.role >= role)
    }

    /// Whether the viewer runs the fleet.
    pub fn operates(&self) -> bool {
        self.may(Role::Operator)
    }
}

/// A whole document: `content` within the shell.
pub fn page(shell: &Shell, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                @if let Some(viewer) = &shell.viewer {
                    meta name="csrf" content=(viewer.csrf);
                }
                title { (shell.title) " · Studio" }
                link rel="icon" href=(assets::url("favicon.svg")) type="image/svg+xml";
                link rel="stylesheet" href=(assets::url("style.css"));
                // Not a module: it sets the colours before anything is drawn.
                script src=(assets::url("theme.js")) {}
                script type="module" src=(assets::url("actions.js")) {}
                @if shell.viewer.is_some() {
                    script type="module" src=(assets::url("live.js")) {}
                }
                script type="module" src=(assets::url("times.js")) {}
            }
            body class=@if shell.viewer.is_some() { "shell" } @else { "bare" } {
                a.skip href="#main" { "Skip to content" }
                @match &shell.viewer {
                    Some(viewer) => (header(shell, viewer)),
                    None => header.bare-top { (brand()) (theme_button()) },
                }
                main #main tabindex="-1" { (content) }
                (places(shell))
            }
        }
    }
}

fn brand() -> Markup {
    html! { a.brand href="/" { (icon(Icon::Brand)) span { "Studio" } } }
}

fn theme_button() -> Markup {
    html! {
        button.icon-button type="button" data-theme-toggle="" aria-label="Change colours: automatic" title="Colours" {
            (icon(Icon::Theme))
        }
    }
}

fn header(shell: &Shell, viewer: &Viewer) -> Markup {
    html! {
        header.top {
            (brand())
            nav.areas #areas aria-label="Areas" data-live="registration submitted worker" {
                ul {
                    @for area in Area::ALL.into_iter().filter(|area| shell.may(area.needs())) {
                        li #{ "area-" (area.name()) } {
                            a href=(area.href()) aria-current=[(shell.area == Some(area)).then_some("page")] {
                                (icon(area.icon()))
                                span { (area.name()) }
                                (badge_of(shell, area))
                            }
                        }
                    }
                }
            }
            div.who {
                (theme_button())
                details.menu {
                    summary {
                        (icon(Icon::Person))
                        span.who-name { (viewer.name) }
                        span.who-role { (viewer.role) }
                    }
                    div.menu-body {
                        a href="/settings/account" { "Your account" }
                        form method="post" action="/sign-out" {
                            input type="hidden" name="csrf" value=(viewer.csrf);
                            button.quiet type="submit" { "Sign out" }
                        }
                        p.faint { "studio " (shell.version) }
                    }
                }
            }
        }
    }
}

fn badge_of(shell: &Shell, area: Area) -> Markup {
    let (count, what, tone) = match area {
        Area::Workers => (shell.counts.pending, "waiting for approval", "count warn"),
        Area::Jobs => (shell.counts.open, "open", "count"),
        Area::Home | Area::Batches | Area::Gallery | Area::Playground | Area::Models | Area::Settings => {
            (0, "", "")
        }
    };
    html! {
        @if count > 0 {
            span class=(tone) title={ (count) " " (what) } { (short(count)) span.hidden { " " (what) } }
        }
    }
}

/// A number that fits into a badge.
fn short(count: u64) -> String {
    match count {
        0..1_000 => count.to_string(),
        1_000..1_000_000 => format!("{}k", count / 1_000),
        _ => format!("{}M", count / 1_000_000),
    }
}

/// Where scripts put messages, questions and whether the page is live.
fn places(shell: &Shell) -> Markup {
    html! {
        div.toasts #toasts role="status" aria-live="polite" {}
        div.toasts.errors #errors role="alert" {}
        @if shell.viewer.is_some() {
            p.offline #offline role="status" hidden { "Not connected: what you see may be old" }
        }
        dialog.confirm #confirm aria-labelledby="confirm-title" {
            form method="dialog" {
                h2 #confirm-title { "Are you sure?" }
                p #confirm-text {}
                div.actions {
                    button type="submit" value="no" { "Keep it" }
                    button.danger type="submit" value="yes" #confirm-yes { "Yes" }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::tests::{check, shell};

    #[test]
    fn everybody_sees_what_they_may_use() {
        for role in Role::ALL {
            let text = check(&page(&shell(*role), &html! { p { "Here" } }));
            assert_eq!(text.contains("/playground"), *role >= Role::Submitter, "{role}");
            assert!(text.contains("name=\"csrf\""));
        }
    }

    #[test]
    fn without_a_viewer_there_is_no_way_in() {
        let shell = Shell { viewer: None, area: None, ..shell(Role::Viewer) };
        let text = check(&page(&shell, &html! { p { "Sign in" } }));
        assert!(!text.contains("<nav") && !text.contains("csrf") && !text.contains("live.js"), "{text}");
    }

    #[test]
    fn numbers_fit() {
        assert_eq!((short(999), short(50_000), short(1_000_000)), ("999".into(), "50k".into(), "1M".into()));
        let counted = Shell { counts: Counts { pending: 2, open: 50_000 }, ..shell(Role::Viewer) };
        let text = check(&page(&counted, &html! {}));
        assert!(text.contains("2 waiting for approval") && text.contains("50k"));
    }
}
