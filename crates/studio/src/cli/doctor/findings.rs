//! What was found: one line for each check, with what to do.

use std::fmt;

use serde::Serialize;

/// Things of one sort that are named before the rest is only counted.
const MAX_NAMED: usize = 5;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, and somebody should look.
    Warn,
    /// Something is broken, lost or open to others.
    Fail,
}

/// One check.
#[derive(Debug, Serialize)]
pub struct Finding {
    level: Level,
    check: &'static str,
    detail: String,
    #[serde(skip_serializing_if = "str::is_empty")]
    advice: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Warn => "warn",
            Level::Fail => "fail",
        };
        write!(f, "{level:<4}  {:<10}  {}", self.check, self.detail)?;
        if self.advice.is_empty() { Ok(()) } else { write!(f, ": {}", self.advice) }
    }
}

/// Everything, in the order of the checks.
#[derive(Debug, Default)]
pub struct Findings(Vec<Finding>);

impl Findings {
    /// Notes what is as it should be.
    pub fn ok(&mut self, check: &'static str, detail: impl Into<String>) {
        self.push(Level::Ok, check, detail, "");
    }

    /// Notes what somebody should look at.
    pub fn warn(&mut self, check: &'static str, detail: impl Into<String>, advice: impl Into<String>) {
        self.push(Level::Warn, check, detail, advice);
    }

    /// Notes what is broken.
    pub fn fail(&mut self, check: &'static str, detail: impl Into<String>, advice: impl Into<String>) {
        self.push(Level::Fail, check, detail, advice);
    }

    fn push(
        &mut self,
        level: Level,
        check: &'static str,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.0.push(Finding { level, check, detail: detail.into(), advice: advice.into() });
    }

    /// The worst of all.
    pub fn worst(&self) -> Level {
        self.0.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// All of them.
    pub fn all(&self) -> &[Finding] {
        &self.0
    }
}

/// A few of them by name, the others as a number.
pub fn named(all: &[String]) -> String {
    let shown = all.iter().take(MAX_NAMED).map(String::as_str).collect::<Vec<_>>().join("; ");
    let more = all.len().saturating_sub(MAX_NAMED);
    if more > 0 { format!("{shown}; and {more} more") } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_counts_and_a_long_list_is_cut() {
        let mut findings = Findings::default();
        assert_eq!(findings.worst(), Level::Ok);
        findings.warn("disk", "1 GB free", "free some space soon");
        findings.ok("keys", "two");
        assert_eq!(findings.worst(), Level::Warn);
        assert_eq!(findings.all()[0].to_string(), "warn  disk        1 GB free: free some space soon");
        let many: Vec<String> = (1..=7).map(|number| number.to_string()).collect();
        assert_eq!(named(&many), "1; 2; 3; 4; 5; and 2 more");
    }
}
