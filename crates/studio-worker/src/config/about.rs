//! What each setting is, in one place: the template, the window's form and the commands are made of it.

mod files;
mod jobs;
mod program;

use std::ops::RangeInclusive;

use serde_json::Value;
use worker_local::SettingKind;

use super::Key;

/// One setting, for people.
#[derive(Debug, Clone)]
pub struct About {
    /// Which.
    pub key: Key,
    /// The heading that it stands under.
    pub section: &'static str,
    /// A few words.
    pub label: &'static str,
    /// What it does; sentences on one line, as the template and a form show them.
    pub help: &'static str,
    /// Which values it takes.
    pub kind: Kind,
    /// What holds when it is unset.
    pub default: Default,
    /// As TOML, for the template.
    pub example: &'static str,
}

/// Which values a setting takes.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number within a range.
    Integer(RangeInclusive<i64>),
    /// A number within a range, and what it counts.
    Float(RangeInclusive<f64>, &'static str),
    /// One line.
    Text,
    /// A file or a folder.
    Path,
    /// Several texts.
    List,
}

/// What holds when a setting is unset.
#[derive(Debug, Clone, PartialEq)]
pub enum Default {
    /// The same on every machine; the template states it.
    Written(Value),
    /// The same on every machine.
    Value(Value),
    /// It depends.
    Words(&'static str),
}

/// Every setting of the owner, in the order of the template.
pub fn all() -> Vec<About> {
    [
        jobs::studio(),
        jobs::jobs(),
        jobs::owner(),
        jobs::memory(),
        files::models(),
        files::engines(),
        program::program(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

impl Kind {
    /// As the local API says it.
    pub fn told(&self) -> SettingKind {
        match self {
            Self::Flag => SettingKind::Flag,
            Self::Integer(range) => SettingKind::Integer { min: *range.start(), max: *range.end() },
            Self::Float(range, unit) => {
                SettingKind::Float { min: *range.start(), max: *range.end(), unit: (*unit).to_owned() }
            }
            Self::Text => SettingKind::Text,
            Self::Path => SettingKind::Path,
            Self::List => SettingKind::List,
        }
    }
}

impl Default {
    /// As the local API says it.
    pub fn told(&self) -> Value {
        match self {
            Self::Written(value) | Self::Value(value) => value.clone(),
            Self::Words(words) => (*words).into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::Home;
    use crate::config::{ConfigFile, shown};

    #[test]
    fn every_setting_is_described_once_and_the_registration_is_not() {
        let described: Vec<&str> = all().iter().map(|about| about.key.as_str()).collect();
        let once: BTreeSet<&str> = described.iter().copied().collect();
        assert_eq!(once.len(), described.len(), "{described:?}");
        let owners = Key::ALL.into_iter().filter(|key| !key.is_registration());
        assert_eq!(once, owners.map(Key::as_str).collect());
    }

    #[test]
    fn sections_stay_together_and_words_are_for_people() {
        let all = all();
        let mut sections: Vec<&str> = all.iter().map(|about| about.section).collect();
        sections.dedup();
        assert_eq!(sections.iter().collect::<BTreeSet<_>>().len(), sections.len(), "{sections:?}");
        for About { key, label, help, .. } in all {
            assert!(!label.ends_with('.') && label.len() <= 40, "{key:?}: {label}");
            assert!(help.ends_with('.') && help.len() <= 160 && !help.contains('\n'), "{key:?}: {help}");
        }
    }

    #[test]
    fn defaults_are_what_an_empty_file_means() {
        let dir = tempfile::tempdir().unwrap();
        let file = ConfigFile::new(dir.path().join("config.toml"));
        std::fs::write(file.path(), "").unwrap();
        let (config, home) = (file.load().unwrap(), Home::of_config(Path::new("/h/config.toml")));
        for about in all() {
            match &about.default {
                Default::Written(value) | Default::Value(value) => {
                    assert_eq!(*value, shown(&config, &home, about.key), "{:?}", about.key);
                }
                Default::Words(words) => assert!(!words.is_empty(), "{:?}", about.key),
            }
        }
    }

    #[test]
    fn what_is_live_is_taken_up_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let file = ConfigFile::new(dir.path().join("config.toml"));
        let read = |text: &str| {
            std::fs::write(file.path(), text).unwrap();
            file.load().unwrap()
        };
        let home = Home::of_config(file.path());
        for about in all() {
            let other = match &about.kind {
                Kind::Flag if about.default.told() == true => "false".to_owned(),
                Kind::Flag => "true".to_owned(),
                Kind::Integer(range) => (range.end() - 1).to_string(),
                Kind::Float(range, _) => format!("{:.1}", range.end()),
                Kind::Text => "\"https://other.example\"".to_owned(),
                Kind::Path => "\"/other\"".to_owned(),
                Kind::List => "[\"other\"]".to_owned(),
            };
            let (mut used, new) = (read(""), read(&format!("{} = {other}", about.key.as_str())));
            assert_ne!(shown(&used, &home, about.key), shown(&new, &home, about.key), "{:?}", about.key);
            used.take_up(&new);
            let is_taken = shown(&used, &home, about.key) == shown(&new, &home, about.key);
            assert_eq!(is_taken, about.key.is_live(), "{:?}", about.key);
        }
    }

    #[test]
    fn kinds_are_what_the_file_is_read_as() {
        for about in all() {
            let wrong = match &about.kind {
                Kind::Flag => "\"yes\"",
                Kind::Integer(range) => &(range.end() + 1).to_string(),
                Kind::Float(range, _) => &format!("{:.1}", range.end() * 2.0),
                Kind::Text | Kind::Path | Kind::List => "7",
            };
            for (value, is_right) in [(about.example, true), (wrong, false)] {
                let dir = tempfile::tempdir().unwrap();
                let file = ConfigFile::new(dir.path().join("config.toml"));
                std::fs::write(file.path(), format!("{} = {value}", about.key.as_str())).unwrap();
                assert_eq!(file.load().is_ok(), is_right, "{:?} = {value}", about.key);
            }
            assert_eq!(about.key.is_list(), about.kind == Kind::List, "{:?}", about.key);
        }
    }
}
