//! Passwords: hashed with argon2id off the runtime's threads, a few at a time.

use std::sync::Arc;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use studio_store::PasswordHash;
use tokio::sync::Semaphore;

use crate::api::Problem;

/// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// At a time: each takes 19 MiB and a core, and the queue must not feel a flood of sign-ins.
const AT_ONCE: usize = 2;
/// More than these wait for seconds: they are told to come again.
const MAX_WAITING: usize = 64;
/// Of the salt, bytes: what the PHC format recommends.
const SALT_BYTES: usize = 16;

/// Fewer characters are found by trying, whatever they are.
pub const MIN_CHARS: usize = 10;
/// A sentence fits; a hash of megabytes would be a way to keep the studio busy.
pub const MAX_CHARS: usize = 256;
/// The first that anybody tries.
const SILLY: [&str; 24] = [
    "0123456789",
    "1234567890",
    "12345678910",
    "123456789a",
    "123qwe123qwe",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "9876543210",
    "abcdefghij",
    "administrator",
    "changeme123",
    "letmein123",
    "password01",
    "password10",
    "password12",
    "password123",
    "password1234",
    "passwordpassword",
    "passwort123",
    "qwertyuiop",
    "qwertzuiop",
    "studio1234",
    "studiostudio",
    "welcome123",
];

/// Compared to when nobody has the name, so that the answer takes as long; no password has this hash.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashes and checks passwords; clones share their turns.
#[derive(Debug, Clone)]
pub struct Passwords {
    turns: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(AT_ONCE + MAX_WAITING)),
        }
    }
}

impl Passwords {
    /// What is kept of `password`.
    pub async fn hash(&self, password: String) -> Result<PasswordHash, Problem> {
        self.off_the_runtime(move || {
            let salt: [u8; SALT_BYTES] = rand::random();
            let hash = argon2()?.hash_password_with_salt(password.as_bytes(), &salt);
            hash.map(|hash| PasswordHash::new(hash.to_string())).map_err(|error| Problem::internal(&error))
        })
        .await
    }

    /// Whether `password` is the one; takes its time also when there is nothing to compare it to.
    pub async fn verify(&self, password: String, hash: Option<PasswordHash>) -> Result<bool, Problem> {
        self.off_the_runtime(move || {
            let compared = hash.as_ref().map_or(NOBODY, PasswordHash::as_str);
            let fits = argon2()?.verify_password(password.as_bytes(), compared).is_ok();
            Ok(fits && hash.is_some())
        })
        .await
    }

    async fn off_the_runtime<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let busy = || Problem::unavailable("too many sign-ins at once: try again in a moment");
        let waiting = self.waiting.clone().try_acquire_owned().map_err(|_| busy())?;
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| busy())?;
        let working = tokio::task::spawn_blocking(move || {
            // Held to the end of the work, not to the end of the request: a client that goes away does not stop it.
            let _held = (waiting, turn);
            work()
        });
        working.await.map_err(|error| Problem::internal(&error))?
    }
}

fn argon2() -> Result<Argon2<'static>, Problem> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|error| Problem::internal(&error))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// Refuses a password that is too short, too long, or that everybody tries first.
pub fn check(field: &str, name: &str, password: &str) -> Result<(), Problem> {
    let chars = password.chars().count();
    let lower = password.to_lowercase();
    let mut letters = password.chars();
    let first = letters.next();
    let problem = if chars < MIN_CHARS {
        format!("has {chars} characters, at least {MIN_CHARS} are needed")
    } else if chars > MAX_CHARS {
        format!("has more than {MAX_CHARS} characters")
    } else if SILLY.contains(&lower.as_str()) || letters.all(|letter| Some(letter) == first) {
        "is among the first that anybody tries".to_owned()
    } else if lower == name.trim().to_lowercase() {
        "is the name".to_owned()
    } else {
        return Ok(());
    };
    Err(Problem::invalid(field, format!("the password {problem}: choose another, a short sentence is good")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_password_itself_fits() {
        let passwords = Passwords::default();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.as_str());
        assert_ne!(passwords.hash("correct horse".to_owned()).await.unwrap(), hash, "salted");
        assert!(passwords.verify("correct horse".to_owned(), Some(hash.clone())).await.unwrap());
        assert!(!passwords.verify("Correct horse".to_owned(), Some(hash)).await.unwrap());
        assert!(!passwords.verify(String::new(), Some(PasswordHash::new("damaged"))).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_takes_as_long_as_somebody() {
        // The same work: the parameters of the hash that nobody has are those of new ones.
        let hash = Passwords::default().hash("correct horse".to_owned()).await.unwrap();
        let head = |phc: &str| phc.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let lengths = |phc: &str| phc.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!((head(hash.as_str()), lengths(hash.as_str())), (head(NOBODY), lengths(NOBODY)));
        assert!(argon2::password_hash::phc::PasswordHash::new(NOBODY).is_ok());
        assert!(!Passwords::default().verify("correct horse".to_owned(), None).await.unwrap());
    }

    #[test]
    fn silly_passwords_are_refused() {
        for good in ["correct horse", "äöüßäöüßäö12", &"x1".repeat(128)] {
            assert_eq!(check("password", "ann", good), Ok(()), "{good}");
        }
        for bad in ["", "short", "Password123", "aaaaaaaaaaaa", "Ann Example", &"x1".repeat(129)] {
            assert_eq!(check("new", "ann example", bad).unwrap_err().field.as_deref(), Some("new"), "{bad}");
        }
        assert!(SILLY.iter().all(|silly| silly.len() >= MIN_CHARS && *silly == silly.to_lowercase()));
    }
}
