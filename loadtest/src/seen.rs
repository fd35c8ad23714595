//! What the server shows of an activity, in the shapes of its REST contract, as far as the verdict needs
//! them. Fields that nobody checks are not read; those that are read must be there.

use std::fmt;

use serde::Deserialize;
use uuid::Uuid;

/// The status of an RSVP as the server calls it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the contract")]
pub enum SeenStatus {
    Confirmed,
    Waitlisted,
    Offered,
    Cancelled,
}

impl SeenStatus {
    /// The word of the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Waitlisted => "waitlisted",
            Self::Offered => "offered",
            Self::Cancelled => "cancelled",
        }
    }
}

impl fmt::Display for SeenStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An RSVP.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenRsvp {
    pub id: Uuid,
    pub activity_id: Uuid,
    pub user_id: Option<Uuid>,
    /// Only its own person and the host see it.
    pub email: Option<String>,
    pub name: String,
    pub booked_by: Option<Uuid>,
    pub status: SeenStatus,
    pub guest_count: u32,
    pub total_spots: u64,
    pub position: Option<u64>,
    pub parties_ahead: Option<u64>,
    pub spots_ahead: Option<u64>,
    /// As it is written: in UTC with milliseconds.
    pub offer_expires_at: Option<String>,
    pub group_id: Option<Uuid>,
    pub special_requirements: Option<String>,
    /// As it is written: in UTC with milliseconds.
    pub checked_in_at: Option<String>,
    pub cancel_reason: Option<String>,
    pub version: u64,
}

impl SeenRsvp {
    /// Whose it is: a user id as text, an e-mail address, or at least the RSVP's own id.
    pub fn person(&self) -> String {
        match (self.user_id, &self.email) {
            (Some(user_id), _) => user_id.to_string(),
            (None, Some(email)) => email.clone(),
            (None, None) => self.id.to_string(),
        }
    }
}

/// The counts beside an answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenCounts {
    pub capacity: u64,
    pub confirmed_spots: u64,
    pub offered_spots: u64,
    pub available_spots: u64,
    pub waitlisted_parties: u64,
    pub waitlisted_spots: u64,
    pub seq: u64,
}

/// The answer to a command about RSVPs.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "AnswerAsSaid")]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenAnswer {
    pub told: SeenTold,
    pub seq: u64,
    pub replayed: bool,
    /// Whether what was asked for was so before.
    pub already: bool,
    pub counts: SeenCounts,
    /// What is not in the body; none where the answer did not come over HTTP.
    pub head: Option<SeenHead>,
}

/// What an answer tells of RSVPs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum SeenTold {
    /// The command was about one.
    One(Box<SeenRsvp>),
    /// It was about several.
    Several(Vec<SeenRsvp>),
    /// It was about several, each for itself.
    Each(Vec<SeenResult>),
}

impl SeenTold {
    /// Exactly one of the three must be there.
    pub(crate) fn of(
        rsvp: Option<Box<SeenRsvp>>,
        rsvps: Option<Vec<SeenRsvp>>,
        results: Option<Vec<SeenResult>>,
    ) -> Result<Self, &'static str> {
        match (rsvp, rsvps, results) {
            (Some(rsvp), None, None) => Ok(Self::One(rsvp)),
            (None, Some(rsvps), None) => Ok(Self::Several(rsvps)),
            (None, None, Some(results)) => Ok(Self::Each(results)),
            _ => Err("there must be one of `rsvp`, `rsvps` and `results`"),
        }
    }

    /// Every RSVP that is told.
    pub fn rsvps(&self) -> Vec<&SeenRsvp> {
        match self {
            Self::One(rsvp) => vec![rsvp],
            Self::Several(rsvps) => rsvps.iter().collect(),
            Self::Each(results) => results.iter().filter_map(SeenResult::rsvp).collect(),
        }
    }
}

/// What became of one of several, each for itself.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(untagged)]
pub enum SeenResult {
    /// It was done.
    Done {
        /// The RSVP.
        rsvp: Box<SeenRsvp>,
    },
    /// It was refused.
    Refused(Problem),
}

impl SeenResult {
    fn rsvp(&self) -> Option<&SeenRsvp> {
        match self {
            Self::Done { rsvp } => Some(rsvp),
            Self::Refused(_) => None,
        }
    }
}

/// An answer as it is written.
#[derive(Debug, Deserialize)]
struct AnswerAsSaid {
    rsvp: Option<Box<SeenRsvp>>,
    rsvps: Option<Vec<SeenRsvp>>,
    results: Option<Vec<SeenResult>>,
    seq: u64,
    replayed: bool,
    #[serde(default)]
    already: bool,
    counts: SeenCounts,
}

impl TryFrom<AnswerAsSaid> for SeenAnswer {
    type Error = &'static str;

    fn try_from(said: AnswerAsSaid) -> Result<Self, Self::Error> {
        Ok(Self {
            told: SeenTold::of(said.rsvp, said.rsvps, said.results)?,
            seq: said.seq,
            replayed: said.replayed,
            already: said.already,
            counts: said.counts,
            head: None,
        })
    }
}

/// What HTTP says beside the body of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the words of HTTP")]
pub struct SeenHead {
    pub status: u16,
    pub etag: Option<String>,
}

/// The activity with its counts.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenActivity {
    pub id: Uuid,
    pub status: String,
    pub checked_in_spots: Option<u64>,
    #[serde(flatten)]
    pub counts: SeenCounts,
}

/// The waitlist, as the host sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenWaitlist {
    pub parties: u64,
    pub spots: u64,
    pub paused: bool,
    /// Who waits, in order.
    pub entries: Vec<SeenEntry>,
}

/// One entry of the waitlist, as the host sees it.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenEntry {
    #[serde(flatten)]
    pub rsvp: SeenRsvp,
    pub ticket: u64,
}

/// One event of the decision log.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[expect(missing_docs, reason = "the fields of the contract")]
pub struct SeenEvent {
    pub seq: u64,
    /// As it is written: in UTC with milliseconds, so later times are later texts.
    pub at: String,
    pub kind: String,
    pub rsvp_id: Option<Uuid>,
    pub actor: String,
    pub previous_status: Option<String>,
    pub status: Option<String>,
    pub spots: Option<u64>,
    pub ticket: Option<u64>,
    pub reason: Option<String>,
}

/// Everything about an activity that was read back when nothing was going on any more.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastState {
    /// The activity with its counts.
    pub activity: SeenActivity,
    /// Every RSVP, cancelled ones too.
    pub rsvps: Vec<SeenRsvp>,
    /// The waitlist.
    pub waitlist: SeenWaitlist,
    /// The decision log in its order.
    pub events: Vec<SeenEvent>,
}

/// The body of a refusal.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
pub struct Problem {
    /// The stable code.
    pub code: String,
}
