//! Tokens for single activities, beside the identity of the socket: whoever subscribes with one sees the activity and
//! commands it as the token's holder, until they unsubscribe.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::time::Instant;
use turnout_actors::domain::ActivityId;

use super::Session;
use super::deadlines::in_ms;
use crate::accounts::{Bearer, TokenError};
use crate::api::{Code, Problem};
use crate::state::AppState;
use crate::ws::limits::GRANTS_MAX;
use crate::ws::sockets::SessionEntry;
use crate::ws::subscription::Subscription;

/// Somebody who is there for one activity alone.
pub(super) struct Grant {
    pub(super) bearer: Bearer,
    ends_at: Instant,
    /// Has the socket woken when the session ends that the token belongs to.
    _of_session: Option<SessionEntry>,
}

/// Who speaks for which activity. A token that does not hold is remembered like one that does: what was meant to be said
/// by its holder must not be taken as said by whoever the socket belongs to.
pub(super) type Grants = HashMap<ActivityId, Result<Arc<Grant>, Problem>>;

impl Grant {
    /// Finds out whether the token still holds. Whether the RSVP that it is for has a later generation by now is seen by
    /// whoever looks at the RSVP.
    pub(super) fn check(&self, state: &AppState) -> Result<(), Problem> {
        if self.ends_at <= Instant::now() || self.bearer.expires_at() <= state.clock.now() {
            return Err(self.bearer.when_over().into());
        }
        match &self.bearer {
            Bearer::Account(caller) if state.accounts.is_revoked(caller.sid) => {
                Err(TokenError::Revoked.into())
            }
            Bearer::Account(_) | Bearer::Guest(_) => Ok(()),
        }
    }
}

impl Session {
    /// Takes what a subscription says of who it is for: the holder of a token speaks for the activity from now on, and
    /// where there is none whoever the socket belongs to does.
    pub(super) fn grant(
        &mut self,
        activity: ActivityId,
        token: Option<&str>,
    ) -> Result<Option<Arc<Grant>>, Problem> {
        let Some(token) = token else {
            self.grants.remove(&activity);
            return Ok(None);
        };
        if self.grants.len() >= GRANTS_MAX && !self.grants.contains_key(&activity) {
            return Err(Problem::new(Code::TooManySubscriptions)
                .detail("This socket holds as many tokens for single activities as it may.")
                .with("limit", GRANTS_MAX));
        }
        let grant = self.read_grant(token);
        self.grants.insert(activity, grant.clone());
        grant.map(Some)
    }

    fn read_grant(&self, token: &str) -> Result<Arc<Grant>, Problem> {
        let bearer = self.state.accounts.bearer(token).map_err(Problem::from)?;
        let of_session = match &bearer {
            Bearer::Account(caller) => Some(self.state.sockets.of_session(caller.sid, &self.socket)),
            Bearer::Guest(_) => None,
        };
        let left_ms = bearer.expires_at().millis_after(self.state.clock.now());
        Ok(Arc::new(Grant {
            bearer,
            ends_at: in_ms(left_ms),
            _of_session: of_session,
        }))
    }

    /// Who gives commands to an activity on this socket.
    pub(super) fn speaker(&self, activity: ActivityId) -> Result<&Bearer, Problem> {
        match self.grants.get(&activity) {
            Some(Ok(grant)) => grant.check(&self.state).map(|()| &grant.bearer),
            Some(Err(problem)) => Err(problem.clone()),
            None => self.known_bearer(),
        }
    }

    /// Finds out whether the token still holds by which a subscription sees, if it has one of its own.
    pub(super) fn check_grant(&self, subscription: &Arc<Subscription>) -> Result<(), Problem> {
        let mut followed = self.followed.iter();
        let grant = followed
            .find(|followed| Arc::ptr_eq(followed.subscription(), subscription))
            .and_then(|followed| followed.grant.as_ref());
        grant.map_or(Ok(()), |grant| grant.check(&self.state))
    }

    /// Ends the subscriptions whose own tokens do not hold any more.
    pub(super) fn end_grants(&mut self) {
        let over = self.followed.iter().filter_map(|followed| {
            let problem = followed.grant.as_ref()?.check(&self.state).err()?;
            Some((followed.subscription().clone(), problem))
        });
        for (subscription, problem) in over.collect::<Vec<_>>() {
            self.end(&subscription, &problem);
        }
    }

    /// Has the task wake up when the first of these tokens ends.
    pub(super) fn mind_grants(&mut self) {
        let grants = self
            .followed
            .iter()
            .filter_map(|followed| followed.grant.as_ref());
        self.deadlines.grant_ends_at = grants.map(|grant| grant.ends_at).min();
    }
}
