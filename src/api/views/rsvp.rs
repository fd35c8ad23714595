//! An RSVP as clients see it, and the answer to a command about one.

use serde::Serialize;
use turnout_actors::domain::{ActivityId, Ahead, Answered, Person, RsvpId, Seq, Ticket, Timestamp, UserId};

use crate::api::time::Time;

/// An RSVP as its own person and the host see it, or whoever booked it. `null` stands for what does not apply.
#[derive(Serialize)]
pub(crate) struct RsvpView<'a> {
    id: RsvpId,
    activity_id: ActivityId,
    user_id: Option<UserId>,
    name: &'a str,
    email: Option<&'a str>,
    booked_by: Option<UserId>,
    status: &'static str,
    guest_count: u16,
    total_spots: u32,
    position: Option<u64>,
    parties_ahead: Option<u64>,
    spots_ahead: Option<u64>,
    offer_expires_at: Option<Time>,
    offer_in_ms: Option<u64>,
    group_id: Option<uuid::Uuid>,
    special_requirements: Option<&'a str>,
    checked_in_at: Option<Time>,
    cancel_reason: Option<&'static str>,
    version: u32,
    created_at: Time,
    updated_at: Time,
    /// For whoever brought in somebody without an account, to be handed on.
    #[serde(skip_serializing_if = "Option::is_none")]
    manage_token: Option<String>,
}

impl<'a> RsvpView<'a> {
    /// How it looks at this time.
    pub(crate) fn new(activity: ActivityId, answered: &'a Answered, now: Timestamp) -> Self {
        let Answered { rsvp, ahead } = answered;
        let (user_id, email) = match &rsvp.person {
            Person::User(user) => (Some(*user), None),
            Person::Guest(email) => (None, Some(email.as_str())),
        };
        Self {
            id: rsvp.id,
            activity_id: activity,
            user_id,
            name: &rsvp.name,
            email,
            booked_by: rsvp.booked_by(),
            status: rsvp.status.name(),
            guest_count: rsvp.guest_count,
            total_spots: rsvp.spots(),
            position: ahead.map(position),
            parties_ahead: ahead.map(|ahead| ahead.parties),
            spots_ahead: ahead.map(|ahead| ahead.spots),
            offer_expires_at: rsvp.offer_expires_at().map(Time),
            offer_in_ms: rsvp.offer_expires_at().map(|end| end.millis_after(now)),
            group_id: rsvp.group().map(turnout_actors::domain::GroupId::uuid),
            special_requirements: rsvp.special_requirements().map(AsRef::as_ref),
            checked_in_at: rsvp.checked_in_at().map(Time),
            cancel_reason: rsvp
                .status
                .cancel_reason()
                .map(turnout_actors::domain::CancelReason::name),
            version: rsvp.version,
            created_at: Time(rsvp.created_at),
            updated_at: Time(rsvp.updated_at),
            manage_token: None,
        }
    }

    /// As whoever booked it for somebody else sees it: without what is for its own person and the host.
    pub(crate) fn for_booker(self) -> Self {
        Self {
            email: None,
            special_requirements: None,
            ..self
        }
    }

    /// As it was when its person had just come in.
    pub(super) fn without_wishes(self) -> Self {
        Self {
            special_requirements: None,
            ..self
        }
    }

    /// Its version.
    pub(super) fn version(&self) -> u32 {
        self.version
    }

    pub(super) fn set_manage_token(&mut self, token: Option<String>) {
        self.manage_token = token;
    }
}

/// A place in the line, from 1.
fn position(ahead: Ahead) -> u64 {
    ahead.parties + 1
}

/// A waiting RSVP with its ticket, for the host.
#[derive(Serialize)]
pub(crate) struct TicketedRsvpView<'a> {
    #[serde(flatten)]
    rsvp: RsvpView<'a>,
    ticket: Ticket,
}

impl<'a> TicketedRsvpView<'a> {
    pub(crate) fn new(activity: ActivityId, answered: &'a Answered, now: Timestamp) -> Self {
        Self {
            rsvp: RsvpView::new(activity, answered, now),
            ticket: answered.rsvp.ticket,
        }
    }
}

/// Where an RSVP stands, as of event `seq`.
#[derive(Serialize)]
pub(crate) struct PositionView {
    status: &'static str,
    position: Option<u64>,
    parties_ahead: Option<u64>,
    spots_ahead: Option<u64>,
    seq: Seq,
}

impl PositionView {
    pub(crate) fn new(answered: &Answered, seq: Seq) -> Self {
        Self {
            status: answered.rsvp.status.name(),
            position: answered.ahead.map(position),
            parties_ahead: answered.ahead.map(|ahead| ahead.parties),
            spots_ahead: answered.ahead.map(|ahead| ahead.spots),
            seq,
        }
    }
}

/// The RSVP that somebody follows, mostly their own, with what it takes to follow its place in the line.
///
/// It is a message of its own, or part of another one that says which activity it is about.
#[derive(Serialize)]
pub(crate) struct MeView<'a> {
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    activity: Option<ActivityId>,
    seq: Seq,
    rsvp: Option<RsvpView<'a>>,
    ticket: Option<Ticket>,
    parties_ahead: Option<u64>,
    spots_ahead: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offer_in_ms: Option<u64>,
}

impl<'a> MeView<'a> {
    pub(crate) fn new(activity: ActivityId, own: Option<&'a Answered>, seq: Seq, now: Timestamp) -> Self {
        let ahead = own.and_then(|answered| answered.ahead);
        Self {
            kind: None,
            activity: None,
            seq,
            rsvp: own.map(|answered| RsvpView::new(activity, answered, now)),
            ticket: ahead.and(own).map(|answered| answered.rsvp.ticket),
            parties_ahead: ahead.map(|ahead| ahead.parties),
            spots_ahead: ahead.map(|ahead| ahead.spots),
            offer_in_ms: own
                .and_then(|answered| answered.rsvp.offer_expires_at())
                .map(|end| end.millis_after(now)),
        }
    }

    /// As whoever booked the RSVP for somebody else sees it.
    pub(crate) fn for_booker(self) -> Self {
        Self {
            rsvp: self.rsvp.map(RsvpView::for_booker),
            ..self
        }
    }

    /// As a message of its own.
    pub(crate) fn message(self, activity: ActivityId) -> Self {
        Self {
            kind: Some("me"),
            activity: Some(activity),
            ..self
        }
    }
}
