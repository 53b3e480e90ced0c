//! The feed itself: fetched within limits, and read.

use std::net::IpAddr;
use std::time::Duration;

use reqwest::{Url, redirect};
use semver::Version;
use serde::Deserialize;

use crate::http::{USER_AGENT, quoted_body, told};

/// Hundreds of releases with their assets fit.
const MAX_FEED_BYTES: usize = 1024 * 1024;
/// A feed is a small file.
const FEED_LIMIT: Duration = Duration::from_secs(8);
/// Hosts of releases redirect once or twice.
const MAX_REDIRECTS: usize = 5;
/// Of the form that is read here.
const SCHEMA: u32 = 1;

#[derive(Debug, Deserialize)]
struct Feed {
    schema: u32,
    #[serde(default)]
    releases: Vec<Release>,
}

#[derive(Debug, Deserialize)]
struct Release {
    version: String,
}

/// The newest release of the feed that is no preview of one.
pub(super) async fn newest(url: &str) -> Result<Option<Version>, String> {
    let url: Url = url.parse().map_err(|error| format!("`{url}` is no address: {error}"))?;
    if !is_safe(&url) {
        return Err(format!("`{url}` is not https"));
    }
    read(&fetch(url).await?)
}

/// Whoever could change the feed on its way could hold updates back.
fn is_safe(url: &Url) -> bool {
    let is_loopback = || {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback())
}

async fn fetch(url: Url) -> Result<Vec<u8>, String> {
    studio_runtime::install_crypto();
    let follow = redirect::Policy::custom(|attempt| {
        if attempt.previous().len() > MAX_REDIRECTS {
            return attempt.error("it redirects too often");
        }
        if is_safe(attempt.url()) {
            attempt.follow()
        } else {
            attempt.error("it redirects to what is not https")
        }
    });
    let builder =
        reqwest::Client::builder().user_agent(USER_AGENT).timeout(FEED_LIMIT).redirect(follow).no_proxy();
    let builder = if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) };
    let client = builder.build().map_err(|error| told(&error))?;
    let mut answer = client.get(url).send().await.map_err(|error| told(&error))?;
    let status = answer.status();
    if !status.is_success() {
        return Err(format!("it answers {status}: {}", quoted_body(answer).await));
    }
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(|error| told(&error))? {
        body.extend_from_slice(&piece);
        if body.len() > MAX_FEED_BYTES {
            return Err(format!("it is larger than {} MiB", MAX_FEED_BYTES / 1024 / 1024));
        }
    }
    Ok(body)
}

fn read(body: &[u8]) -> Result<Option<Version>, String> {
    let feed: Feed = serde_json::from_slice(body).map_err(|error| format!("it is no feed: {error}"))?;
    if feed.schema != SCHEMA {
        return Err(format!("it has schema {}, this version reads {SCHEMA}", feed.schema));
    }
    let versions = feed.releases.iter().filter_map(|release| {
        let text = release.version.strip_prefix('v').unwrap_or(&release.version);
        Version::parse(text).ok().filter(|version| version.pre.is_empty())
    });
    Ok(versions.max())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_release_counts_and_previews_do_not() {
        let feed = br#"{"schema":1,"releases":[{"version":"v0.9.0"},{"version":"0.10.1","assets":[]},
            {"version":"0.11.0-rc.1"},{"version":"soon"}],"more":true}"#;
        assert_eq!(read(feed).unwrap(), Some(Version::new(0, 10, 1)));
        assert_eq!(read(br#"{"schema":1}"#).unwrap(), None);
        for wrong in [&b"<html>"[..], br#"{"schema":2,"releases":[]}"#, b"{}"] {
            assert!(read(wrong).is_err());
        }
    }

    #[test]
    fn only_addresses_that_nobody_can_change_are_asked() {
        for (url, safe) in [
            ("https://h/f", true),
            ("http://127.0.0.1:1/f", true),
            ("http://[::1]/f", true),
            ("http://localhost/f", true),
            ("http://h/f", false),
            ("http://127.0.0.1.example/f", false),
            ("file:///f", false),
        ] {
            assert_eq!(is_safe(&url.parse().unwrap()), safe, "{url}");
        }
    }
}
