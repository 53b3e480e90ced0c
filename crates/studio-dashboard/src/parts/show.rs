//! How values look: states, times, sizes, how far something is.

use maud::{Markup, html};
use studio_api::{Job, JobProgress};
use studio_protocol::{Stage, TaskKind, Timestamp};
use studio_store::JobState;

use super::icon::{Icon, icon};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A word in the colour of `tone`: `good`, `bad`, `warn`, `busy`, `idle`.
pub fn badge(tone: &str, word: &str) -> Markup {
    html! { span class={ "badge " (tone) } { (word) } }
}

/// The colour of a job's state.
pub fn tone_of(state: JobState) -> &'static str {
    match state {
        JobState::Queued | JobState::Cancelled => "idle",
        JobState::Offered | JobState::Running => "busy",
        JobState::Done => "good",
        JobState::Failed => "bad",
        JobState::Quarantined => "warn",
    }
}

/// A job's state; inside of `data-job` it follows the job.
pub fn job_state(state: JobState) -> Markup {
    html! { span class={ "badge " (tone_of(state)) } data-job-state=(state) { (state) } }
}

/// How far a running job is; inside of `data-job` it follows the job. Empty for a job that does not run.
pub fn job_progress(job: &Job) -> Markup {
    let runs = job.state == JobState::Running;
    let progress = job.progress.as_ref().filter(|_| runs);
    let done = progress.and_then(fraction);
    html! {
        span.progress data-job-progress="" hidden[!runs] {
            progress max="1" value=[done] aria-label={ "Progress of " (job.asset_name) } {}
            small data-job-stage="" { @if let Some(progress) = progress { (words(progress)) } }
        }
    }
}

/// From 0 to 1, when it is known.
fn fraction(progress: &JobProgress) -> Option<f64> {
    let moves = matches!(progress.stage, Some(Stage::Downloading | Stage::Uploading));
    match (progress.bytes, progress.total_bytes) {
        (Some(bytes), Some(total)) if moves && total > 0 => Some(bytes as f64 / total as f64),
        _ if progress.steps > 0 => Some(f64::from(progress.step) / f64::from(progress.steps)),
        _ => None,
    }
}

/// The same as `words` of `live.js`, for the time before the first event.
fn words(progress: &JobProgress) -> String {
    let what = match progress.stage {
        Some(Stage::Queued) => "waits for the engine".to_owned(),
        Some(Stage::Downloading) => "downloads".to_owned(),
        Some(Stage::Loading) => "loads the model".to_owned(),
        Some(Stage::Uploading) => "uploads".to_owned(),
        Some(Stage::Running) | None if progress.steps > 0 => {
            format!("step {} of {}", progress.step, progress.steps)
        }
        Some(Stage::Running) | None => "runs".to_owned(),
    };
    match progress.eta_ms {
        Some(eta) => format!("{what}, {} left", duration_ms(eta)),
        None => what,
    }
}

/// `5 min ago`, with the exact time behind it; `times.js` keeps it fresh.
pub fn time(now: Timestamp, at: Timestamp) -> Markup {
    let exact = at.to_string();
    html! { time datetime=(exact) title=(readable(&exact)) data-ago="" { (ago(now, at)) } }
}

fn readable(exact: &str) -> String {
    exact.get(..19).map_or_else(|| exact.to_owned(), |text| format!("{} UTC", text.replace('T', " ")))
}

fn ago(now: Timestamp, at: Timestamp) -> String {
    let ms = now.as_millis() - at.as_millis();
    let (ahead, ms) = (ms < 0, ms.abs());
    if ms < 5 * SECOND && !ahead {
        return "now".to_owned();
    }
    let text = match ms {
        ..MINUTE => format!("{} s", ms / SECOND),
        MINUTE..HOUR => format!("{} min", ms / MINUTE),
        HOUR..DAY => format!("{} h", ms / HOUR),
        _ => format!("{} d", ms / DAY),
    };
    if ahead { format!("in {text}") } else { format!("{text} ago") }
}

/// `1 h 5 min`, `12.5 s`, `80 ms`.
pub fn duration_ms(ms: u64) -> String {
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{:.1} s", ms as f64 / 1_000.0),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `1.5 GB`.
pub fn bytes(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut value = bytes as f64 / 1_000.0;
    let mut unit = UNITS[0];
    for next in &UNITS[1..] {
        if value < 999.5 {
            break;
        }
        value /= 1_000.0;
        unit = next;
    }
    if value < 10.0 { format!("{value:.1} {unit}") } else { format!("{value:.0} {unit}") }
}

/// `24 GiB`, `0.5 GiB`.
pub fn gib(value: f64) -> String {
    let rounded = (value * 10.0).round() / 10.0;
    format!("{rounded} GiB")
}

/// `50 000`, with thin spaces.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// What a job of this kind makes, in a word.
pub fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Image => "image",
        TaskKind::Llm => "text",
        TaskKind::AudioStt => "transcript",
        TaskKind::AudioTts => "speech",
        TaskKind::Video => "video",
        TaskKind::Mesh => "mesh",
    }
}

