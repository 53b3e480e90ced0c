//! What was measured, as a table for people and as JSON for scripts.

use serde_json::{Map, Value, json};

/// What a number should be.
#[derive(Debug, Clone, Copy)]
pub enum Target {
    /// Not more than this.
    AtMost(f64),
    /// Not less than this.
    AtLeast(f64),
}

impl Target {
    fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtMost(most) => value <= most,
            Self::AtLeast(least) => value >= least,
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("<= {}", number(most)),
            Self::AtLeast(least) => format!(">= {}", number(least)),
        }
    }
}

#[derive(Debug)]
struct Row {
    what: String,
    value: f64,
    unit: &'static str,
    target: Option<Target>,
}

/// The numbers of one measurement.
#[derive(Debug)]
pub struct Report {
    name: &'static str,
    title: String,
    rows: Vec<Row>,
}

impl Report {
    /// Nothing yet; `title` says under which conditions.
    pub fn new(name: &'static str, title: impl Into<String>) -> Self {
        Self { name, title: title.into(), rows: Vec::new() }
    }

    /// Adds a number that is told, not judged.
    pub fn row(&mut self, what: impl Into<String>, value: f64, unit: &'static str) {
        self.rows.push(Row { what: what.into(), value, unit, target: None });
    }

    /// Adds a number that has a target.
    pub fn judged(&mut self, what: impl Into<String>, value: f64, unit: &'static str, target: Target) {
        self.rows.push(Row { what: what.into(), value, unit, target: Some(target) });
    }

    /// The table, on the standard output.
    pub fn print(&self) {
        println!("\n{}: {}", self.name, self.title);
        let width = self.rows.iter().map(|row| row.what.chars().count()).max().unwrap_or_default();
        for Row { what, value, unit, target } in &self.rows {
            let verdict = target.map_or_else(String::new, |target| {
                format!(
                    "   target {:<10} {}",
                    target.text(),
                    if target.is_met(*value) { "met" } else { "MISSED" }
                )
            });
            println!("  {what:<width$}  {:>10} {unit:<9}{verdict}", number(*value));
        }
    }

    /// The name, and the rows by their words.
    pub fn into_json(self) -> (String, Value) {
        let mut rows = Map::new();
        for Row { what, value, unit, target } in self.rows {
            let mut row = json!({"value": value, "unit": unit});
            if let Some(target) = target {
                row["target"] = json!(target.text());
                row["met"] = json!(target.is_met(value));
            }
            rows.insert(what, row);
        }
        (self.name.to_owned(), json!({"conditions": self.title, "rows": rows}))
    }
}

/// As many digits as matter.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 || value.fract() == 0.0 => 0,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_judged_and_written_down() {
        let mut report = Report::new("speed", "here");
        report.judged("jobs", 99.0, "jobs/s", Target::AtLeast(100.0));
        report.judged("wait", 5.0, "ms", Target::AtMost(5.0));
        report.row("seen", 1.0, "");
        let (name, json) = report.into_json();
        assert_eq!(name, "speed");
        assert_eq!(
            json["rows"]["jobs"],
            json!({"value": 99.0, "unit": "jobs/s", "target": ">= 100", "met": false})
        );
        assert_eq!(json["rows"]["wait"]["met"], true);
        assert!(json["rows"]["seen"].get("met").is_none());
    }

    #[test]
    fn numbers_keep_the_digits_that_matter() {
        let written = [12_345.6, 99.96, 12.34, 1.234, 0.1234, 4.0, -0.5].map(number);
        assert_eq!(written, ["12346", "99.96", "12.34", "1.23", "0.123", "4", "-0.500"]);
    }
}
