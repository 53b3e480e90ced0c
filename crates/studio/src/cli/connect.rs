//! Where the studio is and how to get in.

use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use studio_runtime::studio_data_dir;

use crate::client::Client;

/// Where a studio listens unless told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:4780";

/// Options of every command that speaks to a studio.
#[derive(Debug, Args)]
pub struct ConnectArgs {
    /// The studio's address [default: http://127.0.0.1:4780]
    #[arg(long, global = true, env = "STUDIO_URL", help_heading = "Studio")]
    url: Option<String>,
    /// API key; other users of this machine can see it on a command line, so a file is better
    #[arg(long, global = true, env = "STUDIO_API_KEY", hide_env_values = true, help_heading = "Studio")]
    api_key: Option<String>,
    /// File that holds the API key [default: admin.key in the data directory]
    #[arg(
        long,
        global = true,
        env = "STUDIO_API_KEY_FILE",
        conflicts_with = "api_key",
        help_heading = "Studio"
    )]
    api_key_file: Option<PathBuf>,
    /// Certificates to trust beside the system's, PEM
    #[arg(long, global = true, env = "STUDIO_CA_CERT", help_heading = "Studio")]
    ca_cert: Option<PathBuf>,
    /// The studio's data directory, for its admin key, backup, restore and doctor [default: the platform's data folder]
    #[arg(long, global = true, env = "STUDIO_DATA_DIR", help_heading = "Studio")]
    pub data_dir: Option<PathBuf>,
}

impl ConnectArgs {
    /// A client with the key that was found.
    pub fn client(&self) -> anyhow::Result<Client> {
        let key = self.key()?;
        Ok(Client::new(self.url(), Some(key), self.ca_cert.as_deref())?)
    }

    /// A client with the key that was found, or without one, and whether anybody said where the studio is.
    pub fn client_to_try(&self) -> anyhow::Result<(Client, bool)> {
        let client = Client::new(self.url(), self.key().ok(), self.ca_cert.as_deref())?;
        Ok((client, self.url.is_some()))
    }

    /// A client for another address, without a key.
    pub fn stranger(&self, url: &str) -> anyhow::Result<Client> {
        Ok(Client::new(url, None, self.ca_cert.as_deref())?)
    }

    fn url(&self) -> &str {
        self.url.as_deref().unwrap_or(DEFAULT_URL)
    }

    /// Where this machine's studio keeps its data.
    pub fn data_dir(&self) -> anyhow::Result<PathBuf> {
        match &self.data_dir {
            Some(folder) => Ok(folder.clone()),
            None => Ok(studio_data_dir()?),
        }
    }

    fn key(&self) -> anyhow::Result<String> {
        if let Some(key) = &self.api_key {
            return Ok(key.trim().to_owned());
        }
        let (path, stated) = match &self.api_key_file {
            Some(path) => (path.clone(), true),
            None => (self.data_dir()?.join("admin.key"), false),
        };
        let text = std::fs::read_to_string(&path).with_context(|| {
            let hint = if stated { "" } else { ": name a key with --api-key-file or STUDIO_API_KEY" };
            format!("could not read an API key from `{}`{hint}", path.display())
        })?;
        Ok(text.trim().to_owned())
    }
}
