//! Identities that only the studio mints, and hashes of secrets.

use std::fmt;
use std::sync::Arc;

use studio_protocol::text_id;

text_id!(
    /// Jobs that were submitted together (`batch-...`).
    BatchId
);
text_id!(
    /// The bytes that a job made (`art-...`).
    ArtefactId
);
text_id!(
    /// What a client brought for its jobs (`in-...`).
    InputId
);
text_id!(
    /// An address that is told what happens (`hook-...`).
    WebhookId
);
text_id!(
    /// One API key (`key-...`), not the key itself.
    KeyId
);
text_id!(
    /// Somebody with a password (`user-...`).
    UserId
);

/// Lowercase hex SHA-256 of a secret; the secret itself never reaches the store.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SecretHash(Arc<str>);

impl SecretHash {
    /// Takes the hex text as it is.
    pub fn new(hex: impl Into<Arc<str>>) -> Self {
        Self(hex.into())
    }

    /// The hex text in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(..)")
    }
}

impl From<&str> for SecretHash {
    fn from(hex: &str) -> Self {
        Self(hex.into())
    }
}

impl From<String> for SecretHash {
    fn from(hex: String) -> Self {
        Self(hex.into())
    }
}

/// What is kept of a password: a PHC string with algorithm, parameters, salt and hash.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(Arc<str>);

impl PasswordHash {
    /// Takes the PHC string as it is.
    pub fn new(phc: impl Into<Arc<str>>) -> Self {
        Self(phc.into())
    }

    /// The PHC string in the database.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_not_printed() {
        assert_eq!(format!("{:?}", SecretHash::new("abc123")), "SecretHash(..)");
        assert_eq!(format!("{:?}", PasswordHash::new("$argon2id$abc")), "PasswordHash(..)");
    }
}
