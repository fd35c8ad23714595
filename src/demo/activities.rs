//! The demonstration's activities: one to reserve in, one to wait for, and one that opens tomorrow.

use turnout_actors::domain::{
    ActivityId, Command, Person, Principal, Reserve, RsvpId, Settings, Timestamp, UserId,
};
use turnout_actors::{EngineError, Order};

use crate::accounts::PersonName;
use crate::state::AppState;

const HOUR_MS: i64 = 60 * 60 * 1_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Makes the activities and lets a few people reserve, in the same way as everybody does.
pub(super) async fn create(state: &AppState, host: UserId) -> Result<(), EngineError> {
    let today = start_of_day(state.clock.now());
    let talks = evening("An evening of talks", today.plus_millis(7 * DAY_MS), 40, host);
    let talks = make(state, talks).await?;
    for (name, guest_count) in [("Amara Okafor", 0), ("Bo Lindqvist", 1), ("Chiara Russo", 0)] {
        reserve(state, talks, name, guest_count).await?;
    }

    let games = evening(
        "Board games at the library",
        today.plus_millis(9 * DAY_MS),
        6,
        host,
    );
    let games = make(state, games).await?;
    // The first four take all seats, the others wait.
    for (name, guest_count) in [
        ("Deniz Yılmaz", 1),
        ("Emeka Eze", 0),
        ("Fatou Diop", 1),
        ("Goran Petrović", 0),
        ("Hana Sato", 2),
        ("Inés Vega", 0),
        ("Jun Park", 1),
    ] {
        reserve(state, games, name, guest_count).await?;
    }

    let concert = Settings {
        opens_at: Some(today.plus_millis(DAY_MS + 9 * HOUR_MS)),
        ..evening(
            "Concert at the harbour",
            today.plus_millis(30 * DAY_MS),
            500,
            host,
        )
    };
    make(state, concert).await?;
    Ok(())
}

async fn make(state: &AppState, settings: Settings) -> Result<ActivityId, EngineError> {
    let host = Principal::user(settings.host_id);
    Ok(state.engine.create(&host, settings, None).await?.id())
}

async fn reserve(
    state: &AppState,
    activity: ActivityId,
    name: &str,
    guest_count: u16,
) -> Result<(), EngineError> {
    let user = UserId::from(state.ids.next());
    let reserve = Reserve {
        fresh: RsvpId::from(state.ids.next()),
        person: Person::User(user),
        name: PersonName::tame(name).shared(),
        guest_count,
        special_requirements: None,
    };
    let order = Order {
        by: Principal::user(user),
        command: Command::Reserve(reserve),
        if_version: None,
        key: None,
    };
    state.engine.command(activity, order).await?;
    Ok(())
}

/// From six to nine in the evening of a day, with everything else as it usually is.
fn evening(title: &str, day: Timestamp, capacity: u32, host: UserId) -> Settings {
    let (from, to) = (day.plus_millis(18 * HOUR_MS), day.plus_millis(21 * HOUR_MS));
    Settings {
        description: Some("Part of the demonstration: change it, fill it, cancel it.".to_owned()),
        ..Settings::new(host, title.to_owned(), from, to, capacity)
    }
}

/// When the day of a time began, in UTC.
fn start_of_day(time: Timestamp) -> Timestamp {
    let day_us = DAY_MS * 1_000;
    Timestamp::from_micros(time.micros() - time.micros().rem_euclid(day_us))
}
