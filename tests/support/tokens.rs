//! Tokens made outside the server: what whoever holds the secret may mint, and what nobody may.

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use uuid::Uuid;

pub(crate) const SECRET: &str = "the secret of all servers under test";

/// Claims of an access token for somebody without an account, valid for a minute.
pub(crate) fn claims(now_s: i64) -> Value {
    json!({
        "iss": "turnout", "aud": "turnout", "sub": Uuid::from_u128(7), "sid": Uuid::from_u128(8),
        "role": "member", "name": "Synthetic", "iat": now_s, "exp": now_s + 60,
    })
}

/// A token with these claims, signed with the server's own secret.
pub(crate) fn forge(claims: &Value) -> String {
    forge_with(&Header::new(Algorithm::HS256), claims, SECRET)
}

pub(crate) fn forge_with(header: &Header, claims: &Value, secret: &str) -> String {
    jsonwebtoken::encode(header, claims, &EncodingKey::from_secret(secret.as_bytes())).unwrap()
}
