//! What the owner has typed but not saved: pure, so that every rule of it is tested without a window.

use std::collections::BTreeMap;

use serde_json::Value;
use worker_local::{ConfigChange, ConfigView, Setting, SettingKind};

/// A typed value that is not saved.
#[derive(Debug, Clone, PartialEq)]
pub enum Draft {
    /// The default holds.
    Unset,
    /// Yes or no.
    Flag(bool),
    /// A number, a text, a word of a choice; the items of a list, one a line.
    Text(String),
}

impl Draft {
    /// As the setting is now.
    pub fn of(setting: &Setting) -> Self {
        match &setting.value {
            None | Some(Value::Null) => Self::Unset,
            Some(Value::Bool(flag)) => Self::Flag(*flag),
            Some(value) => Self::Text(in_words(value)),
        }
    }

    /// The text of an editor; what is unset is empty, and the other way round.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Unset | Self::Flag(_) => "",
        }
    }

    /// What was typed into an editor.
    pub fn typed(text: String) -> Self {
        if text.is_empty() { Self::Unset } else { Self::Text(text) }
    }

    /// The value to save, or what is wrong with it.
    pub fn value(&self, kind: &SettingKind) -> Result<Value, String> {
        let text = match self {
            Self::Unset => return Ok(Value::Null),
            Self::Flag(flag) => return Ok(Value::Bool(*flag)),
            Self::Text(text) => text.trim(),
        };
        if text.is_empty() {
            return Ok(Value::Null);
        }
        match kind {
            SettingKind::Flag => Err("Yes or no".to_owned()),
            SettingKind::Integer { min, max } => match text.parse::<i64>() {
                Ok(number) if (*min..=*max).contains(&number) => Ok(Value::from(number)),
                Ok(_) | Err(_) => Err(range(min, max, "A whole number")),
            },
            SettingKind::Float { min, max, .. } => match text.parse::<f64>() {
                Ok(number) if number >= *min && number <= *max => Ok(Value::from(number)),
                Ok(_) | Err(_) => Err(range(min, max, "A number")),
            },
            SettingKind::Text | SettingKind::Path => Ok(Value::from(text)),
            SettingKind::List => Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).collect()),
            SettingKind::Choice { words } if words.iter().any(|word| word == text) => Ok(Value::from(text)),
            SettingKind::Choice { words } => Err(format!("One of {}", words.join(", "))),
        }
    }
}

fn range(min: &impl ToString, max: &impl ToString, what: &str) -> String {
    let (min, max) = (min.to_string(), max.to_string());
    // The ends of the number types are no limits that anybody would want to read.
    match (min.len() > LONGEST_LIMIT, max.len() > LONGEST_LIMIT) {
        (false, false) => format!("{what} from {min} to {max}"),
        (false, true) => format!("{what}, at least {min}"),
        (true, false) => format!("{what}, at most {max}"),
        (true, true) => what.to_owned(),
    }
}

/// Digits of the largest limit that a setting has for a reason.
const LONGEST_LIMIT: usize = 12;

/// A value as it stands in an editor.
pub fn in_words(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(in_words).collect::<Vec<_>>().join("\n"),
        Value::Number(number) => {
            number.as_f64().map_or_else(|| number.to_string(), |number| number.to_string())
        }
        Value::Object(_) => value.to_string(),
    }
}

/// Every draft of the page.
#[derive(Debug, Default)]
pub struct Drafts(BTreeMap<String, Draft>);

impl Drafts {
    /// As the editor shows it: typed, or as it is.
    pub fn shown(&self, setting: &Setting) -> Draft {
        self.0.get(&setting.key).cloned().unwrap_or_else(|| Draft::of(setting))
    }

    /// Takes up what was typed; a draft that says what holds already is none.
    pub fn put(&mut self, setting: &Setting, draft: Draft) {
        if says_what_holds(&draft, setting) && draft == Draft::of(setting) {
            self.0.remove(&setting.key);
        } else {
            self.0.insert(setting.key.clone(), draft);
        }
    }

    /// Whether this setting would be changed.
    pub fn has(&self, setting: &Setting) -> bool {
        self.0.get(&setting.key).is_some_and(|draft| !says_what_holds(draft, setting))
    }

    /// Drops what holds by now, because it was saved, here or elsewhere.
    pub fn settle(&mut self, view: &ConfigView) {
        self.0.retain(|key, draft| {
            view.settings.iter().any(|setting| setting.key == *key && !says_what_holds(draft, setting))
        });
    }

    /// Forgets everything.
    pub fn discard(&mut self) {
        self.0.clear();
    }

    /// How many settings would be changed.
    pub fn count(&self, view: &ConfigView) -> usize {
        view.settings.iter().filter(|setting| self.has(setting)).count()
    }

    /// What is wrong with the draft of a setting.
    pub fn problem(&self, setting: &Setting) -> Option<String> {
        self.0.get(&setting.key)?.value(&setting.kind).err()
    }

    /// What to save, or nothing while a draft is wrong.
    pub fn change(&self, view: &ConfigView) -> Option<ConfigChange> {
        let mut changes = BTreeMap::new();
        for setting in view.settings.iter().filter(|setting| self.has(setting)) {
            changes.insert(setting.key.clone(), self.0.get(&setting.key)?.value(&setting.kind).ok()?);
        }
        (!changes.is_empty()).then_some(ConfigChange { changes })
    }
}

