//! Signing what we hand out, so that it needs no database to be believed when it comes back.
//!
//! Owns the key, its algorithm and what every kind of token has in common: JWT, HS256, our issuer, an audience
//! that keeps one kind from passing as another, an end. What tokens say is up to their [`Claims`].

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use turnout_actors::domain::Timestamp;

use crate::secret::Secret;

/// The shortest secret that may sign tokens: as long as the hash that HS256 is built on.
pub const SECRET_MIN_BYTES: usize = 32;

/// The `iss` of every token.
pub(super) const ISSUER: &str = "turnout";

/// No token of ours is near this; longer ones are not worth decoding.
const MAX_TOKEN_BYTES: usize = 4 * 1024;

/// Why a token is not accepted.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum TokenError {
    /// Not a token of ours, or not one for this purpose.
    #[error("the token is not valid")]
    Invalid,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// It is a guest's, and the activity is over.
    #[error("the manage token has expired")]
    ManageExpired,
    /// It was withdrawn before its time was over.
    #[error("the token was revoked")]
    Revoked,
}

/// What a kind of token says.
///
/// `iss` and `aud` must be among what is serialised, and need not be read back: they are checked before.
pub trait Claims: Serialize + DeserializeOwned {
    /// When it expires, in seconds since 1970.
    fn expires_at_s(&self) -> u64;
}

/// The checks for tokens with one `aud`.
pub struct Audience(Validation);

impl Audience {
    /// Accepts tokens that are meant for `name`.
    pub fn new(name: &'static str) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[name]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        // The library would ask the operating system for the time; we have a clock.
        validation.validate_exp = false;
        Self(validation)
    }
}

/// Signs tokens and checks signatures with one secret.
pub struct Signer {
    header: Header,
    encoding: EncodingKey,
    decoding: DecodingKey,
}

impl Signer {
    /// Signs with this secret.
    pub fn new(secret: &Secret) -> Self {
        let bytes = secret.expose().as_bytes();
        let header = Header {
            kid: Some(key_id(bytes)),
            ..Header::new(Algorithm::HS256)
        };
        let (encoding, decoding) = (EncodingKey::from_secret(bytes), DecodingKey::from_secret(bytes));
        Self {
            header,
            encoding,
            decoding,
        }
    }

    /// A token that says this. The same claims give the same token.
    pub fn sign(&self, claims: &impl Claims) -> String {
        jsonwebtoken::encode(&self.header, claims, &self.encoding)
            .expect("plain claims are JSON and any secret is a key for HS256")
    }

    /// What a token says, if it is ours, for this audience and not over.
    ///
    /// A token without `kid` is checked against the key; one that names another key is refused. The algorithm
    /// is that of the key, whatever the token claims.
    pub fn verify<C: Claims>(
        &self,
        token: &str,
        audience: &Audience,
        now: Timestamp,
    ) -> Result<C, TokenError> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(TokenError::Invalid);
        }
        let token =
            jsonwebtoken::decode::<C>(token, &self.decoding, &audience.0).map_err(|_| TokenError::Invalid)?;
        if token.header.kid.is_some() && token.header.kid != self.header.kid {
            return Err(TokenError::Invalid);
        }
        if time(token.claims.expires_at_s()) <= now {
            return Err(TokenError::Expired);
        }
        Ok(token.claims)
    }
}

/// Seconds since 1970 as a time; what is too late to say is as late as can be.
pub(super) fn time(seconds: u64) -> Timestamp {
    Timestamp::from_millis(i64::try_from(seconds.saturating_mul(1_000)).unwrap_or(i64::MAX))
}

/// A time in seconds since 1970.
pub(super) fn seconds(time: Timestamp) -> u64 {
    u64::try_from(time.micros() / 1_000_000).unwrap_or(0)
}

/// Tells keys apart without telling anything about them.
fn key_id(secret: &[u8]) -> String {
    let digest = Sha256::new()
        .chain_update(b"turnout key id")
        .chain_update(secret)
        .finalize();
    digest[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    struct Ticket {
        sub: String,
        exp: u64,
    }

    impl Claims for Ticket {
        fn expires_at_s(&self) -> u64 {
            self.exp
        }
    }

    const NOW_S: u64 = 1_000_000;

    fn signer(secret: &str) -> Signer {
        Signer::new(&Secret::new(secret.repeat(8)))
    }

    fn forge(header: &Header, claims: &Value, secret: &str) -> String {
        let key = EncodingKey::from_secret(secret.repeat(8).as_bytes());
        jsonwebtoken::encode(header, claims, &key).unwrap()
    }

    fn claims() -> Value {
        json!({"sub": "x", "exp": NOW_S + 1, "iss": "turnout", "aud": "gate"})
    }

    fn verdict(token: &str) -> Result<Ticket, TokenError> {
        signer("ours").verify(token, &Audience::new("gate"), time(NOW_S))
    }

    #[test]
    fn a_token_with_our_key_is_believed_with_and_without_its_id() {
        for header in [signer("ours").header, Header::default()] {
            let token = forge(&header, &claims(), "ours");
            assert_eq!(
                verdict(&token).unwrap(),
                Ticket {
                    sub: "x".to_owned(),
                    exp: NOW_S + 1
                }
            );
        }
    }

    #[test]
    fn whatever_differs_from_ours_is_refused() {
        let default = Header::default();
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            forge(&default, &claims, "ours")
        };
        let without = |name: &str| {
            let mut claims = claims();
            claims.as_object_mut().unwrap().remove(name);
            forge(&default, &claims, "ours")
        };
        let good = forge(&default, &claims(), "ours");
        let (head, tail) = good.split_once('.').unwrap();
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", tail.split('.').next().unwrap());
        for (why, token) in [
            ("another secret", forge(&default, &claims(), "them")),
            (
                "another algorithm",
                forge(&Header::new(Algorithm::HS512), &claims(), "ours"),
            ),
            (
                "another key id",
                forge(
                    &Header {
                        kid: Some("x".into()),
                        ..default.clone()
                    },
                    &claims(),
                    "ours",
                ),
            ),
            ("another audience", with("aud", json!("other"))),
            ("another issuer", with("iss", json!("other"))),
            ("an end that is no number", with("exp", json!("soon"))),
            ("no audience", without("aud")),
            ("no issuer", without("iss")),
            ("no end", without("exp")),
            ("no subject", without("sub")),
            ("no signature", unsigned),
            ("a changed signature", format!("{}A", &good[..good.len() - 1])),
            (
                "two parts",
                head.to_owned() + "." + tail.split('.').next().unwrap(),
            ),
            ("nothing", String::new()),
            ("far too long", "x".repeat(MAX_TOKEN_BYTES + 1)),
        ] {
            // The last character of a signature may hold bits that do not count.
            if token != good {
                assert_eq!(verdict(&token), Err(TokenError::Invalid), "{why}");
            }
        }
    }

    #[test]
    fn a_token_is_over_at_its_end_and_not_before() {
        let ending = |exp: u64| {
            let mut claims = claims();
            claims["exp"] = json!(exp);
            verdict(&forge(&Header::default(), &claims, "ours"))
        };
        assert_eq!(ending(NOW_S), Err(TokenError::Expired));
        assert!(ending(NOW_S + 1).is_ok());
        assert!(ending(u64::MAX).is_ok());
    }
}
