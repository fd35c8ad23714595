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
    /// By which it is changed; only whoever brought its person in is told it, and only then.
    #[serde(default)]
    pub manage_token: Option<String>,
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

    /// Gives the last of those who are told this manage token.
    fn hand_over(&mut self, token: String) {
        let rsvp = match self {
            Self::One(rsvp) => Some(&mut **rsvp),
            Self::Several(rsvps) => rsvps.last_mut(),
            Self::Each(_) => None,
        };
        if let Some(rsvp) = rsvp {
            rsvp.manage_token = Some(token);
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
    Refused {
        /// Why.
        error: Problem,
    },
}

impl SeenResult {
    fn rsvp(&self) -> Option<&SeenRsvp> {
        match self {
            Self::Done { rsvp } => Some(rsvp),
            Self::Refused { .. } => None,
        }
    }
}

/// An answer as it is written.
#[derive(Debug, Deserialize)]
struct AnswerAsSaid {
    rsvp: Option<Box<SeenRsvp>>,
    /// Who has it now, where it was handed on.
    recipient: Option<Box<SeenRsvp>>,
    rsvps: Option<Vec<SeenRsvp>>,
    results: Option<Vec<SeenResult>>,
    /// Of the recipient, or of the only one.
    manage_token: Option<String>,
    seq: u64,
    replayed: bool,
    #[serde(default)]
    already: bool,
    counts: SeenCounts,
}

impl TryFrom<AnswerAsSaid> for SeenAnswer {
    type Error = &'static str;

    fn try_from(said: AnswerAsSaid) -> Result<Self, Self::Error> {
        let mut told = match (said.rsvp, said.recipient) {
            (Some(rsvp), Some(recipient)) => SeenTold::of(None, Some(vec![*rsvp, *recipient]), said.results)?,
            (rsvp, _) => SeenTold::of(rsvp, said.rsvps, said.results)?,
        };
        if let Some(token) = said.manage_token {
            told.hand_over(token);
        }
        Ok(Self {
            told,
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn rsvp(name: &str, manage_token: Option<&str>) -> Value {
        let id = Uuid::from_u128(1);
        json!({"id": id, "activity_id": id, "email": "a@x.org", "name": name, "status": "confirmed", "guest_count": 0,
            "total_spots": 1, "version": 1, "manage_token": manage_token})
    }

    fn told(more: &Value) -> Result<SeenTold, serde_json::Error> {
        let counts = json!({"capacity": 1, "confirmed_spots": 1, "offered_spots": 0, "available_spots": 0,
            "waitlisted_parties": 0, "waitlisted_spots": 0, "seq": 1});
        let mut answer = json!({"seq": 1, "replayed": false, "counts": counts});
        answer
            .as_object_mut()
            .unwrap()
            .append(&mut more.as_object().unwrap().clone());
        serde_json::from_value::<SeenAnswer>(answer).map(|answer| answer.told)
    }

    fn tokens(told: &SeenTold) -> Vec<(&str, Option<&str>)> {
        let rsvps = told.rsvps().into_iter();
        rsvps
            .map(|rsvp| (rsvp.name.as_str(), rsvp.manage_token.as_deref()))
            .collect()
    }

    #[test]
    fn who_was_brought_in_has_the_token_that_is_told_beside() {
        let alone = told(&json!({"rsvp": rsvp("Amy", None), "manage_token": "t"})).unwrap();
        assert_eq!(tokens(&alone), [("Amy", Some("t"))]);
        let handed_on =
            json!({"rsvp": rsvp("Amy", None), "recipient": rsvp("Ben", None), "manage_token": "t"});
        let handed_on = told(&handed_on).unwrap();
        assert!(matches!(handed_on, SeenTold::Several(_)));
        assert_eq!(tokens(&handed_on), [("Amy", None), ("Ben", Some("t"))]);
    }

    #[test]
    fn of_several_each_for_itself_those_who_are_refused_have_a_code() {
        let results =
            json!([{"rsvp": rsvp("Amy", Some("t"))}, {"error": {"code": "already_reserved", "status": 409}}]);
        let told = told(&json!({"results": results})).unwrap();
        assert_eq!(tokens(&told), [("Amy", Some("t"))]);
        let SeenTold::Each(results) = &told else {
            panic!("each for itself");
        };
        let code = "already_reserved".to_owned();
        assert_eq!(
            results[1],
            SeenResult::Refused {
                error: Problem { code }
            }
        );
    }

    #[test]
    fn an_answer_that_tells_nobody_cannot_be_understood() {
        assert!(told(&json!({})).is_err());
    }
}
