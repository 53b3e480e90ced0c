//! Which bytes of an artefact a request asks for (RFC 9110, sections 13 and 14).

use std::ops::Range;

use axum::http::{HeaderMap, header};

/// What is to be answered.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// 200.
    All,
    /// 206.
    Part(Range<u64>),
    /// 304: the client has these bytes.
    Nothing,
    /// 416: the range lies outside.
    Outside,
}

/// Reads `If-None-Match`, `If-Range` and `Range`.
pub fn wanted(headers: &HeaderMap, etag: &str, length: u64) -> Wanted {
    if text(headers, &header::IF_NONE_MATCH).is_some_and(|known| matches_any(known, etag)) {
        return Wanted::Nothing;
    }
    // A range of other bytes than the client has would be joined to them: then it gets all.
    if text(headers, &header::IF_RANGE).is_some_and(|known| known.trim() != etag) {
        return Wanted::All;
    }
    match text(headers, &header::RANGE) {
        Some(range) => part(range, length),
        None => Wanted::All,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn matches_any(known: &str, etag: &str) -> bool {
    known.split(',').map(str::trim).any(|one| one == "*" || one.strip_prefix("W/").unwrap_or(one) == etag)
}

/// Several ranges at once, other units and nonsense are answered with everything, as the RFC allows.
fn part(range: &str, length: u64) -> Wanted {
    let Some((first, last)) = range.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'))
    else {
        return Wanted::All;
    };
    let range = match (number(first), number(last)) {
        (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(length),
        (Some(first), None) if last.trim().is_empty() => first..length,
        (None, Some(tail)) if first.trim().is_empty() => length.saturating_sub(tail)..length,
        _ => return Wanted::All,
    };
    if range.start >= range.end { Wanted::Outside } else { Wanted::Part(range) }
}

/// `parse` alone would take `+1`.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_what_is_there() {
        for (range, wanted) in [
            ("bytes=0-3", Wanted::Part(0..4)),
            ("bytes=9-9", Wanted::Part(9..10)),
            ("bytes=4-", Wanted::Part(4..10)),
            ("bytes=-3", Wanted::Part(7..10)),
            ("bytes=-99", Wanted::Part(0..10)),
            ("bytes=5-99", Wanted::Part(5..10)),
            ("bytes=5-18446744073709551615", Wanted::Part(5..10)),
            ("bytes=10-", Wanted::Outside),
            ("bytes=10-20", Wanted::Outside),
            ("bytes=-0", Wanted::Outside),
            ("bytes=3-2", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("bytes=a-b", Wanted::All),
            ("bytes=-", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=99999999999999999999-", Wanted::All),
        ] {
            assert_eq!(part(range, 10), wanted, "{range}");
        }
        assert_eq!(part("bytes=0-", 0), Wanted::Outside);
    }

    #[test]
    fn what_the_client_has_is_not_sent_again() {
        let with = |name: header::HeaderName, value: &str, range: bool| {
            let mut headers = HeaderMap::new();
            headers.insert(name, value.parse().unwrap());
            if range {
                headers.insert(header::RANGE, "bytes=0-0".parse().unwrap());
            }
            wanted(&headers, "\"abc\"", 10)
        };
        assert_eq!(with(header::IF_NONE_MATCH, "\"abc\"", true), Wanted::Nothing);
        assert_eq!(with(header::IF_NONE_MATCH, "\"x\", W/\"abc\"", false), Wanted::Nothing);
        assert_eq!(with(header::IF_NONE_MATCH, "*", false), Wanted::Nothing);
        assert_eq!(with(header::IF_NONE_MATCH, "\"x\"", false), Wanted::All);
        assert_eq!(with(header::IF_RANGE, "\"abc\"", true), Wanted::Part(0..1));
        assert_eq!(with(header::IF_RANGE, "\"old\"", true), Wanted::All);
    }
}
