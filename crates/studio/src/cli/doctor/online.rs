//! The studio that runs on the directory, as far as it can be reached.

use super::super::connect::ConnectArgs;
use super::findings::Findings;
use super::shown;
use crate::client::{Client, ClientError};

/// Asks the studio, and the address that workers are told.
pub async fn look(connect: &ConnectArgs, public_url: Option<&str>, findings: &mut Findings) {
    match connect.client_to_try() {
        Ok((client, is_stated)) => studio(&client, is_stated, findings).await,
        Err(error) => findings.fail("studio", format!("{error:#}"), "check --url and --ca-cert"),
    }
    let Some(url) = public_url else { return };
    match connect.stranger(url) {
        Ok(client) => match client.ready().await {
            Ok(()) => findings.ok("public", format!("{} answers", shown(client.url()))),
            Err(error) => {
                let advice =
                    "workers cannot reach the studio there: check the name, the proxy and the certificate";
                findings.fail("public", one_line(&error), advice);
            }
        },
        Err(error) => findings.fail("public", format!("{error:#}"), "check --public-url and --ca-cert"),
    }
}

async fn studio(client: &Client, is_stated: bool, findings: &mut Findings) {
    let url = shown(client.url());
    let ready = client.ready().await;
    if let Err(error) = ready {
        if is_stated || error.problem().is_some() {
            findings.fail("studio", one_line(&error), "its log says why");
        } else {
            findings
                .ok("studio", format!("none answers at {url}; name yours with --url to have it looked at"));
        }
        return;
    }
    let own = env!("CARGO_PKG_VERSION");
    match client.status().await {
        Ok(status) if status.version == own => {
            findings.ok("studio", format!("{url} is ready, version {own}"));
        }
        Ok(status) => {
            let detail = format!("{url} is ready, version {}, and this program is {own}", status.version);
            findings.warn("studio", detail, "use one version, or start the studio again after an update");
        }
        Err(error) if is_stated => {
            let advice = "name a key that is good with --api-key-file";
            findings.warn(
                "studio",
                format!("{url} is ready, and tells no more: {}", one_line(&error)),
                advice,
            );
        }
        Err(_) => findings.ok("studio", format!("{url} is ready, and knows no key of this directory")),
    }
}

fn one_line(error: &ClientError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}
