//! Subtitles: SubRip and WebVTT.

use std::fmt::Write;

/// A line and when it is heard, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cue {
    pub start: f64,
    pub end: f64,
    pub text: String,
}

/// `.srt`
pub(super) fn srt(cues: &[Cue]) -> String {
    let mut text = String::new();
    for (number, cue) in (1..).zip(cues) {
        let (start, end) = (time(cue.start, ','), time(cue.end.max(cue.start), ','));
        let _ = write!(text, "{number}\n{start} --> {end}\n{}\n\n", one_line(&cue.text));
    }
    text
}

/// `.vtt`
pub(super) fn vtt(cues: &[Cue]) -> String {
    let mut text = "WEBVTT\n\n".to_owned();
    for cue in cues {
        let (start, end) = (time(cue.start, '.'), time(cue.end.max(cue.start), '.'));
        // What begins a tag or an entity would vanish.
        let line = one_line(&cue.text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let _ = write!(text, "{start} --> {end}\n{line}\n\n");
    }
    text
}

/// `HH:MM:SS` and milliseconds.
fn time(seconds: f64, point: char) -> String {
    let all = (seconds.max(0.0) * 1_000.0).round() as u64;
    let (hours, minutes, seconds, millis) =
        (all / 3_600_000, all / 60_000 % 60, all / 1_000 % 60, all % 1_000);
    format!("{hours:02}:{minutes:02}:{seconds:02}{point}{millis:03}")
}

/// An empty line would end a cue, and an arrow begin another.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace("-->", "->")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cues() -> Vec<Cue> {
        let cue = |start, end, text: &str| Cue { start, end, text: text.to_owned() };
        vec![cue(0.0, 1.5, " Hello\n\nthere. "), cue(3_661.000_5, 3_599.0, "a --> b & <c>")]
    }

    #[test]
    fn subrip_counts_from_one() {
        assert_eq!(
            srt(&cues()),
            "1\n00:00:00,000 --> 00:00:01,500\nHello there.\n\n\
             2\n01:01:01,001 --> 01:01:01,001\na -> b & <c>\n\n"
        );
        assert_eq!(srt(&[]), "");
    }

    #[test]
    fn webvtt_hides_what_would_be_a_tag() {
        assert_eq!(
            vtt(&cues()),
            "WEBVTT\n\n00:00:00.000 --> 00:00:01.500\nHello there.\n\n\
             01:01:01.001 --> 01:01:01.001\na -&gt; b &amp; &lt;c&gt;\n\n"
        );
        assert_eq!(vtt(&[]), "WEBVTT\n\n");
    }
}
