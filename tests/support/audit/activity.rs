//! One activity: its own row and those of its RSVPs, against each other and against the fold of its events.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;

use uuid::Uuid;

use super::fold::{Fold, Rsvp};
use super::rows::{ActivityRow, EventRow, RsvpRow};

/// What differs from what was due.
struct Differences(Vec<String>);

impl Differences {
    fn check<T: PartialEq + Debug + ?Sized>(&mut self, what: &str, is: &T, due: &T) {
        if is != due {
            self.0.push(format!("{what} is {is:?}, not {due:?}"));
        }
    }

    /// Checks what may be known of what is due.
    fn check_known<T: PartialEq + Debug>(&mut self, what: &str, is: &T, due: Option<&T>) {
        if let Some(due) = due {
            self.check(what, is, due);
        }
    }
}

pub(super) fn findings(activity: &ActivityRow, events: &[EventRow], rsvps: &[RsvpRow]) -> Vec<String> {
    let mut fold = Fold::of(activity, events, rsvps);
    let mut found = std::mem::take(&mut fold.findings);
    found.extend(head(activity, events, &fold));
    found.extend(counts(activity, rsvps));
    found.extend(people(rsvps));
    found.extend(folded(rsvps, &fold));
    found
}

fn head(activity: &ActivityRow, events: &[EventRow], fold: &Fold) -> Vec<String> {
    let mut differences = Differences(Vec::new());
    let last = events.last().map_or(0, |event| event.seq);
    differences.check("seq", &activity.seq, &last);
    differences.check(
        "last_batch.is_some()",
        &activity.last_batch.is_some(),
        &(last > 0),
    );
    differences.check("stamped_at", &activity.stamped_at, &fold.stamped_at);
    differences.check("version", &activity.version, &fold.version);
    differences.check("last_ticket", &activity.last_ticket, &fold.last_ticket);
    differences.check("updated_at", &activity.updated_at, &fold.updated_at);
    differences.check("cancelled_at", &activity.cancelled_at, &fold.cancelled_at);
    differences.check_known("capacity", &activity.capacity, fold.capacity.as_ref());
    differences.check_known("capacity_limit", &activity.capacity_limit, fold.limit.as_ref());
    differences.check_known("waitlist_paused", &activity.waitlist_paused, fold.paused.as_ref());
    let held = activity.confirmed_spots + activity.offered_spots;
    if held > activity.capacity_limit {
        differences.0.push(format!(
            "overbooked: {held} spots are taken, and the limit is {}",
            activity.capacity_limit
        ));
    }
    if activity.owner_epoch < i64::from(last > 0) {
        differences.0.push(format!(
            "its log was written under epoch {}",
            activity.owner_epoch
        ));
    }
    let settings = activity.settings();
    let told = fold.settings.as_ref().and_then(|told| told.as_object());
    for (member, value) in told.into_iter().flatten() {
        // These two have events of their own.
        if !["capacity", "waitlist_paused"].contains(&member.as_str()) {
            differences.check(member, &settings[member], value);
        }
    }
    differences.0
}

/// The counts are sums over the rows, but for a cancelled activity, whose rows follow later.
fn counts(activity: &ActivityRow, rsvps: &[RsvpRow]) -> Vec<String> {
    let live = activity.cancelled_at.is_none();
    let of = |status: &'static str| rsvps.iter().filter(move |rsvp| live && rsvp.status == status);
    let spots = |status| of(status).map(|rsvp| rsvp.total_spots).sum::<i64>();
    let checked_in = of("confirmed").filter(|rsvp| rsvp.checked_in_at.is_some());
    // Those who came together have one.
    let waiting_tickets: HashSet<i64> = of("waitlisted").map(|rsvp| rsvp.ticket).collect();
    let mut differences = Differences(Vec::new());
    for (what, is, due) in [
        ("confirmed_spots", activity.confirmed_spots, spots("confirmed")),
        ("offered_spots", activity.offered_spots, spots("offered")),
        ("waitlisted_spots", activity.waitlisted_spots, spots("waitlisted")),
        (
            "waitlisted_parties",
            activity.waitlisted_parties,
            waiting_tickets.len() as i64,
        ),
        (
            "checked_in_spots",
            activity.checked_in_spots,
            checked_in.map(|rsvp| rsvp.total_spots).sum(),
        ),
    ] {
        differences.check(what, &is, &due);
    }
    differences.0
}

