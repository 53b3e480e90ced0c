//! HTTP to the studio.

use std::sync::OnceLock;
use std::time::Duration;

use studio_protocol::{CONNECT_LIMIT, MAX_QUOTED_BODY_CHARS};
pub use studio_runtime::told;

/// What a studio is told of this program.
pub const USER_AGENT: &str = concat!("studio-worker/", env!("CARGO_PKG_VERSION"));

/// An upload's connection is kept for the next one; the studio is one host.
const IDLE_CONNECTIONS: usize = 2;
/// Jobs come at any time, an idle connection costs little.
const IDLE_LIMIT: Duration = Duration::from_mins(1);

/// A client that is built when it is first needed: an idle worker needs none.
#[derive(Debug, Default)]
pub struct Http {
    client: OnceLock<reqwest::Client>,
}

impl Http {
    /// The client; certificates are loaded for `tls` only.
    pub fn client(&self, tls: bool) -> reqwest::Result<&reqwest::Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        studio_runtime::install_crypto();
        let builder = reqwest::Client::builder()
            .user_agent(USER_AGENT)
            .connect_timeout(CONNECT_LIMIT)
            .pool_max_idle_per_host(IDLE_CONNECTIONS)
            .pool_idle_timeout(IDLE_LIMIT)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy();
        // Without TLS the platform's roots would be read for nothing.
        let builder = if tls { builder } else { builder.tls_certs_only([]) };
        let client = builder.build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

/// The first characters of a body, on one line.
pub fn quoted(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line: String = text.trim().chars().take(MAX_QUOTED_BODY_CHARS).collect();
    line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The body of an answer as far as it is quoted.
pub async fn quoted_body(mut response: reqwest::Response) -> String {
    let mut body = Vec::new();
    // Four bytes a character at most.
    while body.len() < MAX_QUOTED_BODY_CHARS * 4 {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    quoted(&body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_are_short_and_on_one_line() {
        assert_eq!(quoted(b" a\nb\x1b[31m "), "a b [31m");
        assert_eq!(quoted("ä".repeat(1000).as_bytes()).chars().count(), MAX_QUOTED_BODY_CHARS);
    }
}
