//! Whether an answer is the rest of the file, all of it, or something else.

use reqwest::StatusCode;
use reqwest::header::{
    CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderName, LAST_MODIFIED,
    TRANSFER_ENCODING,
};

use super::part::Facts;
use crate::FetchError;
use crate::web::{Answer, Web};

/// What a usable answer carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Bytes: of the whole file, or of the rest.
    Bytes {
        whole: bool,
        /// Of the whole file.
        length: Option<u64>,
        /// A cut would be seen.
        framed: bool,
    },
    /// We have it all already.
    NothingLeft,
}

/// Why an answer cannot be used.
#[derive(Debug)]
pub(super) enum Bad {
    /// The status says it.
    Refused(FetchError),
    /// It does not fit to the bytes that are there.
    OtherVersion(String),
    /// It is no file.
    Nonsense(String),
}

/// Reads status and headers; `from` is what was asked for, `old` what is known of the bytes from the same address.
pub(super) fn shape_of(
    answer: &Answer,
    web: &Web,
    from: Option<u64>,
    old: Option<&Facts>,
) -> Result<Shape, Bad> {
    let response = &answer.response;
    if let Some(coding) = header(answer, CONTENT_ENCODING).filter(|coding| *coding != "identity") {
        return Err(Bad::Nonsense(format!(
            "it sends the coding `{}`, which nobody asked for",
            coding.escape_debug()
        )));
    }
    match (response.status(), from) {
        (StatusCode::OK, _) => {
            let length = header(answer, CONTENT_LENGTH).and_then(|text| text.parse().ok());
            Ok(Shape::Bytes { whole: true, length, framed: is_framed(answer) })
        }
        (StatusCode::PARTIAL_CONTENT, Some(from)) => rest(answer, from, old),
        (StatusCode::RANGE_NOT_SATISFIABLE, Some(from)) => {
            let total =
                header(answer, CONTENT_RANGE).and_then(|text| text.strip_prefix("bytes */")?.parse().ok());
            if total == Some(from) && !is_changed(answer, old) {
                return Ok(Shape::NothingLeft);
            }
            Err(Bad::OtherVersion(format!("it has no bytes from {from} on")))
        }
        (StatusCode::PARTIAL_CONTENT, None) => {
            Err(Bad::Nonsense("it sends a part of the file only".to_owned()))
        }
        (status, _) => Err(match answer.refusal(web) {
            Some(error) => Bad::Refused(error),
            None => Bad::Nonsense(format!("it answers {}", status.as_u16())),
        }),
    }
}

fn rest(answer: &Answer, from: u64, old: Option<&Facts>) -> Result<Shape, Bad> {
    let Some(range) = header(answer, CONTENT_RANGE).and_then(Range::parse) else {
        return Err(Bad::OtherVersion("it sends a part without saying which".to_owned()));
    };
    if range.first != from {
        return Err(Bad::OtherVersion(format!(
            "it sends the bytes from {} on, not from {from}",
            range.first
        )));
    }
    if is_changed(answer, old) {
        return Err(Bad::OtherVersion("the file has changed".to_owned()));
    }
    // A server may send less than the rest, so that only the total tells the length.
    let known = old.and_then(|old| old.length);
    match (range.total, known) {
        (Some(total), Some(known)) if total != known => {
            Err(Bad::OtherVersion(format!("the file had {known} bytes and has {total} now")))
        }
        (None, None) => Err(Bad::OtherVersion("it sends a part without saying of how many bytes".to_owned())),
        (total, known) => Ok(Shape::Bytes { whole: false, length: total.or(known), framed: true }),
    }
}

/// Whether the answer names another version than the one that is there.
fn is_changed(answer: &Answer, old: Option<&Facts>) -> bool {
    let Some(old) = old else { return false };
    let differs = |name: HeaderName, old: Option<&str>| match (header(answer, name), old) {
        (Some(new), Some(old)) => new != old,
        _ => false,
    };
    differs(ETAG, old.etag.as_deref())
        || (old.etag.is_none() && differs(LAST_MODIFIED, old.last_modified.as_deref()))
}

/// What an answer says of the version that it carries.
pub(super) fn facts_of(answer: &Answer, sha256: Option<String>) -> Facts {
    Facts {
        url: String::new(),
        etag: header(answer, ETAG).map(str::to_owned),
        last_modified: header(answer, LAST_MODIFIED).map(str::to_owned),
        sha256,
        length: None,
    }
}

/// Whether it is something for a browser: hosts like to explain themselves with status 200.
pub(super) fn is_page(answer: &Answer) -> bool {
    header(answer, CONTENT_TYPE).is_some_and(|kind| kind.to_ascii_lowercase().starts_with("text/html"))
}

fn is_framed(answer: &Answer) -> bool {
    header(answer, CONTENT_LENGTH).is_some() || header(answer, TRANSFER_ENCODING).is_some()
}

fn header(answer: &Answer, name: HeaderName) -> Option<&str> {
    Some(answer.response.headers().get(name)?.to_str().ok()?.trim())
}

/// `bytes 5-9/10`
#[derive(Debug, PartialEq, Eq)]
struct Range {
    first: u64,
    last: u64,
    total: Option<u64>,
}

impl Range {
    fn parse(text: &str) -> Option<Self> {
        let (range, total) = text.strip_prefix("bytes ")?.trim().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last): (u64, u64) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        (first <= last && last < u64::MAX && total.is_none_or(|total| last < total)).then_some(Self {
            first,
            last,
            total,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_strictly() {
        let range = |first, last, total| Some(Range { first, last, total });
        assert_eq!(Range::parse("bytes 5-9/10"), range(5, 9, Some(10)));
        assert_eq!(Range::parse("bytes 5-9/*"), range(5, 9, None));
        for bad in
            ["", "bytes 9-5/10", "bytes 5-10/10", "bytes -9/10", "items 0-1/2", "bytes */10", "bytes 1-2"]
        {
            assert_eq!(Range::parse(bad), None, "{bad}");
        }
    }
}
