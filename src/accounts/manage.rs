//! Manage tokens: what a guest holds, who has no account, in order to change or cancel one RSVP. And which kind of
//! token somebody holds who may have either.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use turnout_actors::domain::{Principal, RsvpId, Timestamp};

use super::signer::{Audience, Claims, ISSUER, Signer, TokenError, seconds, time};
use super::{Accounts, Caller};
use crate::secret::Secret;

const MANAGE: &str = "turnout-manage";

/// What a valid manage token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ManageToken {
    /// The RSVP that its holder may change.
    pub rsvp: RsvpId,
    /// The generation of the RSVP that it was made for. The RSVP may have a later one by now, and then the token is
    /// worth nothing; only whoever looks at the RSVP can tell.
    pub generation: u32,
    /// When the token expires.
    pub expires_at: Timestamp,
}

impl ManageToken {
    /// Its holder, as the rules see them.
    pub const fn principal(&self) -> Principal {
        Principal::guest(self.rsvp, self.generation)
    }
}

/// Whom a token speaks for, where more than one kind is accepted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Bearer {
    /// Somebody with an account.
    Account(Caller),
    /// A guest, for one RSVP.
    Guest(ManageToken),
}

impl Bearer {
    /// Whoever that is, as the rules see them.
    pub fn principal(&self) -> Principal {
        match self {
            Self::Account(caller) => caller.principal(),
            Self::Guest(token) => token.principal(),
        }
    }

    /// When the token expires.
    pub const fn expires_at(&self) -> Timestamp {
        match self {
            Self::Account(caller) => caller.expires_at,
            Self::Guest(token) => token.expires_at,
        }
    }

    /// What is said of the token once its time is over.
    pub const fn when_over(&self) -> TokenError {
        match self {
            Self::Account(_) => TokenError::Expired,
            Self::Guest(_) => TokenError::ManageExpired,
        }
    }
}

#[derive(Serialize, Deserialize)]
struct ManageClaims {
    #[serde(skip_deserializing)]
    iss: &'static str,
    #[serde(skip_deserializing)]
    aud: &'static str,
    sub: RsvpId,
    #[serde(rename = "gen")]
    generation: u32,
    exp: u64,
}

impl Claims for ManageClaims {
    fn expires_at_s(&self) -> u64 {
        self.exp
    }
}

/// Makes and reads manage tokens.
pub(super) struct ManageTokens {
    signer: Signer,
    audience: Audience,
    grace_ms: i64,
}

impl ManageTokens {
    /// Signs with this secret, for until so long after an activity has ended.
    pub(super) fn new(secret: &Secret, grace: Duration) -> Self {
        Self {
            signer: Signer::new(secret),
            audience: Audience::new(MANAGE),
            grace_ms: i64::try_from(grace.as_millis()).unwrap_or(i64::MAX),
        }
    }

    fn sign(&self, rsvp: RsvpId, generation: u32, ends_at: Timestamp) -> String {
        self.signer.sign(&ManageClaims {
            iss: ISSUER,
            aud: MANAGE,
            sub: rsvp,
            generation,
            exp: seconds(ends_at.plus_millis(self.grace_ms)),
        })
    }

    fn read(&self, token: &str, now: Timestamp) -> Result<ManageToken, TokenError> {
        match self.signer.verify(token, &self.audience, now) {
            Ok(ManageClaims {
                sub, generation, exp, ..
            }) => Ok(ManageToken {
                rsvp: sub,
                generation,
                expires_at: time(exp),
            }),
            Err(TokenError::Expired) => Err(TokenError::ManageExpired),
            Err(other) => Err(other),
        }
    }
}

impl Accounts {
    /// The token for the guest who has an RSVP, until some time after the activity's end. It says nothing but what is
    /// given here, so the same RSVP has the same token whenever it is asked for.
    pub fn manage_token(&self, rsvp: RsvpId, generation: u32, ends_at: Timestamp) -> String {
        self.manage_tokens.sign(rsvp, generation, ends_at)
    }

    /// What a manage token is for. One whose time is over is told as [`TokenError::ManageExpired`].
    pub fn manage(&self, token: &str) -> Result<ManageToken, TokenError> {
        self.manage_tokens.read(token, self.clock.now())
    }

    /// Whom an access token or a manage token speaks for.
    ///
    /// No token can be both, so asking for one kind after the other cannot take one for the other, and what is said
    /// of a token that is of one kind, but over, is said of that kind. Access tokens come first: they are the many.
    pub fn bearer(&self, token: &str) -> Result<Bearer, TokenError> {
        match self.caller(token) {
            Err(TokenError::Invalid) => self.manage(token).map(Bearer::Guest),
            caller => caller.map(Bearer::Account),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tempfile::TempDir;
    use turnout_actors::domain::UserId;
    use turnout_actors::testing::{CountingIds, ManualClock};
    use uuid::Uuid;

    use super::*;
    use crate::accounts::tokens::Tokens;
    use crate::accounts::{ACCESS_TTL_MS, Role, Session, User};
    use crate::config::{Config, Sources};
    use crate::store::Db;

    const DAY_S: u64 = 24 * 60 * 60;
    const ENDS_AT: Timestamp = Timestamp::from_millis(1_000_500);

    fn secret() -> Secret {
        Secret::new("s".repeat(32))
    }

    fn rsvp() -> RsvpId {
        RsvpId::from(Uuid::from_u128(7))
    }

    fn tokens(grace_days: u64) -> ManageTokens {
        ManageTokens::new(&secret(), Duration::from_secs(grace_days * DAY_S))
    }

    struct Held {
        access: String,
        refresh: String,
        manage: String,
    }

    /// One token of each kind, made at this time.
    fn held(sid: Uuid, now: Timestamp) -> Held {
        let user = User {
            id: UserId::from(Uuid::from_u128(1)),
            name: "Ada".to_owned(),
            email: "ada@example.com".to_owned(),
            role: Role::Member,
            created_at: now,
            updated_at: now,
        };
        let others = Tokens::new(&secret());
        Held {
            access: others.access(&user, sid, now),
            refresh: others.refresh(&Session::start(sid, user.id, now)),
            manage: tokens(7).sign(rsvp(), 3, now),
        }
    }

    async fn accounts(clock: Arc<ManualClock>) -> (TempDir, Accounts) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("x.db").display());
        let config = Config::load(Sources {
            environment: vec![("TURNOUT_DATABASE_URL".into(), url.into())],
            ..Sources::default()
        });
        let config = config.unwrap();
        let db = Db::open(&config.database, 1).await.unwrap();
        let (ids, grace) = (Arc::new(CountingIds::default()), config.manage_grace);
        let accounts = Accounts::open(db, clock, ids, &secret(), grace).await.unwrap();
        (folder, accounts)
    }

