//! Short words for the model's tests.

use super::{
    Answer, Command, EventKind, GroupMode, Member, Model, Promotion, Refusal, Request, RsvpView, Settings,
    SettingsChange, Told, Which,
};

pub(super) const STARTS_AT_US: i64 = 1_000_000;
pub(super) const ENDS_AT_US: i64 = 2_000_000;

pub(super) fn capacity(capacity: u32) -> Model {
    Model::new(Settings::new(capacity, STARTS_AT_US, ENDS_AT_US))
}

/// An activity of 9 spots with other settings.
pub(super) fn with(change: impl FnOnce(&mut Settings)) -> Model {
    let mut settings = Settings::new(9, STARTS_AT_US, ENDS_AT_US);
    change(&mut settings);
    Model::new(settings)
}

pub(super) fn reserve(model: &mut Model, person: &str, guest_count: u32) -> Result<Answer, Refusal> {
    reserve_at(model, 0, person, guest_count)
}

pub(super) fn reserve_at(
    model: &mut Model,
    at_us: i64,
    person: &str,
    guest_count: u32,
) -> Result<Answer, Refusal> {
    let command = Command::Reserve {
        person: person.into(),
        guest_count,
        special_requirements: None,
    };
    model.submit(&Request::new(at_us, command))
}

pub(super) fn update(
    model: &mut Model,
    person: &str,
    guest_count: Option<u32>,
    text: Option<Option<&str>>,
) -> Result<Answer, Refusal> {
    update_at(model, 0, person, guest_count, text)
}

pub(super) fn update_at(
    model: &mut Model,
    at_us: i64,
    person: &str,
    guest_count: Option<u32>,
    text: Option<Option<&str>>,
) -> Result<Answer, Refusal> {
    let command = Command::Update {
        person: person.into(),
        guest_count,
        special_requirements: text.map(|text| text.map(Into::into)),
        name: None,
        if_version: None,
    };
    model.submit(&Request::new(at_us, command))
}

pub(super) fn cancel(model: &mut Model, person: &str) -> Result<Answer, Refusal> {
    cancel_at(model, 0, person)
}

pub(super) fn cancel_at(model: &mut Model, at_us: i64, person: &str) -> Result<Answer, Refusal> {
    let command = Command::Cancel {
        person: person.into(),
        by_host: false,
        if_version: None,
    };
    model.submit(&Request::new(at_us, command))
}

pub(super) fn host(model: &mut Model, at_us: i64, command: Command) -> Result<Answer, Refusal> {
    model.submit(&Request::new(at_us, command).by_host())
}

pub(super) fn change(model: &mut Model, change: SettingsChange) -> Result<Answer, Refusal> {
    host(model, 0, Command::ChangeSettings(change))
}

pub(super) fn set_capacity(model: &mut Model, capacity: u32) -> Result<Answer, Refusal> {
    change(
        model,
        SettingsChange {
            capacity: Some(capacity),
            ..SettingsChange::default()
        },
    )
}

pub(super) fn pause(model: &mut Model) -> Result<Answer, Refusal> {
    change(
        model,
        SettingsChange {
            waitlist_paused: Some(true),
            ..SettingsChange::default()
        },
    )
}

pub(super) fn resume(model: &mut Model) -> Result<Answer, Refusal> {
    change(
        model,
        SettingsChange {
            waitlist_paused: Some(false),
            ..SettingsChange::default()
        },
    )
}

pub(super) fn cancel_activity(model: &mut Model) -> Result<Answer, Refusal> {
    host(model, 0, Command::CancelActivity)
}

pub(super) fn kinds(answer: &Answer) -> Vec<EventKind> {
    answer.events.iter().map(|event| event.kind).collect()
}

/// Who was promoted, in order.
pub(super) fn promoted(answer: &Answer) -> Vec<&str> {
    let promotions = answer
        .events
        .iter()
        .filter(|event| event.kind == EventKind::Promoted);
    promotions.filter_map(|event| event.person.as_deref()).collect()
}

/// What happened to whom, in order.
pub(super) fn story(answer: &Answer) -> Vec<(EventKind, &str)> {
    let events = answer.events.iter();
    events
        .map(|event| (event.kind, event.person.as_deref().unwrap_or_default()))
        .collect()
}

