//! The two requests of a registration (protocol section 2).

use std::time::Duration;

use sha2::{Digest, Sha256};
use studio_protocol::{
    ApiBase, Capabilities, MAX_REGISTRATION_BYTES, RegisterRequest, RegisterResponse, RegistrationStatus,
    RequestId,
};
use worker_core::{PollAnswer, PostAnswer, Secret};

use crate::http::{self, Http, USER_AGENT};

/// An answer takes a studio milliseconds; well below the tick of 30 s.
const ANSWER_LIMIT: Duration = Duration::from_secs(15);

/// Asks to join.
pub async fn ask(
    http: &Http,
    studio: &ApiBase,
    install_id: &str,
    secret: &Secret,
    capabilities: Capabilities,
    join_code: Option<&str>,
) -> PostAnswer {
    let request = RegisterRequest {
        install_id: install_id.to_owned(),
        registration_secret_hash: hash(secret),
        capabilities,
        user_agent: USER_AGENT.to_owned(),
        join_code: join_code.map(ToOwned::to_owned),
    };
    let url = studio.register_url();
    let answer = async {
        let client = http.client(is_tls(&url)).map_err(|error| http::told(&error))?;
        let sent = client.post(&url).timeout(ANSWER_LIMIT).json(&request).send().await;
        let response = sent.map_err(|error| http::told(&error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(format!("the studio answered {status}: {}", http::quoted_body(response).await));
        }
        let body: RegisterResponse = read_json(response).await?;
        Ok(body.request_id)
    };
    match answer.await {
        Ok(request_id) => PostAnswer::Taken(request_id),
        Err(reason) => PostAnswer::Failed(reason),
    }
}

/// Asks for the decision.
pub async fn poll(http: &Http, studio: &ApiBase, request: &RequestId, secret: &Secret) -> PollAnswer {
    let url = studio.registration_url(request);
    let answer = async {
        let client = http.client(is_tls(&url)).map_err(|error| http::told(&error))?;
        let sent = client.get(&url).bearer_auth(secret.reveal()).timeout(ANSWER_LIMIT).send().await;
        let response = sent.map_err(|error| http::told(&error))?;
        let status = response.status();
        if status == reqwest::StatusCode::NOT_FOUND {
            return Ok(PollAnswer::Unknown);
        }
        if !status.is_success() {
            return Err(format!("the studio answered {status}: {}", http::quoted_body(response).await));
        }
        let status: RegistrationStatus = read_json(response).await?;
        Ok(PollAnswer::Status(status))
    };
    answer.await.unwrap_or_else(PollAnswer::Failed)
}

async fn read_json<T: serde::de::DeserializeOwned>(mut response: reqwest::Response) -> Result<T, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| http::told(&error))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_REGISTRATION_BYTES {
            return Err("the studio's answer is too long".to_owned());
        }
    }
    serde_json::from_slice(&body).map_err(|error| format!("the studio's answer cannot be read: {error}"))
}

/// Lowercase hex SHA-256 of the secret's hex text.
fn hash(secret: &Secret) -> String {
    hex::encode(Sha256::digest(secret.reveal().as_bytes()))
}

pub(crate) fn is_tls(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("wss://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_hex_text() {
        let secret = Secret::new("00".repeat(32));
        assert_eq!(hash(&secret), "60e05bd1b195af2f94112fa7197a5c88289058840ce7c6df9693756bc6250f55");
    }
}