/// A bar that says how full something is, coloured from `high` (a part of 1) on.
pub fn meter(label: &str, used: f64, total: f64, high: f64, words: &str) -> Markup {
    let part = if total > 0.0 { (used / total).clamp(0.0, 1.0) } else { 0.0 };
    html! {
        span.meter {
            meter aria-label=(label) min="0" max="1" low=(high) high=(high) optimum="0" value={ (format!("{part:.4}")) } { (words) }
            small { (words) }
        }
    }
}

/// `part` of `whole` in percent.
pub fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 { "0 %".to_owned() } else { format!("{} %", (part as f64 * 100.0 / whole as f64).floor()) }
}

/// `text` as one segment of a path, or one value of a query.
pub fn segment(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing into a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// `text` as a part of an `id`, which may hold no spaces; different texts stay different.
pub fn dom_id(text: &str) -> String {
    segment(text).replace('_', "%5F").replace('~', "%7E").replace('.', "%2E").replace('%', "_")
}

/// What stands where a list has nothing.
pub fn empty(title: &str, more: &Markup) -> Markup {
    html! { div.empty { p.empty-title { (title) } (more) } }
}

/// Where the list goes on, when it does; `href` keeps the filters.
pub fn more(href: Option<&str>) -> Markup {
    html! {
        @if let Some(href) = href {
            nav.pager aria-label="Pages" { a.button href=(href) rel="next" { "Older" } }
        }
    }
}

/// Links between pages that belong together; `current` is an address.
pub fn tabs(label: &str, links: &[(&str, &str)], current: &str) -> Markup {
    html! {
        nav.tabs aria-label=(label) {
            ul {
                @for (name, href) in links {
                    li { a href=(href) aria-current=[(*href == current).then_some("page")] { (name) } }
                }
            }
        }
    }
}

/// A text with a button that copies it.
pub fn copy(id: &str, text: &str) -> Markup {
    html! {
        div.copy {
            code #(id) tabindex="0" { (text) }
            button.small type="button" data-copy={ "#" (id) } { (icon(Icon::Copy)) "Copy" }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        let now = Timestamp::from_millis(10 * DAY);
        let said = |ms| ago(now, now.plus_millis(ms));
        assert_eq!(said(0), "now");
        assert_eq!(said(-59 * SECOND), "59 s ago");
        assert_eq!(said(-61 * MINUTE), "1 h ago");
        assert_eq!(said(-3 * DAY), "3 d ago");
        assert_eq!(said(15 * MINUTE), "in 15 min");
        assert_eq!(readable("2026-05-25T12:00:00.000Z"), "2026-05-25 12:00:00 UTC");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(
            [bytes(0), bytes(999), bytes(1_500), bytes(999_600), bytes(19_000_000)],
            ["0 B", "999 B", "1.5 kB", "1.0 MB", "19 MB"]
        );
        assert_eq!(
            [duration_ms(80), duration_ms(12_500), duration_ms(3_900_000)],
            ["80 ms", "12.5 s", "1 h 5 min"]
        );
        assert_eq!((gib(24.0), gib(0.52)), ("24 GiB".to_owned(), "0.5 GiB".to_owned()));
        assert_eq!(count(50_000), "50\u{202f}000");
        assert_eq!((ratio(1, 3), ratio(0, 0)), ("33 %".to_owned(), "0 %".to_owned()));
    }

    #[test]
    fn progress_is_told_by_what_happens() {
        let running = JobProgress {
            step: 5,
            steps: 20,
            eta_ms: Some(3_000),
            stage: Some(Stage::Running),
            bytes: None,
            total_bytes: None,
        };
        assert_eq!((fraction(&running), words(&running).as_str()), (Some(0.25), "step 5 of 20, 3.0 s left"));
        let downloading = JobProgress {
            stage: Some(Stage::Downloading),
            bytes: Some(1),
            total_bytes: Some(2),
            ..running.clone()
        };
        assert_eq!(fraction(&downloading), Some(0.5));
        let unknown = JobProgress { steps: 0, eta_ms: None, stage: None, ..running };
        assert_eq!((fraction(&unknown), words(&unknown).as_str()), (None, "runs"));
    }
}
