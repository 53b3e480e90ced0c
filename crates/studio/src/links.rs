//! Addresses that need no other credential: signed, for one artefact and one moment at which they expire.
//!
//! Nothing about them is stored. What is signed is the file's name and the moment, so that a signature is worth
//! nothing for another artefact, another extension or a later moment.

use std::time::Duration;

use studio_api::ArtefactLink;
use studio_protocol::Timestamp;

use crate::signing::Signer;
use crate::state::AppState;

/// What the signature is for.
const PURPOSE: &str = "artefact-link";
/// A link that is passed on is out of its maker's hands: a week is enough for a report or a chat.
pub const MAX_LINK_TTL: Duration = Duration::from_hours(7 * 24);

/// Why an address opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkError {
    /// It was good once.
    Expired,
    /// It never was.
    Forged,
}

/// An address below `base` that anybody may fetch the artefact from until `ttl` is over.
///
/// `base` is how the asking client reaches the studio, as [`base`](crate::model_files::base) tells.
pub fn artefact_url(state: &AppState, base: &str, artefact: &str, ext: &str, ttl: Duration) -> ArtefactLink {
    // Whole seconds, as they stand in the address; never less than was asked for.
    let now = Timestamp::now().as_millis();
    let expires = (now + i64::try_from(ttl.as_millis()).unwrap_or(i64::MAX / 2) + 999) / 1000;
    let path = signed_path(&state.signer, artefact, ext, expires);
    ArtefactLink { url: format!("{base}{path}"), expires_at: Timestamp::from_millis(expires * 1000) }
}

fn signed_path(signer: &Signer, artefact: &str, ext: &str, expires: i64) -> String {
    let file = format!("{artefact}.{ext}");
    let expires = expires.to_string();
    let signature = signer.sign(PURPOSE, &[&file, &expires]);
    format!("/files/{file}?expires={expires}&signature={signature}")
}

/// The artefact that `file` names, when the signature is for it and it is not too late.
pub fn check(
    signer: &Signer,
    file: &str,
    expires: &str,
    signature: &str,
    now: Timestamp,
) -> Result<String, LinkError> {
    // First the signature: to whom it is not known, expired and forged look the same.
    if !signer.verify(PURPOSE, &[file, expires], signature) {
        return Err(LinkError::Forged);
    }
    // What we signed is a number and has an extension.
    let expires: i64 = expires.parse().map_err(|_| LinkError::Forged)?;
    let (id, _) = file.split_once('.').ok_or(LinkError::Forged)?;
    if now.as_millis() >= expires.saturating_mul(1000) {
        return Err(LinkError::Expired);
    }
    Ok(id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(path: &str) -> (&str, &str, &str) {
        let (file, query) = path.strip_prefix("/files/").unwrap().split_once('?').unwrap();
        let (expires, signature) = query.split_once('&').unwrap();
        (file, expires.strip_prefix("expires=").unwrap(), signature.strip_prefix("signature=").unwrap())
    }

    #[test]
    fn a_link_is_for_one_file_and_one_moment() {
        let signer = Signer::new(&[7; 32]);
        let path = signed_path(&signer, "art-1", "webp", 1_000);
        let (file, expires, signature) = parts(&path);
        let at = |millis| Timestamp::from_millis(millis);
        assert_eq!(check(&signer, file, expires, signature, at(999_999)).as_deref(), Ok("art-1"));
        assert_eq!(check(&signer, file, expires, signature, at(1_000_000)), Err(LinkError::Expired));
        for (file, expires, signature) in [
            ("art-2.webp", expires, signature),
            ("art-1.html", expires, signature),
            ("art-1", expires, signature),
            (file, "1001", signature),
            (file, "01000", signature),
            (file, "+1000", signature),
            (file, "", signature),
            (file, expires, ""),
            (file, expires, &signature[1..]),
            (file, expires, signature.to_uppercase().as_str()),
        ] {
            assert_eq!(
                check(&signer, file, expires, signature, at(0)),
                Err(LinkError::Forged),
                "{file} {expires}"
            );
        }
        assert_eq!(check(&Signer::new(&[8; 32]), file, expires, signature, at(0)), Err(LinkError::Forged));
        // A signature that never was good is not said to have expired.
        assert_eq!(check(&signer, file, expires, "00", at(2_000_000)), Err(LinkError::Forged));
    }
}
