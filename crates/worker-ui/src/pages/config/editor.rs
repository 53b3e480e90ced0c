//! The editor of one setting: what it is on the left, its value on the right.

use eframe::egui::{Checkbox, ComboBox, Label, Response, RichText, Role, TextEdit, Ui, WidgetInfo, vec2};
use serde_json::Value;
use worker_local::{Setting, SettingKind};

use super::draft::{Draft, Drafts, in_words};
use crate::Tone;
use crate::pages::parts::{line, named, small};
use crate::theme::{self, palette};
use crate::widgets::{badge, link_button};

/// Of the column with the label, as a part of the row.
const LABEL_PART: f32 = 0.46;
const NUMBER_WIDTH: f32 = 90.0;
/// Lists are short; longer ones grow with their lines.
const LIST_ROWS: usize = 2;
/// Beside a field of the whole width.
const BUTTON_ROOM: f32 = 100.0;

/// Draws a setting, and says whether it was edited.
pub(super) fn setting_ui(ui: &mut Ui, setting: &Setting, drafts: &mut Drafts, problem: Option<&str>) -> bool {
    let before = drafts.shown(setting);
    let mut draft = before.clone();
    ui.push_id(&setting.key, |ui| {
        ui.horizontal_top(|ui| {
            let width = ui.available_width() * LABEL_PART;
            ui.allocate_ui(vec2(width, 0.0), |ui| {
                ui.set_width(width);
                ui.vertical(|ui| about(ui, setting, drafts));
            });
            ui.vertical(|ui| {
                ui.add_enabled_ui(setting.overridden_by.is_none(), |ui| value(ui, setting, &mut draft));
                remarks(ui, setting, &draft, problem);
            });
        });
    });
    let edited = draft != before;
    if edited {
        drafts.put(setting, draft);
    }
    edited
}

fn about(ui: &mut Ui, setting: &Setting, drafts: &Drafts) {
    let palette = palette(ui);
    ui.spacing_mut().item_spacing.y = 2.0;
    ui.horizontal(|ui| {
        ui.label(RichText::new(&setting.label).color(palette.text));
        if drafts.has(setting) {
            badge(ui, Tone::Busy, "Changed");
        }
    });
    let help = RichText::new(&setting.help).size(theme::SMALL).color(palette.soft);
    ui.add(Label::new(help).wrap()).on_hover_text(&setting.key);
}

fn remarks(ui: &mut Ui, setting: &Setting, draft: &Draft, problem: Option<&str>) {
    ui.spacing_mut().item_spacing.y = 2.0;
    if let Some(problem) = problem {
        line(ui, Tone::Bad, problem);
    }
    if let Some(variable) = &setting.overridden_by {
        line(ui, Tone::Warn, &format!("Set by the environment: {variable} wins over the file"));
    }
    let mut remarks = Vec::new();
    if *draft == Draft::Unset
        && !matches!(setting.kind, SettingKind::Flag | SettingKind::Choice { .. })
        && let Some(words) = default_words(setting)
    {
        remarks.push(format!("Default: {words}"));
    }
    if !setting.live {
        remarks.push("A change is in use after a restart".to_owned());
    }
    if !remarks.is_empty() {
        small(ui, &remarks.join("  ·  "));
    }
}

fn value(ui: &mut Ui, setting: &Setting, draft: &mut Draft) {
    ui.horizontal(|ui| {
        match &setting.kind {
            SettingKind::Flag => flag(ui, setting, draft),
            SettingKind::Choice { words } => choice(ui, setting, words, draft),
            SettingKind::Integer { .. } => one_line(ui, &setting.label, draft, NUMBER_WIDTH),
            SettingKind::Float { unit, .. } if unit.is_empty() => {
                one_line(ui, &setting.label, draft, NUMBER_WIDTH);
            }
            SettingKind::Float { unit, .. } => {
                one_line(ui, &format!("{}, {unit}", setting.label), draft, NUMBER_WIDTH);
                ui.label(unit);
            }
            SettingKind::Text | SettingKind::Path => {
                let width = ui.available_width() - BUTTON_ROOM;
                one_line(ui, &setting.label, draft, width);
            }
            SettingKind::List => list(ui, &setting.label, draft),
        }
        back(ui, setting, draft);
    });
}