/// Of whom the answer tells, in order.
pub(super) fn told(answer: &Answer) -> Vec<&str> {
    let rsvps: Vec<&RsvpView> = match &answer.told {
        Told::Nothing => Vec::new(),
        Told::One(rsvp) => vec![rsvp],
        Told::Several(rsvps) => rsvps.iter().collect(),
        Told::Each(results) => results.iter().flatten().collect(),
    };
    rsvps.into_iter().map(|rsvp| rsvp.person.as_str()).collect()
}

/// Who waits, party by party.
pub(super) fn line(model: &Model) -> Vec<Vec<&str>> {
    let parties = model.waiting().iter();
    parties
        .map(|party| party.members.iter().map(String::as_str).collect())
        .collect()
}

pub(super) fn row<'a>(model: &'a Model, person: &str) -> &'a super::Rsvp {
    &model.rsvps()[person]
}

/// An activity of so many spots that offers them for so many seconds to those who wait.
pub(super) fn offering(capacity: u32, ttl_s: u32) -> Model {
    let settings = Settings::new(capacity, 1_000 * SECOND_US, 2_000 * SECOND_US);
    Model::new(Settings {
        promotion: Promotion::Offer { ttl_s },
        ..settings
    })
}

pub(super) const SECOND_US: i64 = 1_000_000;

/// The booker of all groups in tests.
pub(super) const BOOKER: &str = "boss";

pub(super) fn group_of(members: &[(&str, u32)], mode: GroupMode) -> Command {
    let members = members.iter().map(|(person, guest_count)| Member {
        person: (*person).to_owned(),
        guest_count: *guest_count,
    });
    Command::ReserveGroup {
        members: members.collect(),
        mode,
    }
}

/// All come as one party.
pub(super) fn group(model: &mut Model, members: &[(&str, u32)]) -> Result<Answer, Refusal> {
    model.submit(&Request::new(0, group_of(members, GroupMode::All)).by(BOOKER))
}

/// Each comes for itself.
pub(super) fn each(model: &mut Model, members: &[(&str, u32)]) -> Result<Answer, Refusal> {
    model.submit(&Request::new(0, group_of(members, GroupMode::Each)).by(BOOKER))
}

pub(super) fn accept_of(person: &str) -> Command {
    Command::Accept {
        person: person.into(),
        if_version: None,
    }
}

pub(super) fn decline_of(person: &str) -> Command {
    Command::Decline {
        person: person.into(),
        if_version: None,
    }
}

pub(super) fn transfer_of(person: &str, to: &str) -> Command {
    Command::Transfer {
        person: person.into(),
        to: to.into(),
        if_version: None,
    }
}

pub(super) fn check_in_of(person: &str, generation: Option<u64>) -> Command {
    Command::CheckIn {
        person: person.into(),
        generation,
        if_version: None,
    }
}

pub(super) fn promote_of(people: &[&str]) -> Command {
    Command::Promote(Which::These(owned(people)))
}

pub(super) fn bulk_of(promote: &[&str], remove: &[&str]) -> Command {
    Command::Bulk {
        promote: owned(promote),
        remove: owned(remove),
    }
}

fn owned(people: &[&str]) -> Vec<String> {
    people.iter().map(|person| (*person).to_owned()).collect()
}

/// Somebody who may asks for this.
pub(super) fn ask(model: &mut Model, at_us: i64, command: Command) -> Result<Answer, Refusal> {
    model.submit(&Request::new(at_us, command))
}

pub(super) fn accept(model: &mut Model, at_us: i64, person: &str) -> Result<Answer, Refusal> {
    ask(model, at_us, accept_of(person))
}

pub(super) fn decline(model: &mut Model, at_us: i64, person: &str) -> Result<Answer, Refusal> {
    ask(model, at_us, decline_of(person))
}

pub(super) fn transfer(model: &mut Model, person: &str, to: &str) -> Result<Answer, Refusal> {
    ask(model, 0, transfer_of(person, to))
}

pub(super) fn expire(model: &mut Model, at_us: i64) -> Result<Answer, Refusal> {
    model.submit(&Request::new(at_us, Command::Expire).by_system())
}

/// Changes how promotion goes.
pub(super) fn set_promotion(model: &mut Model, promotion: Promotion) -> Result<Answer, Refusal> {
    change(
        model,
        SettingsChange {
            promotion: Some(promotion),
            ..SettingsChange::default()
        },
    )
}
