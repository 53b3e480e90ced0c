//! Whether the studio answers, and whether its clock agrees with ours.

use std::time::Duration;

use studio_protocol::Timestamp;

use super::Finding;
use crate::config::Config;
use crate::http::{Http, told};

/// An answer that takes longer is no answer.
const LIMIT: Duration = Duration::from_secs(10);
/// Tokens do not depend on the clock, log times and TLS certificates do.
const CLOCK_SKEW: Duration = Duration::from_mins(2);

pub(super) async fn reachable(config: &Config) -> Vec<Finding> {
    let url = format!("{}/healthz", config.studio.root());
    let mut findings = Vec::new();
    if config.studio.is_plain_remote() {
        let what = format!("`{}` is not encrypted: use https", config.api_base_url);
        findings.push(Finding::warn("studio", what));
    }
    let http = Http::default();
    let client = match http.client(url.starts_with("https://")) {
        Ok(client) => client,
        Err(error) => {
            findings.push(Finding::error("studio", format!("could not set up TLS: {}", told(&error))));
            return findings;
        }
    };
    match client.get(&url).timeout(LIMIT).send().await {
        Ok(response) => {
            let status = response.status();
            let what = format!("{} answers ({status})", config.studio.root());
            findings.push(if status.is_server_error() {
                Finding::warn("studio", what)
            } else {
                Finding::ok("studio", what)
            });
            findings.extend(clock(response.headers().get("date").and_then(|date| date.to_str().ok())));
        }
        Err(error) => findings.push(Finding::error(
            "studio",
            format!("{}; is it running, and is api_base_url `{}` right?", told(&error), config.api_base_url),
        )),
    }
    findings
}

fn clock(date: Option<&str>) -> Option<Finding> {
    let theirs = jiff::fmt::rfc2822::parse(date?).ok()?.timestamp().as_millisecond();
    let apart = Duration::from_millis(Timestamp::now().as_millis().abs_diff(theirs));
    Some(if apart > CLOCK_SKEW {
        Finding::warn(
            "clock",
            format!("{} s apart from the studio's: set this machine's clock", apart.as_secs()),
        )
    } else {
        Finding::ok("clock", "agrees with the studio's")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[test]
    fn a_clock_that_is_off_is_told() {
        let now = jiff::Zoned::now().with_time_zone(jiff::tz::TimeZone::UTC);
        let date = |zoned: &jiff::Zoned| zoned.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
        assert_eq!(clock(Some(&date(&now))).unwrap().verdict, Verdict::Ok);
        let yesterday = now.checked_sub(jiff::SignedDuration::from_hours(24)).unwrap();
        assert_eq!(clock(Some(&date(&yesterday))).unwrap().verdict, Verdict::Warn);
        assert_eq!(clock(Some("soon")), None);
        assert_eq!(clock(None), None);
    }
}
