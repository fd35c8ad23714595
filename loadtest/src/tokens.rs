//! Synthetic people with access tokens. Whoever holds the server's secret may mint tokens; that is how a load
//! test gets a hundred thousand accounts without registering them.

use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use uuid::{Builder, Uuid};

/// How long a token is good for: longer than any run.
const LIFETIME_S: u64 = 12 * 60 * 60;
/// Ids of synthetic people carry this time, 2020-01-01, so that nobody takes them for real ones of today.
const IDS_FROM_MS: u64 = 1_577_836_800_000;

/// Somebody who can ask for things.
#[derive(Clone, Debug)]
pub struct Person {
    /// The user id as text: what history and model know the person by.
    pub id: String,
    /// The name in the token.
    pub name: String,
    /// The access token.
    pub token: String,
}

/// What a token says, in the words of the server's contract.
#[derive(Serialize)]
struct Claims<'a> {
    sub: Uuid,
    role: &'a str,
    name: &'a str,
    sid: Uuid,
    iat: u64,
    exp: u64,
    iss: &'a str,
    aud: &'a str,
}

/// Mints tokens with one secret.
pub struct Mint {
    key: EncodingKey,
    issued_at_s: u64,
}

impl Mint {
    /// A mint with the server's secret. `now_s` is in seconds since 1970.
    pub fn new(secret: &str, now_s: u64) -> Self {
        Self {
            key: EncodingKey::from_secret(secret.as_bytes()),
            issued_at_s: now_s,
        }
    }

    /// The person with this number in this run, or in every run that uses the same `world`.
    pub fn member(&self, world: u64, number: u64) -> Result<Person, jsonwebtoken::errors::Error> {
        self.person(person_id(world, number), "member", &format!("Person {number}"))
    }

    /// Somebody who may create activities and read everything about them.
    pub fn host(&self, id: Uuid) -> Result<Person, jsonwebtoken::errors::Error> {
        self.person(id, "admin", "Load Test Host")
    }

    fn person(&self, sub: Uuid, role: &str, name: &str) -> Result<Person, jsonwebtoken::errors::Error> {
        let claims = Claims {
            sub,
            role,
            name,
            sid: sub,
            iat: self.issued_at_s,
            exp: self.issued_at_s + LIFETIME_S,
            iss: "turnout",
            aud: "turnout",
        };
        let token = jsonwebtoken::encode(&Header::default(), &claims, &self.key)?;
        Ok(Person {
            id: sub.to_string(),
            name: name.to_owned(),
            token,
        })
    }
}

/// The id of a synthetic person: the same number in the same world is the same person.
fn person_id(world: u64, number: u64) -> Uuid {
    let mut bytes = [0; 10];
    bytes[..2].copy_from_slice(&world.to_be_bytes()[6..]);
    bytes[2..].copy_from_slice(&number.to_be_bytes());
    Builder::from_unix_timestamp_millis(IDS_FROM_MS, &bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use jsonwebtoken::{Algorithm, DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    #[test]
    fn a_token_says_what_the_contract_wants() {
        let mint = Mint::new("secret", clock_s());
        let person = mint.member(1, 7).unwrap();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&["turnout"]);
        validation.set_audience(&["turnout"]);
        let key = DecodingKey::from_secret(b"secret");
        let decoded = jsonwebtoken::decode::<Value>(&person.token, &key, &validation).unwrap();
        assert_eq!(decoded.header.kid, None);
        assert_eq!(decoded.claims["sub"], person.id.as_str());
        assert_eq!(decoded.claims["role"], "member");
        for claim in ["name", "sid", "iat", "exp"] {
            assert!(!decoded.claims[claim].is_null(), "{claim}");
        }
    }

    #[test]
    fn people_are_told_apart_by_world_and_number() {
        let ids: HashSet<Uuid> = (0..3)
            .flat_map(|world| (0..1_000).map(move |number| person_id(world, number)))
            .collect();
        assert_eq!(ids.len(), 3_000);
        assert_eq!(person_id(1, 500), person_id(1, 500));
    }

    fn clock_s() -> u64 {
        crate::clock::unix_s()
    }
}
