//! Whether somebody may give a command at all.

use super::own;
use crate::domain::activity::{is_host, is_own, lets_in};
use crate::domain::command::{Command, Request, Target};
use crate::domain::draft::State;
use crate::domain::person::{Person, Principal, Who};
use crate::domain::rejection::Rejection;
use crate::domain::rsvp::Rsvp;
use crate::domain::settings::{GuestPolicy, Visibility};

/// Whether the principal may give this command at all. Whether the RSVP exists that it names is judged later.
pub(in crate::domain) fn permit(state: State<'_>, request: &Request) -> Result<(), Rejection> {
    let by = &request.by;
    if by.who == Who::System {
        return allow(matches!(request.command, Command::ExpireOffers));
    }
    if let Who::Guest { rsvp, generation } = by.who
        && state
            .find(rsvp)
            .is_some_and(|slot| state.row(slot).generation != generation)
    {
        return Err(Rejection::TokenRevoked);
    }
    let is_host = is_host(state.head(), by);
    let settings = &state.head().settings;
    let is_private = settings.visibility == Visibility::Private;
    let knows_of_it = || own(state, by).is_some_and(|slot| lets_in(state.row(slot)));
    if is_private && !is_host && !knows_of_it() {
        return Err(Rejection::NotFound);
    }
    let guests_welcome = is_host || settings.guests == GuestPolicy::Open;
    allow(match &request.command {
        Command::Reserve(reserve) => {
            is_host
                || is_oneself(state, by, &reserve.person) && (guests_welcome || !reserve.person.is_guest())
        }
        // New people come into a private activity by its host, or whoever was put out would come back by a friend.
        Command::ReserveGroup(_) => by.account().is_some() && guests_welcome && (is_host || !is_private),
        Command::Update(update) => is_host || may(state, by, &update.target, |rsvp| rsvp.is_booked_by(by)),
        Command::Cancel(target) => is_host || may(state, by, target, |rsvp| rsvp.is_booked_by(by)),
        Command::Accept(target) | Command::Decline(target) => {
            may(state, by, target, |rsvp| rsvp.is_booked_by(by))
        }
        Command::Transfer(transfer) => may(state, by, &transfer.target, |_| false),
        Command::CheckIn(_)
        | Command::UndoCheckIn(_)
        | Command::Reassign(_)
        | Command::Change(_)
        | Command::CancelActivity => is_host,
        Command::ExpireOffers => false,
    })
}

fn allow(allowed: bool) -> Result<(), Rejection> {
    if allowed {
        Ok(())
    } else {
        Err(Rejection::Forbidden)
    }
}

/// Whether somebody comes in as the person that they are, or say they are.
fn is_oneself(state: State<'_>, by: &Principal, person: &Person) -> bool {
    match &by.who {
        Who::User(user) => *person == Person::User(*user),
        Who::Guest { .. } => own(state, by).is_some_and(|slot| state.row(slot).person == *person),
        Who::Visitor(email) => *person == Person::Guest(email.clone()),
        Who::System => false,
    }
}

/// Whether the RSVP is the principal's, or there is another reason.
fn may(state: State<'_>, by: &Principal, target: &Target, otherwise: impl FnOnce(&Rsvp) -> bool) -> bool {
    // Whoever has proved nothing is not even told what there is not.
    if matches!(by.who, Who::Visitor(_)) {
        return false;
    }
    match target {
        Target::Own => true,
        Target::Rsvp(id) => state.find(*id).is_none_or(|slot| {
            let rsvp = state.row(slot);
            is_own(rsvp, by) || otherwise(rsvp)
        }),
    }
}
