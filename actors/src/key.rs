//! Idempotency keys: how a key and what it was sent with become a few bytes.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::{KeyDigest, KeyUse, Principal, Who};

/// An idempotency key as a client sends it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key(String);

/// The text cannot be a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a key has 1 to {} printable ASCII characters", Key::MAX_CHARS)]
pub struct InvalidKey;

impl Key {
    /// The longest key.
    pub const MAX_CHARS: usize = 64;

    /// Accepts 1 to 64 printable ASCII characters.
    pub fn parse(text: &str) -> Result<Self, InvalidKey> {
        let printable = text.bytes().all(|byte| (0x20..0x7f).contains(&byte));
        if text.is_empty() || text.len() > Self::MAX_CHARS || !printable {
            Err(InvalidKey)
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The shortest key that counts of somebody who has proved nothing. Knowing it is then all that tells them from
    /// others who give the same address, so it must be beyond guessing: 22 characters can hold 128 bits.
    pub const MIN_CHARS_OF_VISITORS: usize = 22;

    /// The key scoped to its principal, together with the fingerprint of what it was sent with: the operation
    /// and its arguments. Both stay the same over restarts and releases, because they are stored. Nothing where the
    /// key does not count.
    pub fn used_for(&self, by: &Principal, operation: &impl Serialize) -> Option<KeyUse> {
        let mut digest = Sha256::new();
        match &by.who {
            Who::User(user) => {
                digest.update(b"user\0");
                digest.update(user.uuid());
            }
            Who::Guest { rsvp, .. } => {
                digest.update(b"rsvp\0");
                digest.update(rsvp.uuid());
            }
            Who::Visitor(_) if self.0.len() < Self::MIN_CHARS_OF_VISITORS => return None,
            Who::Visitor(email) => {
                digest.update(b"email\0");
                digest.update(email.as_str());
                digest.update(b"\0");
            }
            Who::System => return None,
        }
        digest.update(self.0.as_bytes());
        let arguments = rmp_serde::to_vec_named(operation).expect("what is ordered can always be serialized");
        let fingerprint = Sha256::digest(arguments);
        Some(KeyUse {
            digest: KeyDigest(digest.finalize()[..16].try_into().expect("a digest has 32 bytes")),
            fingerprint: u64::from_be_bytes(fingerprint[..8].try_into().expect("a digest has 32 bytes")),
        })
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;
    use crate::domain::{Command, RsvpId, Target, UserId};

    fn principal(n: u128) -> Principal {
        Principal::user(UserId::from(Uuid::from_u128(n)))
    }

    #[test]
    fn a_key_is_short_and_printable() {
        assert!(Key::parse(" ~").is_ok());
        assert!(Key::parse(&"k".repeat(64)).is_ok());
        for bad in ["", "k\n", "schlüssel", "\u{7f}", &"k".repeat(65)] {
            assert_eq!(Key::parse(bad), Err(InvalidKey), "{bad:?}");
        }
    }

    #[test]
    fn a_key_is_scoped_to_its_principal_and_tells_operations_apart() {
        let key = Key::parse("same").unwrap();
        let used = |by: &Principal, command: &Command| key.used_for(by, command).unwrap();
        let (own, other) = (
            Command::Cancel(Target::Own),
            Command::Cancel(Target::Rsvp(RsvpId::from(Uuid::nil()))),
        );
        let first = used(&principal(1), &own);
        assert_eq!(first, used(&principal(1), &own));
        assert_ne!(first.digest, used(&principal(2), &own).digest);
        assert_ne!(first.fingerprint, used(&principal(1), &other).fingerprint);
        let guest = |generation| Principal::guest(RsvpId::from(Uuid::from_u128(1)), generation);
        assert_ne!(first.digest, used(&guest(1), &own).digest);
        assert_eq!(used(&guest(1), &own), used(&guest(2), &own));
    }

    #[test]
    fn of_somebody_who_has_proved_nothing_only_long_keys_count() {
        let visitor = |email: &str| Principal::visitor(email.parse().unwrap());
        let used = |by: &Principal, chars: usize| {
            let key = Key::parse(&"k".repeat(chars)).unwrap();
            key.used_for(by, &Command::CancelActivity)
        };
        assert_eq!(used(&visitor("ada@example.org"), 21), None);
        let long = used(&visitor("ada@example.org"), 22).unwrap();
        assert_ne!(long.digest, used(&visitor("bob@example.org"), 22).unwrap().digest);
        assert_eq!(used(&Principal::system(), 64), None);
    }

    #[test]
    fn what_is_stored_of_a_key_does_not_change_between_releases() {
        let stored = Key::parse("k")
            .unwrap()
            .used_for(&principal(7), &Command::Cancel(Target::Own))
            .unwrap();
        assert_eq!(format!("{:x}", stored.fingerprint), "a2f5a97aa222e68b");
        assert_eq!(format!("{:x}", stored.digest.hash().0), "e450bc3815594961");
    }
}
