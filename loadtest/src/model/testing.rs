//! Short words for the model's tests.

use super::{Answer, Command, EventKind, Model, Rejection, Request, Settings, SettingsChange};

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

pub(super) fn reserve(model: &mut Model, person: &str, guest_count: u32) -> Result<Answer, Rejection> {
    reserve_at(model, 0, person, guest_count)
}

pub(super) fn reserve_at(
    model: &mut Model,
    at_us: i64,
    person: &str,
    guest_count: u32,
) -> Result<Answer, Rejection> {
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
) -> Result<Answer, Rejection> {
    update_at(model, 0, person, guest_count, text)
}

pub(super) fn update_at(
    model: &mut Model,
    at_us: i64,
    person: &str,
    guest_count: Option<u32>,
    text: Option<Option<&str>>,
) -> Result<Answer, Rejection> {
    let command = Command::Update {
        person: person.into(),
        guest_count,
        special_requirements: text.map(|text| text.map(Into::into)),
        if_version: None,
    };
    model.submit(&Request::new(at_us, command))
}

pub(super) fn cancel(model: &mut Model, person: &str) -> Result<Answer, Rejection> {
    cancel_at(model, 0, person)
}

pub(super) fn cancel_at(model: &mut Model, at_us: i64, person: &str) -> Result<Answer, Rejection> {
    let command = Command::Cancel {
        person: person.into(),
        by_host: false,
        if_version: None,
    };
    model.submit(&Request::new(at_us, command))
}

pub(super) fn host(model: &mut Model, at_us: i64, command: Command) -> Result<Answer, Rejection> {
    model.submit(&Request::new(at_us, command).by_host())
}

pub(super) fn change(model: &mut Model, change: SettingsChange) -> Result<Answer, Rejection> {
    host(model, 0, Command::ChangeSettings(change))
}

pub(super) fn set_capacity(model: &mut Model, capacity: u32) -> Result<Answer, Rejection> {
    change(
        model,
        SettingsChange {
            capacity: Some(capacity),
            ..SettingsChange::default()
        },
    )
}

pub(super) fn pause(model: &mut Model) -> Result<Answer, Rejection> {
    change(
        model,
        SettingsChange {
            waitlist_paused: Some(true),
            ..SettingsChange::default()
        },
    )
}

pub(super) fn resume(model: &mut Model) -> Result<Answer, Rejection> {
    change(
        model,
        SettingsChange {
            waitlist_paused: Some(false),
            ..SettingsChange::default()
        },
    )
}

pub(super) fn cancel_activity(model: &mut Model) -> Result<Answer, Rejection> {
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
