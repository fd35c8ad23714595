//! Compares what is shown of one RSVP with what must be.

use uuid::Uuid;

use super::Finding;
use crate::model::{RsvpView, is_guest};
use crate::seen::SeenRsvp;
use crate::utc::micros;

/// What an RSVP must be shown as.
pub(super) struct ExpectedRsvp<'a> {
    pub(super) rsvp: &'a RsvpView,
    /// Not known where somebody else brought the person in.
    pub(super) name: Option<&'a str>,
    pub(super) activity: Uuid,
    /// Whether it is shown to whoever booked it for somebody else, who sees neither the address nor what is wished for.
    pub(super) to_booker: bool,
}

/// Compares what is shown of one RSVP with what must be; the first difference is enough.
pub(super) fn compare_rsvp(
    seq: u64,
    said: &SeenRsvp,
    expected: &ExpectedRsvp<'_>,
    findings: &mut Vec<Finding>,
) {
    let rsvp = expected.rsvp;
    let person = rsvp.person.clone();
    let said_place = (said.position, said.parties_ahead, said.spots_ahead);
    let expected_place = (rsvp.position, rsvp.parties_ahead, rsvp.spots_ahead);
    if said.status.as_str() != rsvp.status.as_str() {
        findings.push(Finding::WrongStatus {
            person,
            seq,
            said: said.status.to_string(),
            expected: rsvp.status.as_str().to_owned(),
        });
    } else if said_place != expected_place {
        findings.push(Finding::WrongPosition {
            person,
            seq,
            said: place(said_place),
            expected: place(expected_place),
        });
    } else if let Some((field, said, expected)) = first_difference(said, expected) {
        findings.push(Finding::WrongAnswer {
            person,
            seq,
            field,
            said,
            expected,
        });
    }
}

fn first_difference(said: &SeenRsvp, expected: &ExpectedRsvp<'_>) -> Option<(&'static str, String, String)> {
    let rsvp = expected.rsvp;
    let number = |number: u64| number.to_string();
    let text = |text: Option<&str>| text.map_or("null".to_owned(), |text| format!("{text:?}"));
    let user_id = said.user_id.map(|id| id.to_string());
    // Comparing is cheap and telling is not, and nearly always there is nothing to tell.
    if said.guest_count != rsvp.guest_count {
        let (said, expected) = (u64::from(said.guest_count), u64::from(rsvp.guest_count));
        return Some(("guest_count", number(said), number(expected)));
    }
    let total_spots = 1 + u64::from(rsvp.guest_count);
    if said.total_spots != total_spots {
        return Some(("total_spots", number(said.total_spots), number(total_spots)));
    }
    if said.version != rsvp.version {
        return Some(("version", number(said.version), number(rsvp.version)));
    }
    if said.activity_id != expected.activity {
        let (said, expected) = (said.activity_id.to_string(), expected.activity.to_string());
        return Some(("activity_id", said, expected));
    }
    for (field, said, expected) in [
        (
            "offer_expires_at",
            &said.offer_expires_at,
            rsvp.offer_expires_at_us,
        ),
        ("checked_in_at", &said.checked_in_at, rsvp.checked_in_at_us),
    ] {
        let expected = expected.map(|us| us - us.rem_euclid(1_000));
        if said.as_deref().map(micros) != expected.map(Some) {
            let expected = expected.map(|micros| format!("{micros} µs since 1970"));
            return Some((field, text(said.as_deref()), text(expected.as_deref())));
        }
    }
    if said.group_id.is_some() != rsvp.group.is_some() {
        let said = said.group_id.map(|id| id.to_string());
        let expected = rsvp.group.map(|group| format!("that of group {group}"));
        return Some(("group_id", text(said.as_deref()), text(expected.as_deref())));
    }
    let is_guest = is_guest(&rsvp.person);
    let booked_by = said.booked_by.map(|id| id.to_string());
    let texts = [
        (
            "user_id",
            user_id.as_deref(),
            Some(rsvp.person.as_str()).filter(|_| !is_guest),
        ),
        (
            "email",
            said.email.as_deref(),
            Some(rsvp.person.as_str()).filter(|_| is_guest && !expected.to_booker),
        ),
        (
            "name",
            Some(said.name.as_str()),
            expected.name.or(Some(said.name.as_str())),
        ),
        ("booked_by", booked_by.as_deref(), rsvp.booked_by.as_deref()),
        (
            "special_requirements",
            said.special_requirements.as_deref(),
            rsvp.special_requirements
                .as_deref()
                .filter(|_| !expected.to_booker),
        ),
        (
            "cancel_reason",
            said.cancel_reason.as_deref(),
            rsvp.status.cancel_reason(),
        ),
    ];
    texts
        .into_iter()
        .find(|(_, said, expected)| said != expected)
        .map(|(field, said, expected)| (field, text(said), text(expected)))
}

fn place((position, parties_ahead, spots_ahead): (Option<u64>, Option<u64>, Option<u64>)) -> String {
    match (position, parties_ahead, spots_ahead) {
        (None, None, None) => "no place in the line".to_owned(),
        (Some(position), Some(parties), Some(spots)) => {
            format!("position {position} with {parties} parties and {spots} spots ahead")
        }
        other => format!("{other:?}"),
    }
}
