//! What can be asked of an activity. It must not judge.

use super::settings::SettingsChange;

/// A command, and under which circumstances it arrives.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Request {
    /// The stamp, in microseconds since 1970.
    pub at_us: i64,
    /// Whether a host or an administrator asks: they may do everything and are exempt from time windows.
    pub by_host: bool,
    /// Who asks; none is somebody who may.
    pub by: Option<String>,
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
            by: None,
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

    /// The same request made by this person.
    #[must_use]
    pub fn by(self, person: impl Into<String>) -> Self {
        Self {
            by: Some(person.into()),
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

/// What is asked of the activity.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Command {
    /// Take spots, or a place in the line.
    Reserve {
        /// Who comes.
        person: String,
        /// With how many guests.
        guest_count: u32,
        /// What they ask for.
        special_requirements: Option<String>,
    },
    /// Change an RSVP; what is `None` stays.
    Update {
        /// Whose RSVP.
        person: String,
        /// The new number of guests.
        guest_count: Option<u32>,
        /// The new text; `Some(None)` removes it.
        special_requirements: Option<Option<String>>,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Give an RSVP back.
    Cancel {
        /// Whose RSVP.
        person: String,
        /// Whether the host takes it: that is the reason recorded, and no time window binds.
        by_host: bool,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Change the activity, pausing and resuming the waitlist included.
    ChangeSettings(SettingsChange),
    /// End the activity for good.
    CancelActivity,
}

impl Command {
    /// Whose RSVP the command is about.
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Reserve { person, .. } | Self::Update { person, .. } | Self::Cancel { person, .. } => {
                Some(person)
            }
            Self::ChangeSettings(_) | Self::CancelActivity => None,
        }
    }

    /// The operation and its arguments without the version asked for: what a key stands for.
    pub(super) fn fingerprint(&self) -> Self {
        let mut fingerprint = self.clone();
        match &mut fingerprint {
            Self::Update { if_version, .. } | Self::Cancel { if_version, .. } => *if_version = None,
            Self::Reserve { .. } | Self::ChangeSettings(_) | Self::CancelActivity => {}
        }
        fingerprint
    }
}
