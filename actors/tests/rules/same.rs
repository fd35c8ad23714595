//! What the domain shows and what the plain model shows, side by side.

use std::collections::{BTreeMap, HashMap};

use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use turnout_actors::domain::{
    Actor, Answered, CancelReason, Current, Event, Fact, GuestPolicy, Head, Overview, Passed, Principal,
    Promoted, Promotion, Rejection, RsvpId, Settings, SettingsChange, Status, Timestamp, Told, Visibility,
    Which, Who, Why,
};
use turnout_loadtest::model::{self, Model};

use super::people::{key_of, number_of, somebody};

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
        guests: settings.guests == GuestPolicy::Open,
        promotion: told_promotion(settings.promotion),
        texts: told_texts(settings),
    }
}

/// What becomes of those who are promoted, in the words of the model.
pub fn told_promotion(promotion: Promotion) -> model::Promotion {
    match promotion {
        Promotion::Auto => model::Promotion::Auto,
        Promotion::Offer { ttl_s } => model::Promotion::Offer { ttl_s },
    }
}

fn told_texts(settings: &Settings) -> BTreeMap<String, String> {
    let texts = [
        ("title", Some(settings.title.as_str())),
        ("description", settings.description.as_deref()),
        ("venue", settings.venue.as_deref()),
        ("time_zone", Some(settings.time_zone.as_str())),
        ("visibility", Some(settings.visibility.name())),
        ("attendees_visible", Some(settings.attendees_visible.name())),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.into(), text?.into())))
        .collect()
}

