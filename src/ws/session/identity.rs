//! Who is at the other end of a socket, and for how long that holds.

use std::sync::Arc;

use tokio::time::Instant;
use turnout_actors::domain::{Person, Principal, Timestamp};

use super::Session;
use crate::accounts::Caller;
use crate::api::{Code, Problem};
use crate::ws::close::Close;
use crate::ws::limits::EXPIRY_NOTICE;
use crate::ws::outgoing;
use crate::ws::sockets::PersonEntry;

/// Somebody who has proved who they are.
pub(super) struct Identity {
    pub(super) caller: Caller,
    entry: PersonEntry,
}

impl Identity {
    pub(super) fn principal(&self) -> Principal {
        self.caller.principal()
    }

    pub(super) fn person(&self) -> Person {
        Person::User(self.caller.user)
    }

    pub(super) fn ends_in_ms(&self, now: Timestamp) -> u64 {
        self.caller.expires_at.millis_after(now)
    }

    /// Whether the session that the token belongs to was ended.
    pub(super) fn is_revoked(&self) -> bool {
        self.entry.is_revoked()
    }
}

impl Session {
    /// Takes a token: it says who is there, or that they are still there.
    pub(super) fn token(&mut self, token: &str) -> Result<(), Problem> {
        let caller = self.state.accounts.caller(token).map_err(Problem::from)?;
        if self
            .identity
            .as_ref()
            .is_some_and(|identity| identity.caller.user != caller.user)
        {
            let problem = Problem::new(Code::Forbidden);
            return Err(problem.detail("This socket belongs to somebody else; open another one."));
        }
        self.identify(caller);
        Ok(())
    }

    /// Knows from now on who is there.
    pub(super) fn identify(&mut self, caller: Caller) {
        let now = self.state.clock.now();
        self.deadlines
            .token_ends_in(Instant::now(), caller.expires_at.millis_after(now), EXPIRY_NOTICE);
        // The place of the old token is given back first, so that a refresh needs no second one.
        self.identity = None;
        let sockets = Arc::clone(&self.state.sockets);
        match sockets.belong(caller.user, caller.sid, &self.socket) {
            Some(entry) => {
                // The session may have been ended before it was known here who is there.
                let is_revoked = self.state.accounts.is_revoked(caller.sid);
                self.identity = Some(Identity { caller, entry });
                if is_revoked {
                    self.close(Close::Revoked);
                }
            }
            None => self.close(Close::TooManySockets),
        }
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
