//! What an answer that is not the file means.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{StatusCode, Url};

use super::{Answer, Web};
use crate::FetchError;

/// Hosts that speak like Hugging Face, besides those whose paths look like its.
const HUBS: [&str; 2] = ["huggingface.co", "hf.co"];

impl Answer {
    /// The error that a status stands for; `None` for success.
    pub(crate) fn refusal(&self, web: &Web) -> Option<FetchError> {
        let status = self.response.status();
        let (url, code) = (self.asked.clone(), status.as_u16());
        if status.is_success() {
            return None;
        }
        Some(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => self.locked(web),
            StatusCode::NOT_FOUND | StatusCode::GONE => FetchError::NotThere(url),
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                FetchError::Busy { url, status: code, after: retry_after(self.response.headers()) }
            }
            status if status.is_server_error() => {
                FetchError::Busy { url, status: code, after: retry_after(self.response.headers()) }
            }
            _ => FetchError::Status { url, status: code },
        })
    }

    fn locked(&self, web: &Web) -> FetchError {
        let tokens = web.tokens_place();
        match hub_page(&self.first) {
            Some(page) => FetchError::Gated { page, tokens, sent: self.sent_token },
            None => FetchError::Forbidden {
                url: self.asked.clone(),
                status: self.response.status().as_u16(),
                host: self.first.host_str().unwrap_or_default().to_owned(),
                tokens,
            },
        }
    }
}

/// The page of the repository that an address of a hub belongs to.
fn hub_page(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    let mut path = url.path_segments()?;
    let (owner, repo, verb) = match (path.next()?, path.next()?, path.next()) {
        ("api", "models", Some(owner)) => (owner, path.next()?, None),
        (owner, repo, verb) => (owner, repo, verb),
    };
    let is_hub = HUBS.iter().any(|hub| host == *hub || host.ends_with(&format!(".{hub}")));
    let looks_like_one =
        matches!(verb, Some("resolve" | "raw" | "blob")) || url.path().starts_with("/api/models/");
    (is_hub || looks_like_one).then(|| format!("{}/{owner}/{repo}", url.origin().ascii_serialization()))
}

/// `Retry-After`, in seconds or as a date.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = rfc2822::parse(text).ok()?.timestamp();
    let wait = date.as_millisecond() - Timestamp::now().as_millisecond();
    Some(Duration::from_millis(u64::try_from(wait).unwrap_or(0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_of_a_repository_is_found() {
        let page = |url: &str| hub_page(&Url::parse(url).unwrap());
        let expected = Some("https://huggingface.co/o/r".to_owned());
        assert_eq!(page("https://huggingface.co/o/r/resolve/main/x.gguf"), expected);
        assert_eq!(page("https://huggingface.co/api/models/o/r/tree/main"), expected);
        assert_eq!(
            page("https://mirror.example/o/r/resolve/main/x").as_deref(),
            Some("https://mirror.example/o/r")
        );
        assert_eq!(page("https://files.example/a/b/c.gguf"), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let after = |text: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            retry_after(&headers)
        };
        assert_eq!(after("7"), Some(Duration::from_secs(7)));
        assert_eq!(after("Sun, 06 Nov 1994 08:49:37 GMT"), Some(Duration::ZERO));
        assert!(after("Fri, 31 Dec 2100 23:59:59 GMT").unwrap() > Duration::from_hours(1));
        assert_eq!(after("soon"), None);
    }
}
