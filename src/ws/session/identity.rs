//! Who is at the other end of a socket, and for how long that holds.

use std::sync::Arc;

use tokio::time::Instant;
use turnout_actors::domain::Timestamp;

use super::Session;
use crate::accounts::Bearer;
use crate::api::{Code, Problem};
use crate::ws::close::Close;
use crate::ws::limits::EXPIRY_NOTICE;
use crate::ws::outgoing;
use crate::ws::sockets::{Holder, PersonEntry};

/// Somebody who has proved who they are.
pub(super) struct Identity {
    pub(super) bearer: Bearer,
    entry: PersonEntry,
}

impl Identity {
    pub(super) fn ends_in_ms(&self, now: Timestamp) -> u64 {
        self.bearer.expires_at().millis_after(now)
    }

    /// Whether the session that the token belongs to was ended.
    pub(super) fn is_revoked(&self) -> bool {
        self.entry.is_revoked()
    }
}

impl Session {
    /// Takes a token: it says who is there, or that they are still there.
    pub(super) fn token(&mut self, token: &str) -> Result<(), Problem> {
        let bearer = self.state.accounts.bearer(token).map_err(Problem::from)?;
        if self
            .identity
            .as_ref()
            .is_some_and(|identity| Holder::of(&identity.bearer) != Holder::of(&bearer))
        {
            let problem = Problem::new(Code::Forbidden);
            return Err(problem.detail("This socket belongs to somebody else; open another one."));
        }
        self.identify(bearer);
        Ok(())
    }

    /// Knows from now on who is there.
    pub(super) fn identify(&mut self, bearer: Bearer) {
        let now = self.state.clock.now();
        self.deadlines.token_ends_in(
            Instant::now(),
            bearer.expires_at().millis_after(now),
            EXPIRY_NOTICE,
        );
        // The place of the old token is given back first, so that a refresh needs no second one.
        self.identity = None;
        let sockets = Arc::clone(&self.state.sockets);
        let sid = match &bearer {
            Bearer::Account(caller) => Some(caller.sid),
            Bearer::Guest(_) => None,
        };
        match sockets.belong(Holder::of(&bearer), sid, &self.socket) {
            Some(entry) => {
                // The session may have been ended before it was known here who is there.
                let is_revoked = sid.is_some_and(|sid| self.state.accounts.is_revoked(sid));
                self.identity = Some(Identity { bearer, entry });
                if is_revoked {
                    self.close(Close::Revoked);
                }
            }
            None => self.close(Close::TooManySockets),
        }
    }

    /// The token is over by which the socket has its identity. Whoever has an account comes back with a new one; that
    /// of a guest has no successor.
    pub(super) fn token_is_over(&mut self) {
        let over = self.identity.as_ref().map(|identity| &identity.bearer);
        match over {
            Some(bearer @ Bearer::Guest(_)) => {
                self.refused(None, &bearer.when_over().into());
                self.close(Close::Unauthenticated);
            }
            _ => self.close(Close::TokenExpired),
        }
    }

    /// Whoever the socket belongs to.
    pub(super) fn known_bearer(&self) -> Result<&Bearer, Problem> {
        let identity = self.identity.as_ref();
        let identity = identity.ok_or_else(|| Problem::new(Code::Unauthenticated))?;
        if identity.is_revoked() {
            return Err(Problem::new(Code::TokenRevoked));
        }
        Ok(&identity.bearer)
    }

    /// Answers a message that brings a token.
    pub(super) fn authenticate(&mut self, id: &str, token: &str) {
        match self.token(token) {
            Err(problem) => self.refused(Some(id), &problem),
            Ok(()) => {
                let now = self.state.clock.now();
                let ends = self
                    .identity
                    .as_ref()
                    .map_or(0, |identity| identity.ends_in_ms(now));
                self.say(&outgoing::Done::new(id).expiring_in_ms(ends));
                self.see_anew();
            }
        }
    }
}
