//! The file that a new worker starts with.

use std::fmt::Write;
use std::sync::LazyLock;

use super::about::{self, Default};

const HEAD: &str = "\
# Settings of studio-worker.
# The worker keeps comments and unknown keys when it writes to this file.
# Every setting can be overridden by a variable: STUDIO_WORKER_ and the key in capitals.
";

/// Every setting with its default and what it means; the registration is added at the end by the worker.
pub(super) static TEMPLATE: LazyLock<String> = LazyLock::new(|| {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for about in about::all() {
        if about.section != section {
            section = about.section;
            let _ = write!(text, "\n# --- {section} ---\n");
        }
        let (unset, mark) = match &about.default {
            Default::Written(_) => (String::new(), ""),
            Default::Value(_) => (String::new(), "# "),
            Default::Words(words) => (format!(" Unset: {words}."), "# "),
        };
        let _ = write!(text, "\n# {}{unset}\n{mark}{} = {}\n", about.help, about.key.as_str(), about.example);
    }
    text
});
