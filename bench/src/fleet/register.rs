//! Registers a fleet as its workers would: by join codes.

use anyhow::{Context, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Value, json};
use studio_protocol::{API_PREFIX, Capabilities, REGISTRATIONS_PER_WINDOW};
use testkit::RawWorker;

use super::Identity;
use crate::programs::Studio;

/// Workers that one join code lets in at most.
const CODE_USES: usize = 1_000;
/// Registrations under way at a time: they share commits.
const AT_ONCE: usize = 32;

/// Registers `count` workers.
pub async fn all(
    studio: &Studio,
    capabilities: &Capabilities,
    count: usize,
) -> anyhow::Result<Vec<Identity>> {
    let api = studio.api()?;
    let mut codes = Vec::new();
    for from in (0..count).step_by(CODE_USES) {
        codes.push(api.join_code(u32::try_from(CODE_USES.min(count - from))?).await);
    }
    let client = reqwest::Client::new();
    let base = format!("{}{API_PREFIX}/workers", studio.url());
    stream::iter(0..count)
        .map(|number| one(&client, &base, capabilities, number, &codes[number / CODE_USES]))
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

async fn one(
    client: &reqwest::Client,
    base: &str,
    capabilities: &Capabilities,
    number: usize,
    code: &str,
) -> anyhow::Result<Identity> {
    let secret = RawWorker::secret();
    let mut body = RawWorker::registration_body(&secret, capabilities);
    body["joinCode"] = json!(code);
    // An address registers a few times a minute; a fleet has many addresses.
    let [_, a, b, c] = u32::try_from(number / REGISTRATIONS_PER_WINDOW)?.to_be_bytes();
    let request =
        client.post(format!("{base}/register-request")).header("X-Forwarded-For", format!("10.{a}.{b}.{c}"));
    let registered =
        answer(request.body(body.to_string()).header("Content-Type", "application/json")).await?;
    let request_id = text(&registered, "requestId")?;
    let poll = client.get(format!("{base}/register-requests/{request_id}")).bearer_auth(secret);
    let decided = answer(poll).await?;
    Ok(Identity { worker_id: text(&decided, "workerId")?, token: text(&decided, "authToken")? })
}

async fn answer(request: reqwest::RequestBuilder) -> anyhow::Result<Value> {
    let answer = request.send().await?;
    let status = answer.status();
    let body = answer.text().await?;
    if !status.is_success() {
        bail!("a registration was answered with {status}: {body}");
    }
    Ok(serde_json::from_str(&body)?)
}

fn text(body: &Value, key: &str) -> anyhow::Result<String> {
    Ok(body[key].as_str().with_context(|| format!("no `{key}` in {body}"))?.to_owned())
}
