//! The moment in which a command is given, as far as it tells which rule is met.

use turnout_actors::domain::{GuestPolicy, Timestamp};
use turnout_loadtest::model::{CancelReason, Model, Rsvp, Status};

use super::history::{Asker, Order, Recipient, What};
use super::people::{ACCOUNTS, somebody};
use super::world::World;

/// What is known of it before the command is given.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Nobody is promoted any more.
    pub promotion_is_over: bool,
    /// An offer is over and has not ended yet.
    pub is_offer_over: bool,
    /// Somebody without an account is to come in although only accounts may.
    pub guests_are_off: bool,
    /// How the one stands whom it is about.
    pub standing: Option<&'static str>,
    /// Whether that one has been let in at the door.
    pub is_in: bool,
    /// What an update does to the number of guests.
    pub change: Option<&'static str>,
    /// How the one stands who gets what is transferred by whose it is.
    pub recipient: Option<&'static str>,
    /// One party is named twice.
    pub names_twice: bool,
}

impl World {
    /// The moment before an order.
    pub fn moment(&self, order: &Order, now: Timestamp) -> Moment {
        let (model, settings) = (&self.model, &self.draft.head().settings);
        let mut what = order.what.clone();
        let about: Vec<&str> = what
            .whoms()
            .iter()
            .map(|whom| somebody(whom.number).key.as_str())
            .collect();
        let row = about.first().and_then(|key| model.rsvps().get(*key));
        let comes_without_account = match &order.what {
            What::Reserve { whom, .. } => whom.number >= ACCOUNTS,
            What::Group { .. } | What::Transfer { .. } => true,
            _ => false,
        };
        Moment {
            promotion_is_over: now >= settings.promote_until(),
            is_offer_over: self.is_offer_over(),
            guests_are_off: comes_without_account && settings.guests == GuestPolicy::Off,
            standing: row.map(|row| standing(model, row)),
            is_in: row.is_some_and(|row| row.status.is_live() && row.checked_in_at_us.is_some()),
            change: row.and_then(|row| change(&order.what, row)),
            recipient: recipient(model, order),
            names_twice: names_twice(model, &about),
        }
    }
}

fn standing(model: &Model, row: &Rsvp) -> &'static str {
    let members = model
        .rsvps()
        .values()
        .filter(|other| other.group.is_some() && other.group == row.group && other.status.is_live());
    let is_accompanied = members.count() > 1;
    match (row.status, is_accompanied) {
        (Status::Confirmed, _) => "one confirmed",
        (Status::Waitlisted, false) => "one waiting",
        (Status::Waitlisted, true) => "a waiting party",
        (Status::Offered, false) => "one offered",
        (Status::Offered, true) => "an offered party",
        (Status::Cancelled(_), _) => "one cancelled",
    }
}

fn change(what: &What, row: &Rsvp) -> Option<&'static str> {
    let What::Update { guests, .. } = what else {
        return None;
    };
    let guests = guests.map_or(row.guest_count, u32::from);
    Some(match guests.cmp(&row.guest_count) {
        std::cmp::Ordering::Less => "to fewer",
        std::cmp::Ordering::Equal => "to as many",
        std::cmp::Ordering::Greater => "to more",
    })
}

fn recipient(model: &Model, order: &Order) -> Option<&'static str> {
    let What::Transfer { whom, to } = &order.what else {
        return None;
    };
    let to = match to {
        _ if order.asker != Asker::Own => return None,
        Recipient::Oneself if whom.number >= ACCOUNTS => return Some("oneself"),
        Recipient::Oneself => return None,
        Recipient::Whom(to) => to,
    };
    let row = model.rsvps().get(&somebody(to.number).key);
    Some(match row.map(|row| row.status) {
        None => "somebody new",
        Some(Status::Cancelled(CancelReason::ByHost)) if model.settings().private => "somebody put out",
        Some(Status::Cancelled(_)) => "somebody who left",
        Some(_) => "somebody who is there",
    })
}

fn names_twice(model: &Model, people: &[&str]) -> bool {
    let waiting = people.iter().filter_map(|key| {
        let row = model.rsvps().get(*key)?;
        (row.status == Status::Waitlisted).then_some(row.ticket)
    });
    let mut tickets: Vec<u64> = waiting.collect();
    let named = tickets.len();
    tickets.sort_unstable();
    tickets.dedup();
    tickets.len() < named
}
