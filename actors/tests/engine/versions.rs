//! Whoever acts on an old version is told what is there now, and nothing changes.

use turnout_actors::domain::{Command, Current, Rejection, Seq, SettingsChange, Target, Update};
use turnout_actors::{EngineError, Order};

use super::support::{House, host, key};

fn by_host(command: Command, if_version: u32) -> Order {
    Order {
        by: host(),
        command,
        if_version: Some(if_version),
        key: None,
    }
}

fn capacity(capacity: u32) -> Command {
    Command::Change(Box::new(SettingsChange {
        capacity: Some(capacity),
        ..SettingsChange::default()
    }))
}

#[tokio::test]
async fn a_host_who_acts_on_an_old_version_is_told_the_current_one() {
    let house = House::new().await;
    let id = house.seats(2).await;
    house.engine.command(id, by_host(capacity(3), 1)).await.unwrap();
    let conflict = Rejection::VersionConflict(Box::new(Current::Activity { version: 2 }));
    for command in [capacity(4), Command::CancelActivity] {
        let told = house.engine.command(id, by_host(command, 1)).await;
        assert_eq!(told, Err(EngineError::Rejected(conflict.clone())));
    }
    assert_eq!(house.journal.events(id).len(), 1);
    let end = house
        .engine
        .command(id, by_host(Command::CancelActivity, 2))
        .await;
    assert_eq!(end.unwrap().answer.seq, Seq(2));
}

#[tokio::test]
async fn an_attendee_who_acts_on_an_old_version_is_told_the_rsvp_as_it_is() {
    let house = House::new().await;
    let id = house.seats(9).await;
    house.reserve(id, 1).await.unwrap();
    let update = |guest_count| {
        Command::Update(Update {
            target: Target::Own,
            guest_count: Some(guest_count),
            special_requirements: None,
            name: None,
        })
    };
    let order = |command, if_version| Order {
        if_version: Some(if_version),
        ..house.order(1, command, None)
    };
    let grown = house.engine.command(id, order(update(2), 1)).await.unwrap();
    let current = Current::Rsvp(grown.answer.into_rsvp().unwrap());
    let conflict = Rejection::VersionConflict(Box::new(current));
    for command in [update(3), Command::Cancel(Target::Own)] {
        let told = house.engine.command(id, order(command, 1)).await;
        assert_eq!(told, Err(EngineError::Rejected(conflict.clone())));
    }
    assert_eq!(house.confirmed(id).await, 3);
    assert_eq!(house.journal.events(id).len(), 2);
}

#[tokio::test]
async fn a_replay_is_told_whatever_version_is_asked_for() {
    let house = House::new().await;
    let id = house.seats(9).await;
    house.reserve(id, 1).await.unwrap();
    let cancel = |if_version| Order {
        if_version: Some(if_version),
        ..house.order(1, Command::Cancel(Target::Own), key("k"))
    };
    assert!(house.engine.command(id, cancel(1)).await.is_ok());
    for if_version in [1, 2, 3] {
        let again = house.engine.command(id, cancel(if_version)).await;
        let told = again.map(|reply| (reply.answer.replayed, reply.answer.seq));
        assert_eq!(told, Ok((true, Seq(2))), "version {if_version}");
    }
}