/// `8` and `8.0` are one number, and a missing value is null.
fn says_what_holds(draft: &Draft, setting: &Setting) -> bool {
    let Ok(new) = draft.value(&setting.kind) else { return false };
    let old = setting.value.as_ref().unwrap_or(&Value::Null);
    match (new.as_f64(), old.as_f64()) {
        (Some(new), Some(old)) => (new - old).abs() <= f64::EPSILON * old.abs(),
        (Some(_), None) | (None, Some(_)) => false,
        (None, None) => new == *old,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(kind: SettingKind, value: Option<Value>) -> Setting {
        Setting {
            key: "key".into(),
            section: "Section".into(),
            label: "Label".into(),
            help: "Help".into(),
            kind,
            value,
            default: Some(Value::from("as many as fit")),
            overridden_by: None,
            live: true,
        }
    }

    fn text(text: &str) -> Draft {
        Draft::Text(text.to_owned())
    }

    const SLOTS: SettingKind = SettingKind::Integer { min: 1, max: 64 };

    #[test]
    fn numbers_are_checked_against_their_range() {
        assert_eq!(text(" 3 ").value(&SLOTS), Ok(Value::from(3)));
        for wrong in ["0", "65", "1.5", "many"] {
            assert_eq!(text(wrong).value(&SLOTS), Err("A whole number from 1 to 64".to_owned()), "{wrong}");
        }
        let memory = SettingKind::Float { min: 0.0, max: f64::MAX, unit: "GiB".into() };
        assert_eq!(text("7.5").value(&memory), Ok(Value::from(7.5)));
        assert_eq!(text("-1").value(&memory), Err("A number, at least 0".to_owned()));
        assert_eq!(text("NaN").value(&memory), Err("A number, at least 0".to_owned()));
    }

    #[test]
    fn a_list_has_an_item_a_line() {
        let list = setting(SettingKind::List, Some(Value::from(vec!["a", "b"])));
        assert_eq!(Draft::of(&list), text("a\nb"));
        assert_eq!(text(" a \n\n c").value(&list.kind), Ok(Value::from(vec!["a", "c"])));
    }

    #[test]
    fn what_holds_already_is_no_change() {
        let slots = setting(SLOTS, Some(Value::from(2)));
        let mut drafts = Drafts::default();
        drafts.put(&slots, text("3"));
        assert!(drafts.has(&slots));
        drafts.put(&slots, text("2"));
        assert!(!drafts.has(&slots));
        let memory =
            setting(SettingKind::Float { min: 0.0, max: 9.0, unit: "GiB".into() }, Some(Value::from(8)));
        drafts.put(&memory, text("8.0"));
        assert!(!drafts.has(&memory));
        assert_eq!(drafts.shown(&memory), text("8.0"), "the owner goes on typing where they were");
    }

    #[test]
    fn a_wrong_draft_keeps_all_of_them_back() {
        let slots = setting(SLOTS, None);
        let mut paused = setting(SettingKind::Flag, Some(Value::Bool(false)));
        paused.key = "paused".into();
        let view = ConfigView { settings: vec![slots.clone(), paused.clone()], ..ConfigView::default() };
        let mut drafts = Drafts::default();
        assert_eq!(drafts.change(&view), None);
        drafts.put(&paused, Draft::Flag(true));
        drafts.put(&slots, text("many"));
        assert_eq!(drafts.count(&view), 2);
        assert_eq!(drafts.change(&view), None);
        assert!(drafts.problem(&slots).is_some());
        drafts.put(&slots, text("4"));
        let change = drafts.change(&view).unwrap();
        assert_eq!(change.changes["key"], Value::from(4));
        assert_eq!(change.changes["paused"], Value::Bool(true));
    }

    #[test]
    fn unsetting_saves_null() {
        let slots = setting(SLOTS, Some(Value::from(2)));
        let view = ConfigView { settings: vec![slots.clone()], ..ConfigView::default() };
        let mut drafts = Drafts::default();
        drafts.put(&slots, Draft::Unset);
        assert_eq!(drafts.change(&view).unwrap().changes["key"], Value::Null);
    }

    #[test]
    fn saved_drafts_settle() {
        let mut slots = setting(SLOTS, None);
        let mut drafts = Drafts::default();
        drafts.put(&slots, text("2"));
        slots.value = Some(Value::from(2));
        let view = ConfigView { settings: vec![slots.clone()], ..ConfigView::default() };
        drafts.settle(&view);
        assert_eq!(drafts.count(&view), 0);
    }

    #[test]
    fn an_empty_field_is_unset() {
        for kind in [SLOTS, SettingKind::Text, SettingKind::Path, SettingKind::List] {
            assert_eq!(Draft::typed(String::new()), Draft::Unset);
            assert_eq!(text(" ").value(&kind), Ok(Value::Null), "{kind:?}");
        }
        assert_eq!(Draft::Unset.text(), "");
        assert_eq!(Draft::typed("a".to_owned()).text(), "a");
    }
}