fn flag(ui: &mut Ui, setting: &Setting, draft: &mut Draft) {
    let default = setting.default.as_ref().and_then(Value::as_bool).unwrap_or(false);
    let mut flag = if let Draft::Flag(flag) = draft { *flag } else { default };
    let before = flag;
    let word = if flag { "Yes" } else { "No" };
    let response = ui.add(Checkbox::new(&mut flag, word));
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, response.enabled(), flag, &setting.label));
    if flag != before {
        *draft = Draft::Flag(flag);
    }
}

fn choice(ui: &mut Ui, setting: &Setting, words: &[String], draft: &mut Draft) {
    let default = setting.default.as_ref().map(in_words).unwrap_or_default();
    let mut text = if let Draft::Text(text) = draft { text.clone() } else { default };
    let shown = text.clone();
    let combo = ComboBox::from_id_salt("choice").selected_text(&shown).show_ui(ui, |ui| {
        for word in words {
            ui.selectable_value(&mut text, word.clone(), word);
        }
    });
    combo.response.widget_info(|| {
        let mut info = WidgetInfo::labeled(Role::ComboBox, combo.response.enabled(), &setting.label);
        info.current_text_value = Some(shown.clone());
        info
    });
    if text != shown {
        *draft = Draft::Text(text);
    }
}

fn one_line(ui: &mut Ui, name: &str, draft: &mut Draft, width: f32) {
    let mut text = draft.text().to_owned();
    let response = ui.add(TextEdit::singleline(&mut text).hint_text("default").desired_width(width));
    typed(&response, name, text, draft);
}

fn list(ui: &mut Ui, name: &str, draft: &mut Draft) {
    let mut text = draft.text().to_owned();
    let rows = text.split('\n').count().max(LIST_ROWS);
    let width = ui.available_width() - BUTTON_ROOM;
    let list = TextEdit::multiline(&mut text).desired_rows(rows).desired_width(width).hint_text("One a line");
    // Tab leads on to the next setting, as everywhere.
    let response = ui.add(list.lock_focus(false));
    typed(&response, name, text, draft);
}

fn typed(response: &Response, name: &str, text: String, draft: &mut Draft) {
    response.widget_info(|| WidgetInfo {
        label: Some(name.to_owned()),
        ..WidgetInfo::text_edit(response.enabled(), "", text.as_str(), "")
    });
    if response.changed() {
        *draft = Draft::typed(text);
    }
}

/// Back to the default, where that is not what stands there.
fn back(ui: &mut Ui, setting: &Setting, draft: &mut Draft) {
    if *draft == Draft::Unset || is_default(setting, draft) {
        return;
    }
    let response = named(link_button(ui, "Use default"), &format!("Use the default of {}", setting.label));
    let words = default_words(setting).map(|words| format!("Default: {words}"));
    if response.on_hover_text(words.as_deref().unwrap_or("Not set")).clicked() {
        *draft = Draft::Unset;
    }
}

fn is_default(setting: &Setting, draft: &Draft) -> bool {
    let (Some(default), Ok(value)) = (&setting.default, draft.value(&setting.kind)) else { return false };
    match (default.as_f64(), value.as_f64()) {
        (Some(default), Some(value)) => (default - value).abs() <= f64::EPSILON * default.abs(),
        (Some(_) | None, Some(_) | None) => *default == value,
    }
}

/// What holds when nothing is set, as people say it.
fn default_words(setting: &Setting) -> Option<String> {
    let default = setting.default.as_ref()?;
    let words = match default {
        Value::Null => return None,
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(_) => in_words(default).replace('\n', ", "),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => in_words(default),
    };
    Some(match &setting.kind {
        SettingKind::Float { unit, .. } if default.is_number() && !unit.is_empty() => {
            format!("{words} {unit}")
        }
        SettingKind::Float { .. }
        | SettingKind::Flag
        | SettingKind::Integer { .. }
        | SettingKind::Text
        | SettingKind::Path
        | SettingKind::List
        | SettingKind::Choice { .. } => words,
    })
}
