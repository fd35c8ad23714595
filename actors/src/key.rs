//! Idempotency keys: how a key and what it was sent with become a few bytes.

use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::domain::{KeyDigest, KeyUse, Principal};

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

    /// The key scoped to its principal, together with the fingerprint of what it was sent with: the operation
    /// and its arguments. Both stay the same over restarts and releases, because they are stored.
    pub fn used_for(&self, by: &Principal, operation: &impl Serialize) -> KeyUse {
        let mut digest = Sha256::new();
        digest.update(b"user\0");
        digest.update(by.user.uuid());
        digest.update(self.0.as_bytes());
        let arguments = rmp_serde::to_vec_named(operation).expect("what is ordered can always be serialized");
        let fingerprint = Sha256::digest(arguments);
        KeyUse {
            digest: KeyDigest(digest.finalize()[..16].try_into().expect("a digest has 32 bytes")),
            fingerprint: u64::from_be_bytes(fingerprint[..8].try_into().expect("a digest has 32 bytes")),
        }
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
        let (own, other) = (
            Command::Cancel(Target::Own),
            Command::Cancel(Target::Rsvp(RsvpId::from(Uuid::nil()))),
        );
        let first = key.used_for(&principal(1), &own);
        assert_eq!(first, key.used_for(&principal(1), &own));
        assert_ne!(first.digest, key.used_for(&principal(2), &own).digest);
        assert_ne!(first.fingerprint, key.used_for(&principal(1), &other).fingerprint);
    }

    #[test]
    fn what_is_stored_of_a_key_does_not_change_between_releases() {
        let stored = Key::parse("k")
            .unwrap()
            .used_for(&principal(7), &Command::Cancel(Target::Own));
        assert_eq!(format!("{:x}", stored.fingerprint), "a2f5a97aa222e68b");
        assert_eq!(format!("{:x}", stored.digest.hash().0), "e450bc3815594961");
    }
}
