//! What can be asked of an activity. It must not judge.

use super::settings::SettingsChange;

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
    /// Take spots, or places in the line, for several people; whoever asks is their booker.
    ReserveGroup {
        /// Who comes.
        members: Vec<Member>,
        /// Together or each alone.
        mode: GroupMode,
    },
    /// Change an RSVP; what is `None` stays.
    Update {
        /// Whose RSVP.
        person: String,
        /// The new number of guests.
        guest_count: Option<u32>,
        /// The new text; `Some(None)` removes it.
        special_requirements: Option<Option<String>>,
        /// The new name; only people without an account have one that may change here.
        name: Option<String>,
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
    /// Take what is offered, for the whole party.
    Accept {
        /// Whose RSVP: that of any member of the party.
        person: String,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Give back what is offered, for the whole party.
    Decline {
        /// Whose RSVP: that of any member of the party.
        person: String,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Give the seat, or the place in the line, to somebody else.
    Transfer {
        /// Whose RSVP.
        person: String,
        /// Who has it then.
        to: String,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Somebody is at the door.
    CheckIn {
        /// Who.
        person: String,
        /// The generation in the code that was shown; none where no code was.
        generation: Option<u64>,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Somebody was not at the door after all.
    UndoCheckIn {
        /// Who.
        person: String,
        /// Only if the RSVP has this version.
        if_version: Option<u64>,
    },
    /// Promote by hand.
    Promote(Which),
    /// Take some out and promote others by hand, all of it or nothing.
    Bulk {
        /// Who is promoted.
        promote: Vec<String>,
        /// Whose RSVPs are cancelled first.
        remove: Vec<String>,
    },
    /// End every offer that is over.
    Expire,
    /// Change the activity, pausing and resuming the waitlist included.
    ChangeSettings(SettingsChange),
    /// End the activity for good.
    CancelActivity,
}

/// One of several people who come.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Member {
    /// Who comes: an e-mail address.
    pub person: String,
    /// With how many guests.
    pub guest_count: u32,
}

/// How several people come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GroupMode {
    /// As one party: all of them or none.
    All,
    /// Each as a party of its own.
    Each,
}

/// Whom the host promotes by hand.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Which {
    /// The parties of these people.
    These(Vec<String>),
    /// So many parties from the front of the line.
    Next(u32),
}

impl Command {
    /// Whose RSVP the command is about; nobody's where it is about several or about the activity.
    pub fn person(&self) -> Option<&str> {
        match self {
            Self::Reserve { person, .. }
            | Self::Update { person, .. }
            | Self::Cancel { person, .. }
            | Self::Accept { person, .. }
            | Self::Decline { person, .. }
            | Self::Transfer { person, .. }
            | Self::CheckIn { person, .. }
            | Self::UndoCheckIn { person, .. } => Some(person),
            Self::ReserveGroup { .. }
            | Self::Promote(_)
            | Self::Bulk { .. }
            | Self::Expire
            | Self::ChangeSettings(_)
            | Self::CancelActivity => None,
        }
    }

    /// The operation and its arguments without the version asked for: what a key stands for.
    pub(super) fn fingerprint(&self) -> Self {
        let mut fingerprint = self.clone();
        match &mut fingerprint {
            // In which role somebody cancels is no argument: it may have changed since.
            Self::Cancel {
                if_version, by_host, ..
            } => {
                *if_version = None;
                *by_host = false;
            }
            Self::Update { if_version, .. }
            | Self::Accept { if_version, .. }
            | Self::Decline { if_version, .. }
            | Self::Transfer { if_version, .. }
            | Self::CheckIn { if_version, .. }
            | Self::UndoCheckIn { if_version, .. } => *if_version = None,
            _ => {}
        }
        fingerprint
    }
}
