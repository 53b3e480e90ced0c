//! `hf:owner/repo[@revision][:file]`: files of a hub that speaks like Hugging Face, with their sizes and hashes.

use std::time::Duration;

use anyhow::Context;
use model_store::hub::{self, HubModel, RemoteFile};
use model_store::{Web, WebSettings};
use reqwest::{Client, header};

use model_store::parts::HEAD_BYTES;

/// How an address of the hub begins.
pub const PREFIX: &str = "hf:";
/// TCP and TLS.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// Silence within an answer.
const READ_LIMIT: Duration = Duration::from_secs(30);

/// The hub, or the mirror that `HF_ENDPOINT` names.
pub struct Hub {
    web: Web,
    http: Client,
    endpoint: String,
}

impl Hub {
    /// Nothing is asked yet.
    pub fn new() -> anyhow::Result<Self> {
        let endpoint = std::env::var("HF_ENDPOINT").ok().filter(|endpoint| !endpoint.is_empty());
        let user_agent = concat!("studio-cli/", env!("CARGO_PKG_VERSION"));
        let http = Client::builder()
            .connect_timeout(CONNECT_LIMIT)
            .read_timeout(READ_LIMIT)
            .user_agent(user_agent)
            .build()?;
        let web = Web::new(WebSettings { user_agent: Some(user_agent.to_owned()), ..WebSettings::default() });
        Ok(Self { web, http, endpoint: endpoint.unwrap_or_else(|| hub::HUGGING_FACE.to_owned()) })
    }

    /// The files that a name stands for.
    pub async fn files(&self, name: &HubModel) -> anyhow::Result<Vec<RemoteFile>> {
        let all = hub::list(&self.web, &self.endpoint, name).await?;
        let chosen =
            hub::choose(&all, name.file.as_deref()).with_context(|| format!("{PREFIX}{}", name.repo))?;
        Ok(chosen.into_iter().cloned().collect())
    }

    /// The first bytes of a file.
    pub async fn head(&self, file: &RemoteFile) -> anyhow::Result<Vec<u8>> {
        let failed = || format!("could not read the beginning of {}", file.url);
        let range = format!("bytes=0-{}", HEAD_BYTES - 1);
        let answer =
            self.http.get(&file.url).header(header::RANGE, range).send().await.with_context(failed)?;
        let mut answer = answer.error_for_status().with_context(failed)?;
        let mut head = Vec::new();
        while let Some(chunk) = answer.chunk().await.with_context(failed)? {
            head.extend_from_slice(&chunk);
            if head.len() as u64 >= HEAD_BYTES {
                break; // A server that takes no ranges would send all of it.
            }
        }
        Ok(head)
    }
}
