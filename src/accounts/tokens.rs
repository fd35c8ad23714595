//! What access and refresh tokens say.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use turnout_actors::domain::{Principal, Timestamp, UserId, Who};
use uuid::Uuid;

use super::signer::{Audience, Claims, ISSUER, Signer, TokenError, seconds, time};
use super::{ACCESS_TTL_MS, PersonName, Role, Session, User};
use crate::secret::Secret;

const ACCESS: &str = "turnout";
const REFRESH: &str = "turnout-refresh";

/// Whom a valid access token speaks for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Caller {
    /// The account; there need not be a row for it.
    pub user: UserId,
    /// What it may do.
    pub role: Role,
    /// The person's name, as it was when the token was made, without what does not belong into a name.
    pub name: PersonName,
    /// The session that the token belongs to.
    pub sid: Uuid,
    /// When the token expires.
    pub expires_at: Timestamp,
}

impl Caller {
    /// Whoever calls, as the rules see them.
    pub fn principal(&self) -> Principal {
        Principal {
            who: Who::User(self.user),
            elevated: self.role == Role::Admin,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct AccessClaims {
    #[serde(skip_deserializing)]
    iss: &'static str,
    #[serde(skip_deserializing)]
    aud: &'static str,
    sub: UserId,
    role: Role,
    name: Arc<str>,
    sid: Uuid,
    #[serde(skip_deserializing)]
    iat: u64,
    exp: u64,
}

impl Claims for AccessClaims {
    fn expires_at_s(&self) -> u64 {
        self.exp
    }
}

#[derive(Serialize, Deserialize)]
struct RefreshClaims {
    #[serde(skip_deserializing)]
    iss: &'static str,
    #[serde(skip_deserializing)]
    aud: &'static str,
    sub: UserId,
    sid: Uuid,
    /// How often the session was refreshed before this token was made.
    generation: i64,
    exp: u64,
}

impl Claims for RefreshClaims {
    fn expires_at_s(&self) -> u64 {
        self.exp
    }
}

/// Makes and reads tokens.
pub(super) struct Tokens {
    signer: Signer,
    access: Audience,
    refresh: Audience,
}

impl Tokens {
    pub(super) fn new(secret: &Secret) -> Self {
        Self {
            signer: Signer::new(secret),
            access: Audience::new(ACCESS),
            refresh: Audience::new(REFRESH),
        }
    }

    pub(super) fn access(&self, user: &User, sid: Uuid, now: Timestamp) -> String {
        self.signer.sign(&AccessClaims {
            iss: ISSUER,
            aud: ACCESS,
            sub: user.id,
            role: user.role,
            name: user.name.as_str().into(),
            sid,
            iat: seconds(now),
            exp: seconds(now.plus_millis(ACCESS_TTL_MS)),
        })
    }

    /// The refresh token of a session's current generation. It is made from what is stored and nothing else,
    /// so it can be made again for whoever asks twice.
    pub(super) fn refresh(&self, session: &Session) -> String {
        self.signer.sign(&RefreshClaims {
            iss: ISSUER,
            aud: REFRESH,
            sub: session.user,
            sid: session.sid,
            generation: session.generation,
            exp: seconds(session.expires_at),
        })
    }

    pub(super) fn caller(&self, token: &str, now: Timestamp) -> Result<Caller, TokenError> {
        let claims: AccessClaims = self.signer.verify(token, &self.access, now)?;
        let AccessClaims {
            sub,
            role,
            name,
            sid,
            exp,
            ..
        } = claims;
        Ok(Caller {
            user: sub,
            role,
            name: PersonName::tame(&name),
            sid,
            expires_at: time(exp),
        })
    }

    /// The session and generation that a refresh token is for.
    pub(super) fn session(&self, token: &str, now: Timestamp) -> Result<(Uuid, i64), TokenError> {
        let claims: RefreshClaims = self.signer.verify(token, &self.refresh, now)?;
        Ok((claims.sid, claims.generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens() -> Tokens {
        Tokens::new(&Secret::new("s".repeat(32)))
    }

    fn user() -> User {
        User {
            id: UserId::from(Uuid::from_u128(1)),
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            role: Role::Admin,
            created_at: Timestamp::from_millis(1_000),
            updated_at: Timestamp::from_millis(1_000),
        }
    }

    #[test]
    fn an_access_token_says_who_it_is_for() {
        let (now, sid) = (Timestamp::from_millis(1_500), Uuid::from_u128(2));
        let caller = tokens().caller(&tokens().access(&user(), sid, now), now).unwrap();
        assert_eq!(
            (caller.user, caller.role, caller.name.as_str(), caller.sid),
            (user().id, Role::Admin, "Ada", sid)
        );
        assert_eq!(caller.expires_at, Timestamp::from_millis(901_000));
    }

    #[test]
    fn one_kind_of_token_never_passes_as_the_other() {
        let now = Timestamp::from_millis(1_000);
        let session = Session::start(Uuid::from_u128(2), user().id, now);
        let (access, refresh) = (
            tokens().access(&user(), session.sid, now),
            tokens().refresh(&session),
        );
        assert_eq!(tokens().caller(&refresh, now), Err(TokenError::Invalid));
        assert_eq!(tokens().session(&access, now), Err(TokenError::Invalid));
        assert_eq!(tokens().session(&refresh, now), Ok((session.sid, 0)));
        assert_eq!(
            refresh,
            tokens().refresh(&session),
            "the same session gives the same token"
        );
    }
}
