//! An RSVP ends. Of a party that waits or has an offer, the others stay.

use super::{ended, in_time_to_cancel, live, target};
use crate::domain::activity::{is_host, is_own};
use crate::domain::command::{Request, Target};
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::CancelReason;
use crate::domain::time::Timestamp;

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    which: &Target,
    now: Timestamp,
) -> Result<Vec<Fact>, Rejection> {
    let (_, rsvp) = target(state, request, which)?;
    in_time_to_cancel(state, &request.by, now)?;
    live(rsvp)?;
    // A host who has booked somebody is still the host when it comes to putting them out.
    let reason = if is_host(state.head(), &request.by) && !is_own(rsvp, &request.by) {
        CancelReason::ByHost
    } else {
        CancelReason::ByAttendee
    };
    Ok(vec![ended(rsvp, reason)])
}