    #[test]
    fn a_manage_token_says_which_rsvp_and_generation_it_is_for() {
        let token = tokens(7).sign(rsvp(), 3, ENDS_AT);
        let expected = ManageToken {
            rsvp: rsvp(),
            generation: 3,
            expires_at: Timestamp::from_millis((7 * 24 * 60 * 60 + 1_000) * 1_000),
        };
        assert_eq!(tokens(7).read(&token, ENDS_AT), Ok(expected));
    }

    #[test]
    fn the_same_rsvp_has_the_same_manage_token_whenever_it_is_made() {
        let token = tokens(7).sign(rsvp(), 3, ENDS_AT);
        assert_eq!(tokens(7).sign(rsvp(), 3, ENDS_AT), token);
        assert_ne!(tokens(7).sign(rsvp(), 4, ENDS_AT), token);
    }

    #[test]
    fn a_manage_token_is_over_when_the_grace_after_the_activity_is() {
        for (days, ends_s) in [(0, 1_000), (1, 1_000 + DAY_S), (365, 1_000 + 365 * DAY_S)] {
            let token = tokens(days).sign(rsvp(), 1, ENDS_AT);
            let before = Timestamp::from_micros(time(ends_s).micros() - 1);
            assert!(tokens(days).read(&token, before).is_ok(), "{days}");
            assert_eq!(
                tokens(days).read(&token, time(ends_s)),
                Err(TokenError::ManageExpired)
            );
        }
    }

    #[test]
    fn a_manage_token_of_another_server_is_refused() {
        let theirs = ManageTokens::new(&Secret::new("t".repeat(32)), Duration::ZERO);
        let token = theirs.sign(rsvp(), 1, ENDS_AT);
        assert_eq!(
            tokens(7).read(&token, Timestamp::from_millis(0)),
            Err(TokenError::Invalid)
        );
    }

    #[test]
    fn access_refresh_and_manage_tokens_never_pass_as_one_another() {
        let (sid, now) = (Uuid::from_u128(2), Timestamp::from_millis(1_000));
        let (others, held) = (Tokens::new(&secret()), held(sid, now));
        assert_eq!(tokens(7).read(&held.access, now), Err(TokenError::Invalid));
        assert_eq!(tokens(7).read(&held.refresh, now), Err(TokenError::Invalid));
        assert_eq!(others.caller(&held.manage, now), Err(TokenError::Invalid));
        assert_eq!(others.session(&held.manage, now), Err(TokenError::Invalid));
    }

    #[tokio::test]
    async fn a_bearer_is_an_account_or_a_guest_and_nothing_else() {
        let now = Timestamp::from_millis(1_000);
        let (_folder, accounts) = accounts(Arc::new(ManualClock::at(now))).await;
        let held = held(Uuid::from_u128(2), now);

        let caller = accounts.caller(&held.access).unwrap();
        assert_eq!(accounts.bearer(&held.access), Ok(Bearer::Account(caller)));
        let token = accounts.manage(&held.manage).unwrap();
        assert_eq!(accounts.bearer(&held.manage), Ok(Bearer::Guest(token)));
        assert_eq!(accounts.manage_token(rsvp(), 3, now), held.manage);
        for other in [held.refresh.as_str(), "", "x.y.z", &held.manage[1..]] {
            assert_eq!(accounts.bearer(other), Err(TokenError::Invalid), "{other}");
        }
    }

    #[tokio::test]
    async fn a_bearer_whose_time_is_over_is_told_by_its_kind() {
        let (made, sid) = (Timestamp::from_millis(1_000), Uuid::from_u128(2));
        let clock = Arc::new(ManualClock::at(made));
        let (_folder, accounts) = accounts(clock.clone()).await;
        let held = held(sid, made);

        let caller = accounts.caller(&held.access).unwrap();
        accounts.logout(&caller).await.unwrap();
        assert_eq!(accounts.bearer(&held.access), Err(TokenError::Revoked));

        clock.set(made.plus_millis(ACCESS_TTL_MS));
        assert_eq!(accounts.bearer(&held.access), Err(TokenError::Expired));
        assert!(accounts.bearer(&held.manage).is_ok());

        clock.set(made.plus_millis(7 * 24 * 60 * 60 * 1_000));
        assert_eq!(accounts.bearer(&held.manage), Err(TokenError::ManageExpired));
        assert_eq!(accounts.manage(&held.manage), Err(TokenError::ManageExpired));
    }
}
