//! Whose request it is: access tokens as Turnout hands them out, checked in the same way. JWT, HS256, issuer, audience
//! and end.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use uuid::Uuid;

/// Who asks, as the token says.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Caller {
    /// The account.
    #[serde(rename = "sub")]
    pub id: Uuid,
    /// The name.
    pub name: String,
    /// What the account may do: `admin` sets activities up.
    pub role: String,
}

/// Checks tokens with one secret.
pub struct Tokens {
    key: DecodingKey,
    validation: Validation,
}

impl Tokens {
    /// Believes what is signed with `secret`.
    pub fn new(secret: &str) -> Self {
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&["turnout"]);
        validation.set_audience(&["turnout"]);
        validation.set_required_spec_claims(&["iss", "aud", "sub", "exp"]);
        validation.leeway = 0;
        Self {
            key: DecodingKey::from_secret(secret.as_bytes()),
            validation,
        }
    }

    /// Who is behind the value of an `Authorization` header; nobody, if it is not to be believed.
    pub fn caller(&self, authorization: &str) -> Option<Caller> {
        let token = authorization.strip_prefix("Bearer ")?;
        let decoded = jsonwebtoken::decode::<Caller>(token, &self.key, &self.validation);
        Some(decoded.ok()?.claims)
    }
}
