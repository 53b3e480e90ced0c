//! Signatures as <https://www.standardwebhooks.com> says: HMAC-SHA256 over id, time and body.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use studio_store::WebhookId;

use crate::signing::Signer;

/// What the key is derived for.
const PURPOSE: &str = "webhook-secret";
/// What receivers' libraries know a secret by.
const PREFIX: &str = "whsec_";
/// What SHA-256 takes at a time.
const BLOCK_BYTES: usize = 64;

/// The key of one webhook; nothing is stored of it.
pub fn key(signer: &Signer, webhook: &WebhookId, version: u32) -> [u8; 32] {
    signer.derive(PURPOSE, &[webhook.as_str(), &version.to_string()])
}

/// The same, as its receiver is to know it.
pub fn secret(signer: &Signer, webhook: &WebhookId, version: u32) -> String {
    format!("{PREFIX}{}", STANDARD.encode(key(signer, webhook, version)))
}

/// The header `webhook-signature`.
pub fn signature(key: &[u8; 32], id: &str, seconds: i64, body: &str) -> String {
    // A key that is shorter than a block is padded with zeros: RFC 2104.
    let mut block = [0; BLOCK_BYTES];
    block[..key.len()].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as KeyInit>::new(&block.into());
    for part in [id, ".", &seconds.to_string(), ".", body] {
        mac.update(part.as_bytes());
    }
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn another_implementation_computes_the_same_signature() {
        const SCRIPT: &str = "import base64, hashlib, hmac, sys\n\
            secret, id, seconds, body = sys.argv[1:]\n\
            key = base64.b64decode(secret.removeprefix('whsec_'))\n\
            mac = hmac.new(key, f'{id}.{seconds}.{body}'.encode(), hashlib.sha256)\n\
            print('v1,' + base64.b64encode(mac.digest()).decode())";
        let signer = Signer::new(&[7; 32]);
        let id = WebhookId::from("hook-1");
        let body = r#"{"type":"job.done","data":{"name":"f\u00fcchse"}}"#;
        let ours = signature(&key(&signer, &id, 1), "msg-1", 1_700_000_000, body);
        let theirs = Command::new("python3")
            .args(["-c", SCRIPT, &secret(&signer, &id, 1), "msg-1", "1700000000", body])
            .output()
            .unwrap();
        assert_eq!(ours, String::from_utf8(theirs.stdout).unwrap().trim());
    }

    #[test]
    fn each_webhook_and_each_rotation_has_a_secret_of_its_own() {
        let signer = Signer::new(&[7; 32]);
        let of = |id: &str, version| secret(&signer, &WebhookId::from(id), version);
        assert_eq!(of("hook-1", 1), of("hook-1", 1));
        assert_ne!(of("hook-1", 1), of("hook-1", 2));
        assert_ne!(of("hook-1", 1), of("hook-2", 1));
        assert!(of("hook-1", 1).starts_with("whsec_"));
    }
}
