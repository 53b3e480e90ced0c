//! Pictograms: strokes of 16 by 16, in the colour of the text.

use maud::{Markup, html};

/// What an icon shows; it stands beside words, never for them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the name says what is drawn")]
pub enum Icon {
    Alert,
    Batch,
    Brand,
    Check,
    Copy,
    Download,
    Gallery,
    Home,
    Job,
    Model,
    Pause,
    Person,
    Playground,
    Plus,
    Search,
    Settings,
    Theme,
    Worker,
}

impl Icon {
    fn path(self) -> &'static str {
        match self {
            Self::Alert => "M8 2.2 14.6 13.6H1.4zM8 6.5v3.2M8 11.6v.1",
            Self::Batch => "M2 5.5 8 2.5l6 3-6 3zM2 8.2l6 3 6-3M2 10.9l6 3 6-3",
            Self::Brand => "M8 1.8 13.4 5v6L8 14.2 2.6 11V5zM8 8v6M8 8 2.8 5M8 8l5.2-3",
            Self::Check => "M3 8.5 6.5 12 13 4.5",
            Self::Copy => "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
            Self::Download => "M8 2v8M4.5 7 8 10.5 11.5 7M2.5 13.5h11",
            Self::Gallery => "M2 3h12v10H2zM2 11l3.5-3.5L9 11l2-2 3 3M10.5 5.8v.1",
            Self::Home => "M2 8 8 2.5 14 8M3.8 6.8v6.7h8.4V6.8",
            Self::Job => "M2.5 4h11M2.5 8h11M2.5 12h7",
            Self::Model => "M8 2 14 5v6l-6 3-6-3V5zM2 5l6 3 6-3M8 8v6",
            Self::Pause => "M5.5 3v10M10.5 3v10",
            Self::Person => "M8 8a2.8 2.8 0 1 0 0-5.6A2.8 2.8 0 0 0 8 8zM2.8 14a5.2 5.2 0 0 1 10.4 0",
            Self::Playground => "M5 2.8 13 8l-8 5.2z",
            Self::Plus => "M8 3v10M3 8h10",
            Self::Search => "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.4 10.4 14 14",
            Self::Settings => "M2 4.5h6M12 4.5h2M2 11.5h2M8 11.5h6M10 2.7v3.6M6 9.7v3.6",
            Self::Theme => "M8 2a6 6 0 1 0 0 12zM8 2a6 6 0 0 1 0 12",
            Self::Worker => "M2 3h12v7.5H2zM5.5 13.5h5M8 10.5v3",
        }
    }
}

/// Draws it; screen readers pass over it.
pub fn icon(icon: Icon) -> Markup {
    html! {
        svg.icon viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false" {
            path d=(icon.path()) {}
        }
    }
}
