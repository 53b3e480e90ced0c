//! One try of a delivery, and what follows from its outcome.

use std::time::Duration;

use futures_util::StreamExt;
use model_store::Callers;
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use studio_protocol::Timestamp;
use studio_runtime::told;
use studio_store::{DueDelivery, Tried};

use super::sign::signature;

/// What is read of an answer, and thrown away, so that the connection can be used again. It is neither shown nor kept:
/// a webhook is no way to read what answers inside of the network.
const MAX_ANSWER_BYTES: usize = 64 * 1024;
/// A receiver that asks for more patience than this gets this.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(24);
/// Waits are up to this much longer than stated, so that what failed together does not come back together.
const JITTER: f64 = 0.2;

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    status: u16,
    retry_after: Option<Duration>,
}

/// Posts a delivery; the error says why there was no answer.
pub async fn send(
    callers: &Callers,
    key: &[u8; 32],
    delivery: &DueDelivery,
    now: Timestamp,
) -> Result<Answer, String> {
    // Checked again: what is allowed may have changed since the webhook was made.
    let url = callers.check(&delivery.url)?;
    let seconds = now.as_millis() / 1000;
    let response = callers
        .client(&url)
        .post(url)
        .header(CONTENT_TYPE, "application/json")
        .header("webhook-id", &delivery.id)
        .header("webhook-timestamp", seconds)
        .header("webhook-signature", signature(key, &delivery.id, seconds, &delivery.payload))
        .body(delivery.payload.clone())
        .send()
        .await
        .map_err(|error| told(&error.without_url()))?;
    let answer = Answer { status: response.status().as_u16(), retry_after: retry_after(response.headers()) };
    let mut body = response.bytes_stream();
    let mut left = MAX_ANSWER_BYTES;
    // The answer counts, whatever becomes of its body.
    while let Some(Ok(piece)) = body.next().await {
        match left.checked_sub(piece.len()) {
            Some(less) => left = less,
            None => break,
        }
    }
    Ok(answer)
}

/// Seconds; the other form, a date, is not worth a parser: the usual wait does.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(MAX_RETRY_AFTER))
}

/// What is to be noted of a try that followed `attempts` others.
pub fn judge(outcome: Result<Answer, String>, attempts: u32, delays: &[Duration], now: Timestamp) -> Tried {
    let (status, asked, error) = match outcome {
        Ok(Answer { status, .. }) if (200..300).contains(&status) => {
            return Tried { status: Some(status), error: None, next_at: None, disable: false };
        }
        Ok(Answer { status, retry_after }) => (Some(status), retry_after, refusal(status)),
        Err(why) => (None, None, why),
    };
    let gone = status == Some(StatusCode::GONE.as_u16());
    let next_at = delays.get(attempts as usize).filter(|_| !gone).map(|wait| {
        let wait = wait.mul_f64(1.0 + rand::random::<f64>() * JITTER).max(asked.unwrap_or_default());
        now.plus_millis(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
    });
    Tried { status, error: Some(error), next_at, disable: gone }
}

fn refusal(status: u16) -> String {
    match status {
        300..400 => format!("it answered {status}: redirects are not followed, name the address itself"),
        410 => "it answered 410, which says that it wants no more".to_owned(),
        _ => format!("it answered {status}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::webhooks::DELAYS;

    fn epoch() -> Timestamp {
        Timestamp::from_millis(0)
    }

    fn answered(status: u16, retry_after: Option<u64>, attempts: u32) -> Tried {
        let answer = Answer { status, retry_after: retry_after.map(Duration::from_secs) };
        judge(Ok(answer), attempts, &DELAYS, epoch())
    }

    fn wait(tried: &Tried) -> Option<i64> {
        tried.next_at.map(|next| next.as_millis() / 1000)
    }

    #[test]
    fn eight_tries_over_about_a_day() {
        let mut waited = 0;
        for (attempts, delay) in DELAYS.iter().enumerate() {
            let tried = judge(Err("refused".to_owned()), attempts as u32, &DELAYS, epoch());
            let wait = wait(&tried).unwrap();
            let least = delay.as_secs().cast_signed();
            assert!((least..=least * 6 / 5).contains(&wait), "{attempts}: {wait}");
            waited += wait;
        }
        assert!((24..32).contains(&(waited / 3600)), "{waited} s");
        let last = judge(Err("refused".to_owned()), 7, &DELAYS, epoch());
        assert_eq!((last.next_at, last.error.as_deref()), (None, Some("refused")));
    }

    #[test]
    fn only_success_is_success() {
        for status in [200, 201, 204, 299] {
            assert_eq!(answered(status, None, 0).error, None, "{status}");
        }
        for status in [100, 301, 302, 307, 400, 401, 404, 429, 500, 503] {
            let tried = answered(status, None, 0);
            assert!(tried.error.is_some() && tried.next_at.is_some() && !tried.disable, "{status}");
            assert_eq!(tried.status, Some(status));
        }
        let gone = answered(410, Some(5), 0);
        assert!(gone.disable && gone.next_at.is_none() && gone.error.is_some());
    }

    #[test]
    fn a_receiver_that_asks_for_patience_gets_it() {
        assert_eq!(wait(&answered(503, Some(3_600), 0)), Some(3_600));
        assert!(wait(&answered(429, Some(1), 1)).unwrap() >= 300, "no sooner than it would come anyway");
        let mut headers = HeaderMap::new();
        assert_eq!(retry_after(&headers), None);
        for (text, expected) in [("7", Some(7)), ("-1", None), ("soon", None), ("99999999999", Some(86_400))]
        {
            headers.insert(RETRY_AFTER, text.parse().unwrap());
            assert_eq!(retry_after(&headers), expected.map(Duration::from_secs), "{text}");
        }
    }
}