/// What a change makes of that which no rule looks at.
pub fn told_texts_of(change: &SettingsChange) -> BTreeMap<String, Option<String>> {
    let set = |text: Option<&str>| text.map(|text| Some(text.to_owned()));
    let texts = [
        ("title", set(change.title.as_deref())),
        ("description", change.description.clone()),
        ("venue", change.venue.clone()),
        ("time_zone", set(change.time_zone.as_deref())),
        ("visibility", set(change.visibility.map(Visibility::name))),
        (
            "attendees_visible",
            set(change.attendees_visible.map(|visible| visible.name())),
        ),
    ];
    texts
        .into_iter()
        .filter_map(|(name, text)| Some((name.into(), text?)))
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

/// All sums.
pub fn same_counts(overview: &Overview, model: &Model) -> Checked {
    let (counts, expected) = (&overview.counts, model.counts());
    prop_assert_eq!(u64::from(counts.capacity), expected.capacity);
    prop_assert_eq!(u64::from(counts.confirmed_spots), expected.confirmed_spots);
    prop_assert_eq!(u64::from(counts.offered_spots), expected.offered_spots);
    prop_assert_eq!(u64::from(counts.available_spots), expected.available_spots);
    prop_assert_eq!(counts.waitlisted_parties, expected.waitlisted_parties);
    prop_assert_eq!(counts.waitlisted_spots, expected.waitlisted_spots);
    prop_assert_eq!(counts.seq.0, expected.seq);
    prop_assert_eq!(u64::from(overview.checked_in_spots), model.checked_in_spots());
    Ok(())
}

/// The reason, of whom it is told, and what is there instead of the version that was asked for.
pub fn same_refusal(
    rejection: &Rejection,
    expected: &model::Refusal,
    model: &Model,
    at: Timestamp,
    persons: &HashMap<RsvpId, String>,
) -> Checked {
    let (about, rejection) = match rejection {
        Rejection::About(about) => (Some(about.0), &about.1),
        whole => (None, whole),
    };
    let about = about.map(|which| match which {
        Which::Member(index) => model::About::Member(index as usize),
        Which::Rsvp(id) => model::About::Person(persons[&id].clone()),
    });
    prop_assert_eq!(&about, &expected.about, "{:?}", rejection);
    if let Rejection::NotOpenYet { opens_in_ms } = rejection {
        let opens_at_us = model.settings().opens_at_us.unwrap_or(i64::MIN);
        prop_assert_eq!(at.plus_millis(*opens_in_ms as i64).micros(), opens_at_us);
    }
    same_rejection(rejection, expected.rejection, model)
}

fn same_rejection(rejection: &Rejection, expected: model::Rejection, model: &Model) -> Checked {
    prop_assert_eq!(rejection.code(), expected.code());
    match rejection {
        Rejection::VersionConflict(current) => match current.as_ref() {
            Current::Activity { version } => prop_assert_eq!(u64::from(*version), model.version()),
            Current::Rsvp(answered) => {
                let rsvp = model.rsvp(&key_of(&answered.rsvp.person));
                same_rsvp(answered, &rsvp.expect("what is told is there"), false)?;
            }
        },
        Rejection::PartyTooLarge { limit } => {
            prop_assert_eq!(expected, model::Rejection::PartyTooLarge { limit: *limit });
        }
        _ => {}
    }
    Ok(())
}

/// The RSVPs of an answer. One that comes again has texts, name, group and booker as they are now.
pub fn same_told(told: &Told<Answered>, expected: &model::Told, is_replay: bool, model: &Model) -> Checked {
    match (told, expected) {
        (Told::Nothing, model::Told::Nothing) => {}
        (Told::One(answered), model::Told::One(rsvp)) => same_rsvp(answered, rsvp, is_replay)?,
        (Told::Several(answered), model::Told::Several(rsvps)) if answered.len() == rsvps.len() => {
            for (answered, rsvp) in answered.iter().zip(rsvps) {
                same_rsvp(answered, rsvp, is_replay)?;
            }
        }
        (Told::Each(results), model::Told::Each(expected)) if results.len() == expected.len() => {
            for (result, expected) in results.iter().zip(expected) {
                match (result, expected) {
                    (Ok(answered), Ok(rsvp)) => same_rsvp(answered, rsvp, is_replay)?,
                    (Err(rejection), Err(expected)) => same_rejection(rejection, *expected, model)?,
                    (result, expected) => prop_assert!(false, "{:?} instead of {:?}", result, expected),
                }
            }
        }
        (told, expected) => prop_assert!(false, "{:?} instead of {:?}", told, expected),
    }
    Ok(())
}

fn same_status(status: Status, expected: model::Status) -> bool {
    use model::CancelReason as Told;
    match (status, expected) {
        (Status::Confirmed, model::Status::Confirmed)
        | (Status::Waitlisted, model::Status::Waitlisted)
        | (Status::Offered, model::Status::Offered) => true,
        (Status::Cancelled(reason), model::Status::Cancelled(told)) => {
            matches!(
                (reason, told),
                (CancelReason::ByAttendee, Told::ByAttendee)
                    | (CancelReason::ByHost, Told::ByHost)
                    | (CancelReason::Transferred, Told::Transferred)
                    | (CancelReason::OfferDeclined, Told::OfferDeclined)
                    | (CancelReason::OfferExpired, Told::OfferExpired)
                    | (CancelReason::ActivityCancelled, Told::ActivityCancelled)
            )
        }
        _ => false,
    }
}

pub fn same_rsvp(answered: &Answered, expected: &model::RsvpView, is_replay: bool) -> Checked {
    let rsvp = &answered.rsvp;
    prop_assert_eq!(&key_of(&rsvp.person), &expected.person);
    prop_assert!(
        same_status(rsvp.status, expected.status),
        "{:?} instead of {:?}",
        rsvp,
        expected
    );
    prop_assert_eq!(u32::from(rsvp.guest_count), expected.guest_count);
    prop_assert_eq!(rsvp.ticket.0, expected.ticket);
    prop_assert_eq!(u64::from(rsvp.version), expected.version);
    prop_assert_eq!(u64::from(rsvp.generation), expected.generation);
    prop_assert_eq!(answered.ahead.map(|ahead| ahead.parties), expected.parties_ahead);
    prop_assert_eq!(answered.ahead.map(|ahead| ahead.spots), expected.spots_ahead);
    prop_assert_eq!(
        rsvp.checked_in_at().map(Timestamp::micros),
        expected.checked_in_at_us
    );
    prop_assert_eq!(
        rsvp.offer_expires_at().map(Timestamp::micros),
        expected.offer_expires_at_us
    );
    if is_replay {
        return Ok(());
    }
    prop_assert_eq!(
        rsvp.special_requirements().map(|text| text.as_ref()),
        expected.special_requirements.as_deref()
    );
    let came_as = &somebody(number_of(&expected.person)).name;
    prop_assert_eq!(rsvp.name.as_ref(), expected.name.as_ref().unwrap_or(came_as));
    prop_assert_eq!(
        rsvp.booked_by().map(|booker| booker.to_string()),
        expected.booked_by.clone()
    );
    // Which group it is is compared where all of them are seen together.
    prop_assert_eq!(rsvp.group().is_some(), expected.group.is_some());
    Ok(())
}

/// What happened, to whom, why, by whose command, and when.
pub fn same_event(
    event: &Event,
    expected: &model::Event,
    by: &Principal,
    at: Timestamp,
    persons: &HashMap<RsvpId, String>,
) -> Checked {
    prop_assert_eq!(event.seq.0, expected.seq);
    prop_assert_eq!(event.at, at);
    prop_assert_eq!(event.fact.kind(), expected.kind.as_str());
    let rsvp = event.fact.rsvp();
    prop_assert_eq!(rsvp.map(|rsvp| &persons[&rsvp]), expected.person.as_ref());
    let actor = match &by.who {
        Who::User(user) => Actor::User(*user),
        Who::Guest { rsvp, .. } => Actor::Guest(*rsvp),
        Who::Visitor(_) => Actor::Guest(rsvp.expect("a visitor changes the own RSVP alone")),
        Who::System => Actor::System,
    };
    prop_assert_eq!(event.actor, actor);
    let (mut ticket, mut spots, mut reason) = (None, None, None);
    match &event.fact {
        Fact::Entered(entered) => {
            (ticket, spots) = (Some(entered.ticket), Some(1 + u32::from(entered.guest_count)));
            reason = entered.place_of.map(|_| "transferred");
        }
        Fact::Promoted(promoted) => {
            (ticket, spots) = (Some(promoted.ticket), Some(promoted.spots));
            reason = (promoted.why == Why::Host).then_some("by_host");
        }
        Fact::Cancelled {
            ticket: had,
            spots: gave,
            reason: why,
            ..
        } => {
            (ticket, spots, reason) = (Some(*had), Some(*gave), Some(why.name()));
        }
        Fact::Updated(updated) => {
            (ticket, spots) = (Some(updated.ticket), Some(1 + u32::from(updated.guest_count)));
        }
        Fact::Accepted {
            ticket: has,
            spots: takes,
            ..
        }
        | Fact::CheckedIn {
            ticket: has,
            spots: takes,
            ..
        }
        | Fact::CheckInUndone {
            ticket: has,
            spots: takes,
            ..
        } => {
            (ticket, spots) = (Some(*has), Some(*takes));
        }
        Fact::ActivityUpdated { .. }
        | Fact::CapacityChanged { .. }
        | Fact::WaitlistPaused
        | Fact::WaitlistResumed
        | Fact::ActivityCancelled => {}
    }
    prop_assert_eq!(ticket.map(|ticket| ticket.0), expected.ticket);
    prop_assert_eq!(spots.map(u64::from), expected.spots);
    let past = passed(&event.fact);
    prop_assert_eq!(reason.or(past.as_deref()), expected.reason.as_deref());
    Ok(())
}

/// Whom a promotion passed, in the words of the log.
fn passed(fact: &Fact) -> Option<String> {
    let Fact::Promoted(Promoted {
        why: Why::Past(passed),
        ..
    }) = fact
    else {
        return None;
    };
    let Passed { ticket, needs, free } = passed;
    Some(format!(
        "promoted past ticket {ticket}, which needs {needs} of {free} free"
    ))
}

/// An event tells where its RSVP stood before, if it tells it, and where it stands now.
pub fn tells_where_it_stood(event: &Event, standing: &mut HashMap<RsvpId, Status>) -> Checked {
    let Some(rsvp) = event.fact.rsvp() else {
        return Ok(());
    };
    let before = standing.get(&rsvp).copied();
    let (told, now) = match &event.fact {
        Fact::Entered(entered) => (entered.previous, entered.status),
        Fact::Promoted(promoted) => (Some(Status::Waitlisted), promoted.status()),
        Fact::Accepted { .. } => (Some(Status::Offered), Status::Confirmed),
        Fact::Cancelled { previous, reason, .. } => (Some(*previous), Status::Cancelled(*reason)),
        Fact::Updated(updated) => (Some(updated.status), updated.status),
        _ => (Some(Status::Confirmed), Status::Confirmed),
    };
    prop_assert_eq!(told, before, "{:?}", event);
    standing.insert(rsvp, now);
    Ok(())
}