/// One row per person, who is a user or an address.
fn people(rsvps: &[RsvpRow]) -> Vec<String> {
    let mut found = Vec::new();
    let mut seen = HashSet::new();
    for rsvp in rsvps {
        let key = match (rsvp.user_id, &rsvp.email) {
            (Some(user), None) => Some((Some(user), None)),
            (None, Some(email)) => Some((None, Some(email))),
            _ => None,
        };
        match key {
            None => found.push(format!("RSVP {}: it is not clear whose it is", rsvp.id)),
            Some(key) if !seen.insert(key) => {
                found.push(format!("RSVP {}: its person has another one", rsvp.id));
            }
            Some(_) => {}
        }
    }
    found
}

/// Each row is what the events have left, but for a cancelled activity, whose rows follow later.
fn folded(rsvps: &[RsvpRow], fold: &Fold) -> Vec<String> {
    let mut found = Vec::new();
    let mut missing: HashMap<&Uuid, &Rsvp> = fold.rsvps.iter().collect();
    // Rows of a cancelled activity follow in the order of their identifiers.
    let mut all_followed = true;
    for row in rsvps {
        let Some(rsvp) = missing.remove(&row.id) else {
            found.push(format!("RSVP {}: no event tells of it", row.id));
            continue;
        };
        let followed = fold.cancelled_at.and_then(|at| follower(rsvp, at));
        let due = match &followed {
            None => rsvp,
            Some(followed) if row.status == "cancelled" => {
                if !all_followed {
                    found.push(format!("RSVP {}: it followed before an earlier one", row.id));
                }
                followed
            }
            Some(_) => {
                all_followed = false;
                rsvp
            }
        };
        let differences = differences(row, due);
        found.extend(
            differences
                .into_iter()
                .map(|what| format!("RSVP {}: {what}", row.id)),
        );
    }
    found.extend(missing.keys().map(|id| format!("RSVP {id}: it has no row")));
    found
}

/// A live RSVP once it has followed its cancelled activity.
fn follower(rsvp: &Rsvp, cancelled_at: i64) -> Option<Rsvp> {
    rsvp.is_live().then(|| Rsvp {
        status: "cancelled".to_owned(),
        reason: Some("activity_cancelled".to_owned()),
        offered_until: None,
        version: rsvp.version + 1,
        updated_at: cancelled_at,
        ..rsvp.clone()
    })
}

fn differences(row: &RsvpRow, due: &Rsvp) -> Vec<String> {
    let mut differences = Differences(Vec::new());
    differences.check("status", &row.status, &due.status);
    differences.check("cancel_reason", &row.cancel_reason, &due.reason);
    for (what, is, due) in [
        ("group_id", row.group_id, due.group),
        ("booked_by", row.booked_by, due.booked_by),
    ] {
        differences.check(what, &is, &due);
    }
    for (what, is, due) in [
        ("checked_in_at", row.checked_in_at, due.checked_in_at),
        ("offer_expires_at", row.offer_expires_at, due.offered_until),
    ] {
        differences.check(what, &is, &due);
    }
    for (what, is, due) in [
        ("total_spots", row.total_spots, due.spots),
        ("ticket", row.ticket, due.ticket),
        ("version", row.version, due.version),
        ("generation", row.generation, due.generation),
        ("created_at", row.created_at, due.created_at),
        ("updated_at", row.updated_at, due.updated_at),
    ] {
        differences.check(what, &is, &due);
    }
    differences.0
}
