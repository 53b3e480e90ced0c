//! A button that opens a list of which one holds.

use eframe::egui::{Button, RichText, ScrollArea, Ui};

use crate::theme::palette;

/// The longest list before it scrolls.
const MAX_HEIGHT: f32 = 320.0;

/// Shows `name: value`, and lets another value be chosen; says whether one was.
pub fn choice<T: PartialEq + Clone>(ui: &mut Ui, name: &str, value: &mut T, all: &[(T, String)]) -> bool {
    let palette = palette(ui);
    let current = all.iter().find(|(each, _)| each == value).map_or("", |(_, words)| words.as_str());
    // The first is "all of them": anything else narrows down, which should be seen.
    let narrowed = all.first().is_some_and(|(first, _)| first != value);
    let color = if narrowed { palette.accent } else { palette.text };
    let mut chosen = None;
    ui.menu_button(RichText::new(format!("{name}: {current}")).color(color), |ui| {
        ui.set_min_width(150.0);
        ScrollArea::vertical().max_height(MAX_HEIGHT).show(ui, |ui| {
            for (each, words) in all {
                if ui.add(Button::selectable(each == value, words.as_str())).clicked() {
                    chosen = Some(each.clone());
                    ui.close();
                }
            }
        });
    });
    match chosen {
        Some(chosen) if chosen != *value => {
            *value = chosen;
            true
        }
        Some(_) | None => false,
    }
}
