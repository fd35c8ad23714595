//! What the domain shows and what the plain model shows, side by side.

use std::collections::{BTreeMap, HashMap};

use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use turnout_actors::domain::{
    Answered, CancelReason, Counts, Current, Event, Fact, Head, Person, Rejection, RsvpId, Settings, Status,
    Timestamp, Visibility,
};
use turnout_loadtest::model::{self, Model};

use super::translate::name;

pub type Checked = Result<(), TestCaseError>;

/// The settings in the words of the model.
pub fn told_settings(settings: &Settings) -> model::Settings {
    model::Settings {
        capacity: settings.capacity,
        max_guests: u32::from(settings.max_guests),
        patience: settings.patience,
        waitlist_capacity: settings.waitlist_capacity,
        opens_at_us: settings.opens_at.map(Timestamp::micros),
        closes_at_us: settings.closes_at.map(Timestamp::micros),
        cancel_until_us: settings.cancel_until.map(Timestamp::micros),
        promote_until_us: settings.promote_until.map(Timestamp::micros),
        starts_at_us: settings.starts_at.micros(),
        ends_at_us: settings.ends_at.micros(),
        private: settings.visibility == Visibility::Private,
        texts: told_texts(settings),
    }
}

fn told_texts(settings: &Settings) -> BTreeMap<String, String> {
    let texts = [
        ("title", Some(settings.title.as_str())),
        ("description", settings.description.as_deref()),
        ("venue", settings.venue.as_deref()),
        ("time_zone", Some(settings.time_zone.as_str())),
        ("guests", Some(settings.guests.name())),
        ("visibility", Some(settings.visibility.name())),
        ("attendees_visible", Some(settings.attendees_visible.name())),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.into(), text?.into())))
        .collect()
}

/// Settings, pause, end and version.
pub fn same_head(head: &Head, model: &Model) -> Checked {
    prop_assert_eq!(&told_settings(&head.settings), model.settings());
    prop_assert_eq!(head.settings.waitlist_paused, model.is_waitlist_paused());
    prop_assert_eq!(head.cancelled_at.is_some(), model.is_cancelled());
    prop_assert_eq!(u64::from(head.version), model.version());
    Ok(())
}

/// The reason, and what is there instead of the version that was asked for.
pub fn same_rejection(rejection: &Rejection, expected: model::Rejection, model: &Model) -> Checked {
    prop_assert_eq!(rejection.code(), expected.code());
    match rejection {
        Rejection::VersionConflict(current) => match current.as_ref() {
            Current::Activity { version } => prop_assert_eq!(u64::from(*version), model.version()),
            Current::Rsvp(answered) => {
                let rsvp = model.rsvp(&person_name(&answered.rsvp.person));
                same_rsvp(answered, &rsvp.expect("what is told is there"), true)?;
            }
        },
        Rejection::NotOpenYet { opens_in_ms } => prop_assert!(*opens_in_ms > 0),
        _ => {}
    }
    Ok(())
}

pub fn person_name(person: &Person) -> String {
    match person {
        Person::User(user) => name(*user),
        Person::Guest(email) => email.to_string(),
    }
}

fn same_status(status: Status, expected: model::Status) -> bool {
    use model::CancelReason as Told;
    match (status, expected) {
        (Status::Confirmed, model::Status::Confirmed) | (Status::Waitlisted, model::Status::Waitlisted) => {
            true
        }
        (Status::Cancelled(reason), model::Status::Cancelled(told)) => {
            matches!(
                (reason, told),
                (CancelReason::ByAttendee, Told::ByAttendee)
                    | (CancelReason::ByHost, Told::ByHost)
                    | (CancelReason::ActivityCancelled, Told::ActivityCancelled)
            )
        }
        _ => false,
    }
}

pub fn same_rsvp(answered: &Answered, expected: &model::RsvpView, texts_too: bool) -> Checked {
    let rsvp = &answered.rsvp;
    prop_assert_eq!(&person_name(&rsvp.person), &expected.person);
    prop_assert!(
        same_status(rsvp.status, expected.status),
        "{:?} instead of {:?}",
        rsvp.status,
        expected.status
    );
    prop_assert_eq!(u32::from(rsvp.guest_count), expected.guest_count);
    prop_assert_eq!(rsvp.ticket.0, expected.ticket);
    prop_assert_eq!(u64::from(rsvp.version), expected.version);
    prop_assert_eq!(u64::from(rsvp.generation), expected.generation);
    prop_assert_eq!(answered.ahead.map(|ahead| ahead.parties), expected.parties_ahead);
    prop_assert_eq!(answered.ahead.map(|ahead| ahead.spots), expected.spots_ahead);
    if texts_too {
        prop_assert_eq!(
            rsvp.special_requirements().map(|text| text.as_ref()),
            expected.special_requirements.as_deref()
        );
    }
    Ok(())
}

pub fn same_event(event: &Event, expected: &model::Event, ids: &HashMap<String, RsvpId>) -> Checked {
    prop_assert_eq!(event.seq.0, expected.seq);
    prop_assert_eq!(event.fact.kind(), expected.kind.as_str());
    prop_assert_eq!(
        event.fact.rsvp(),
        expected.person.as_ref().map(|person| ids[person])
    );
    let (ticket, spots) = match &event.fact {
        Fact::Entered(entered) => (Some(entered.ticket), Some(1 + u64::from(entered.guest_count))),
        Fact::Promoted { ticket, spots, .. } | Fact::Cancelled { ticket, spots, .. } => {
            (Some(*ticket), Some(u64::from(*spots)))
        }
        Fact::Updated {
            ticket, guest_count, ..
        } => (Some(*ticket), Some(1 + u64::from(*guest_count))),
        _ => (None, None),
    };
    prop_assert_eq!(ticket.map(|ticket| ticket.0), expected.ticket);
    prop_assert_eq!(spots, expected.spots);
    Ok(())
}

pub fn same_counts(counts: &Counts, model: &Model) -> Checked {
    let expected = model.counts();
    prop_assert_eq!(u64::from(counts.capacity), expected.capacity);
    prop_assert_eq!(u64::from(counts.confirmed_spots), expected.confirmed_spots);
    prop_assert_eq!(u64::from(counts.available_spots), expected.available_spots);
    prop_assert_eq!(counts.waitlisted_parties, expected.waitlisted_parties);
    prop_assert_eq!(counts.waitlisted_spots, expected.waitlisted_spots);
    prop_assert_eq!(counts.seq.0, expected.seq);
    Ok(())
}
