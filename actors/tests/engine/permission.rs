//! Who may do what, before anything else is judged.

use turnout_actors::EngineError;
use turnout_actors::domain::{Command, Rejection, Settings, SettingsChange, Target, Visibility};
use turnout_actors::testing::settings;

use super::support::House;

const FORBIDDEN: EngineError = EngineError::Rejected(Rejection::Forbidden);

#[tokio::test]
async fn only_the_host_changes_or_ends_an_activity() {
    let house = House::new().await;
    let id = house.seats(2).await;
    let change = Command::Change(Box::new(SettingsChange {
        capacity: Some(9),
        ..SettingsChange::default()
    }));
    for command in [change, Command::CancelActivity] {
        let told = house.engine.command(id, house.order(1, command, None)).await;
        assert_eq!(told, Err(FORBIDDEN));
    }
    assert_eq!(house.journal.events(id).len(), 0);
}

#[tokio::test]
async fn nobody_acts_for_somebody_else() {
    let house = House::new().await;
    let id = house.seats(2).await;
    let reserved = house.reserve(id, 1).await.unwrap();
    let rsvp = reserved.answer.rsvp().unwrap().rsvp.id;
    let cancel = house.order(2, Command::Cancel(Target::Rsvp(rsvp)), None);
    assert_eq!(house.engine.command(id, cancel).await, Err(FORBIDDEN));
    let for_another = house.order(2, house.reserve_order(3, "Somebody", 0, None).command, None);
    assert_eq!(house.engine.command(id, for_another).await, Err(FORBIDDEN));
    assert_eq!(house.confirmed(id).await, 1);
}

#[tokio::test]
async fn a_private_activity_does_not_exist_for_who_has_no_rsvp_there() {
    let house = House::new().await;
    let private = Settings {
        visibility: Visibility::Private,
        ..settings(2)
    };
    let id = house.activity(private).await;
    let not_found = EngineError::Rejected(Rejection::NotFound);
    assert_eq!(house.reserve(id, 1).await, Err(not_found));
}
