//! Secrets that the studio mints: drawn from the system's generator, kept as hashes.

use sha2::{Digest, Sha256};
use studio_store::SecretHash;

/// Letters and digits that cannot be taken for one another when read aloud (Crockford's base 32).
const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 80 bits: not to be guessed while a code is good, short enough to type.
const CODE_CHARS: usize = 16;
/// Characters between two dashes of a code.
const CODE_GROUP: usize = 4;

/// 32 random bytes as 64 hex characters.
pub fn token() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// A secret for an API key; the prefix lets scanners of source code find leaked ones.
pub fn api_key() -> String {
    format!("sk-studio-{}", token())
}

/// A join code like `7GQ2-M0RX-9A4T-ZC1E`.
pub fn join_code() -> String {
    let mut code = String::new();
    for (at, byte) in rand::random::<[u8; CODE_CHARS]>().into_iter().enumerate() {
        if at > 0 && at % CODE_GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(CODE_ALPHABET[usize::from(byte % 32)]));
    }
    code
}

/// A password for somebody who is told it, and should choose their own: as long as a join code, in small letters.
pub fn password() -> String {
    join_code().to_lowercase()
}

/// What the store keeps of a secret.
pub fn hash(secret: &str) -> SecretHash {
    SecretHash::from(hex::encode(Sha256::digest(secret.as_bytes())))
}

/// What the store keeps of a join code: case, dashes and look-alikes do not matter to who types it.
pub fn join_code_hash(code: &str) -> SecretHash {
    let plain: String = code
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect();
    hash(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_and_never_the_same() {
        assert_eq!(token().len(), 64);
        assert_ne!(token(), token());
        assert!(api_key().starts_with("sk-studio-"));
    }

    #[test]
    fn a_join_code_survives_being_typed() {
        let code = join_code();
        assert_eq!(code.len(), CODE_CHARS + 3);
        let typed =
            format!(" {} ", code.to_lowercase().replace('-', " ").replace('0', "o").replace('1', "l"));
        assert_eq!(join_code_hash(&typed), join_code_hash(&code));
        assert_ne!(join_code_hash(&join_code()), join_code_hash(&code));
    }
}
