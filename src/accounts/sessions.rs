//! Sessions: one per log-in, kept alive by refresh tokens that are used once.
//!
//! Every refresh hands out the token of the next generation. Whoever presents one that was used before has a
//! copy, or is the one copied from; nobody can tell which, so the session ends for both. For a moment the
//! previous token is forgiven and gives the same successor again: two tabs refresh at once, and answers are
//! lost on the way.

use turnout_actors::domain::{Timestamp, UserId};
use uuid::Uuid;

use super::{ACCESS_TTL_MS, AccountError, Accounts, MAX_SESSIONS_PER_USER, REFRESH_TTL_MS};
use super::{SignedIn, TokenError, User};
use crate::store::accounts as rows;

/// How long the previous refresh token gives the same successor.
const FORGIVEN_MS: i64 = 60 * 1_000;

/// A session as stored.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Session {
    /// Its id, which all of its tokens carry.
    pub sid: Uuid,
    /// The account.
    pub user: UserId,
    /// How often it was refreshed.
    pub generation: i64,
    /// When it was last refreshed, or begun.
    pub rotated_at: Timestamp,
    /// When its refresh token expires.
    pub expires_at: Timestamp,
}

/// What a refresh token of some generation means for its session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Rotation {
    /// It is the newest: the session goes on as `to`.
    Advance {
        /// The session after the refresh.
        to: Session,
    },
    /// It is the one before, and was used a moment ago: its successor is given again.
    Repeat,
    /// It was used before: the session must end.
    Reused,
    /// The session is over.
    Expired,
}

impl Session {
    /// A session that begins now.
    pub fn start(sid: Uuid, user: UserId, now: Timestamp) -> Self {
        Self {
            sid,
            user,
            generation: 0,
            rotated_at: now,
            expires_at: now.plus_millis(REFRESH_TTL_MS),
        }
    }

    /// What a refresh token of this generation means now.
    pub fn judge(&self, generation: i64, now: Timestamp) -> Rotation {
        if self.expires_at <= now {
            Rotation::Expired
        } else if generation == self.generation {
            let to = Self {
                generation: generation + 1,
                ..Self::start(self.sid, self.user, now)
            };
            Rotation::Advance { to }
        } else if generation + 1 == self.generation && now <= self.rotated_at.plus_millis(FORGIVEN_MS) {
            Rotation::Repeat
        } else {
            Rotation::Reused
        }
    }
}

impl Accounts {
    /// New tokens for a refresh token.
    pub async fn refresh(&self, refresh_token: &str) -> Result<SignedIn, AccountError> {
        let now = self.clock.now();
        let (sid, generation) = self.tokens.session(refresh_token, now)?;
        let judge = |session: &Session| session.judge(generation, now);
        match rows::rotate_session(&self.db, sid, judge).await? {
            Some((session, stored, Rotation::Advance { .. } | Rotation::Repeat)) => {
                Ok(self.signed_in(stored.user, &session, now))
            }
            Some((_, _, Rotation::Reused)) => {
                tracing::warn!(session.id = %sid, "a refresh token was used twice; its session has ended");
                self.end_session(sid, now.plus_millis(ACCESS_TTL_MS), now).await?;
                Err(TokenError::Revoked.into())
            }
            Some((_, _, Rotation::Expired)) => Err(TokenError::Expired.into()),
            // The token is ours and not over, so its session was ended.
            None => Err(TokenError::Revoked.into()),
        }
    }

    /// Ends a session, of which no access token is valid after `forget_at`.
    ///
    /// In a task of its own: when the client goes away in the middle, the memory of this process must not be
    /// left believing in a session that the database has ended.
    pub(super) async fn end_session(
        &self,
        sid: Uuid,
        forget_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), AccountError> {
        let (db, revocations) = (self.db.clone(), self.revocations.clone());
        let ending = tokio::spawn(async move {
            rows::end_session(&db, sid, now, forget_at).await?;
            revocations.add(sid, forget_at, now);
            Ok(())
        });
        ending
            .await
            .expect("ending a session does not panic and is not cancelled")
    }

    pub(super) async fn start_session(&self, user: User) -> Result<SignedIn, AccountError> {
        let session = self.new_session(&user);
        let now = session.rotated_at;
        rows::insert_session(&self.db, &session, now, MAX_SESSIONS_PER_USER).await?;
        Ok(self.signed_in(user, &session, now))
    }

    /// A session that begins now.
    pub(super) fn new_session(&self, user: &User) -> Session {
        Session::start(self.ids.next(), user.id, self.clock.now())
    }

    pub(super) fn signed_in(&self, user: User, session: &Session, now: Timestamp) -> SignedIn {
        SignedIn {
            access_token: self.tokens.access(&user, session.sid, now),
            refresh_token: self.tokens.refresh(session),
            expires_in_s: ACCESS_TTL_MS as u64 / 1_000,
            user,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_000_000);

    fn after_one_refresh(now: Timestamp) -> Session {
        let session = Session::start(Uuid::from_u128(1), UserId::from(Uuid::from_u128(2)), START);
        match session.judge(0, now) {
            Rotation::Advance { to } => to,
            other => panic!("the newest token advances the session, not {other:?}"),
        }
    }

    #[test]
    fn the_newest_token_advances_and_prolongs_the_session() {
        let now = START.plus_millis(5_000);
        let session = after_one_refresh(now);
        assert_eq!((session.generation, session.rotated_at), (1, now));
        assert_eq!(session.expires_at, now.plus_millis(REFRESH_TTL_MS));
    }

    #[test]
    fn the_previous_token_is_forgiven_for_a_minute_and_older_ones_never() {
        let session = after_one_refresh(START);
        for (generation, after_ms, expected) in [
            (0, 0, Rotation::Repeat),
            (0, 60_000, Rotation::Repeat),
            (0, 60_001, Rotation::Reused),
            (-1, 0, Rotation::Reused),
            (2, 0, Rotation::Reused),
        ] {
            let now = START.plus_millis(after_ms);
            assert_eq!(
                session.judge(generation, now),
                expected,
                "{generation} after {after_ms} ms"
            );
        }
    }

    #[test]
    fn no_token_revives_a_session_that_is_over() {
        let session = after_one_refresh(START);
        assert_eq!(
            session.judge(1, START.plus_millis(REFRESH_TTL_MS)),
            Rotation::Expired
        );
        assert_eq!(
            session.judge(0, START.plus_millis(REFRESH_TTL_MS)),
            Rotation::Expired
        );
    }
}
