//! Under which circumstances a command arrives: when, by whom, with which key. It must not judge.

use super::command::Command;

/// A command, and under which circumstances it arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The stamp, in microseconds since 1970.
    pub at_us: i64,
    /// Whether a host or an administrator asks: they may do nearly everything and are exempt from time windows.
    pub by_host: bool,
    /// Whether time itself asks: only for offers that are over.
    pub by_system: bool,
    /// Who asks; none is somebody who may.
    pub by: Option<String>,
    /// The generation in the manage token with which a guest asks; a guest without one is a visitor.
    pub generation: Option<u64>,
    /// Only if the activity has this version; for commands about the activity as a whole.
    pub if_version: Option<u64>,
    /// The idempotency key, if any.
    pub key: Option<IdempotencyKey>,
    /// What is asked.
    pub command: Command,
}

impl Request {
    /// A request without a key by somebody who may ask it but is not a host.
    pub fn new(at_us: i64, command: Command) -> Self {
        Self {
            at_us,
            by_host: false,
            by_system: false,
            by: None,
            generation: None,
            if_version: None,
            key: None,
            command,
        }
    }

    /// The same request made by a host.
    #[must_use]
    pub fn by_host(self) -> Self {
        Self {
            by_host: true,
            ..self
        }
    }

    /// The same request made by time itself.
    #[must_use]
    pub fn by_system(self) -> Self {
        Self {
            by_system: true,
            ..self
        }
    }

    /// The same request made by this person.
    #[must_use]
    pub fn by(self, person: impl Into<String>) -> Self {
        Self {
            by: Some(person.into()),
            ..self
        }
    }

    /// The same request made by manage token: by one for this generation of the RSVP of whoever asks.
    #[must_use]
    pub fn with_token_of(self, generation: u64) -> Self {
        Self {
            generation: Some(generation),
            ..self
        }
    }

    /// The same request, only for an activity of this version.
    #[must_use]
    pub fn if_version(self, version: u64) -> Self {
        Self {
            if_version: Some(version),
            ..self
        }
    }

    /// The same request with an idempotency key of `principal`.
    #[must_use]
    pub fn with_key(self, principal: impl Into<String>, key: impl Into<String>) -> Self {
        Self {
            key: Some(IdempotencyKey {
                principal: principal.into(),
                key: key.into(),
            }),
            ..self
        }
    }
}

/// A key is scoped to whoever asks: two principals may use the same one for different things.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct IdempotencyKey {
    /// Who asks.
    pub principal: String,
    /// What they call this command.
    pub key: String,
}
