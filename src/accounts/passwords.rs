//! Hashing passwords: slow on purpose, so off the request threads and bounded.
//!
//! argon2id with 19 MiB, two passes, one lane. Each takes some ten milliseconds of one core; without a bound, a
//! burst of log-ins would take all memory and both cores from everybody else.

use std::sync::Arc;

use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use tokio::sync::Semaphore;

use super::Password;
use crate::ids;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;

/// Passwords that may wait for their turn; more are turned away.
const MAX_WAITING: usize = 64;

/// Too many passwords are being hashed; nothing was done, a moment later it may work.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("too many passwords are being checked")]
pub struct HashingBusy;

pub(super) struct Passwords {
    /// A place for every password being hashed or waiting.
    places: Arc<Semaphore>,
    /// How many are hashed at once: half of the cores, so that bookings go on.
    turns: Arc<Semaphore>,
    /// What a password is checked against when there is no account, to take the same time.
    nobodys_hash: Arc<str>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let at_once = cores.div_ceil(2);
        Self {
            places: Arc::new(Semaphore::new(at_once + MAX_WAITING)),
            turns: Arc::new(Semaphore::new(at_once)),
            nobodys_hash: hash(&ids::secret_text::<16>()).into(),
        }
    }

    pub(super) async fn hash(&self, password: Password) -> Result<String, HashingBusy> {
        self.in_turn(move || hash(password.expose())).await
    }

    /// Whether this is the password with that hash. Without a hash it is not, after the same time.
    pub(super) async fn verify(&self, password: String, known: Option<String>) -> Result<bool, HashingBusy> {
        let nobodys = self.nobodys_hash.clone();
        self.in_turn(move || {
            let matches = verify(&password, known.as_deref().unwrap_or(&nobodys));
            known.is_some() && matches
        })
        .await
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, HashingBusy> {
        let place = self.places.clone().try_acquire_owned().map_err(|_| HashingBusy)?;
        let turn = self
            .turns
            .clone()
            .acquire_owned()
            .await
            .expect("nobody closes the turns");
        // Both go with the work, which runs to its end even if the client goes away meanwhile.
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop((turn, place));
            done
        });
        Ok(done.await.expect("hashing does not panic and is not cancelled"))
    }
}

fn hasher() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("the parameters are in range");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn hash(password: &str) -> String {
    let salt = ids::secret_bytes::<SALT_BYTES>();
    hasher()
        .hash_password_with_salt(password.as_bytes(), &salt)
        .expect("a password of bounded length with a salt of the usual length can be hashed")
        .to_string()
}

fn verify(password: &str, known: &str) -> bool {
    hasher().verify_password(password.as_bytes(), known).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[tokio::test]
    async fn only_the_password_itself_matches() {
        let passwords = Passwords::new();
        let known = passwords.hash(password("correct horse")).await.unwrap();
        assert!(known.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{known}");
        let matches = async |text: &str, known| passwords.verify(text.to_owned(), known).await.unwrap();
        assert!(matches("correct horse", Some(known.clone())).await);
        assert!(!matches("correct house", Some(known)).await);
        assert!(!matches("correct horse", None).await);
        assert!(!matches("correct horse", Some("not a hash".to_owned())).await);
    }

    #[tokio::test]
    async fn who_finds_every_place_taken_is_turned_away_at_once() {
        let passwords = Passwords::new();
        let all = passwords.places.available_permits().try_into().unwrap();
        let taken = passwords.places.clone().try_acquire_many_owned(all).unwrap();
        assert!(passwords.hash(password("correct horse")).await.is_err());
        drop(taken);
        assert!(passwords.hash(password("correct horse")).await.is_ok());
    }
}
