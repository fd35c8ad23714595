//! What every journal must do. One function per promise; [`CASES`] names them all.

mod keys;
mod rules;
mod settling;

use uuid::Uuid;

use self::keys::{
    a_recorded_key_is_recalled_with_its_answer, creating_with_a_used_key_gives_the_first_activity,
    keys_are_kept_for_a_day_after_the_end_and_after_their_command,
};
use self::rules::{
    a_guest_comes_in_without_an_account, a_waiting_group_is_one_party_again_after_loading,
    an_answer_about_several_is_recalled, an_offer_is_loaded_again_with_its_end,
    offers_that_are_over_are_found, the_ticket_of_an_earlier_life_is_not_used_again,
    what_the_host_promotes_by_hand_has_passed_nobody_after_loading, who_has_come_in_is_loaded_again,
    whoever_took_over_a_place_has_passed_nobody_after_loading,
};
use self::settling::{
    a_written_batch_is_found_although_its_settling_was_not_heard_of,
    settling_a_lost_batch_keeps_it_from_ever_landing, settling_a_written_batch_finds_it,
    settling_under_another_owner_is_fenced,
};
use super::drive::{Drive, HOST, contents, settings};
use crate::domain::{
    ActivityId, AttendeesVisible, Command, Draft, Fact, GuestPolicy, History, KeyDigest, KeyUse, Keyed,
    Outcome, OwnerEpoch, Person, Reserve, RsvpId, Seq, SettingsChange, Status, Target, Ticket, Timestamp,
    Told, Update, UserId, Visibility,
};
use crate::ports::{Batch, Journal, JournalError, Landing};

macro_rules! cases {
    ($($case:ident),* $(,)?) => {
        /// The names of all cases.
        pub const CASES: &[&str] = &[$(stringify!($case)),*];

        /// Runs one case on an empty journal; panics where the journal breaks its promise.
        pub async fn run_case(name: &str, journal: &dyn Journal) {
            match name {
                $(stringify!($case) => $case(journal).await,)*
                unknown => panic!("there is no case {unknown}"),
            }
        }
    };
}

cases![
    a_history_begins_once_for_all_who_miss_something,
    an_unknown_activity_is_not_found,
    a_new_activity_loads_empty_with_all_settings,
    creating_with_a_used_key_gives_the_first_activity,
    what_was_committed_is_loaded_again,
    loading_claims_the_activity_by_a_higher_epoch,
    several_batches_one_after_the_other_are_loaded_again,
    a_batch_on_an_old_state_is_refused_and_writes_nothing,
    a_batch_of_an_old_owner_is_refused_and_writes_nothing,
    one_refused_batch_does_not_hold_up_the_others,
    a_batch_that_overbooks_is_refused_by_the_constraint,
    a_refused_transaction_writes_none_of_its_batches,
    rows_that_do_not_add_up_are_not_loaded,
    a_recorded_key_is_recalled_with_its_answer,
    keys_are_kept_for_a_day_after_the_end_and_after_their_command,
    a_cancelled_rsvp_comes_back_in_its_row,
    changed_texts_of_an_rsvp_are_loaded_again,
    who_was_passed_stays_passed_after_loading,
    a_new_ticket_of_a_waiting_party_is_loaded_again,
    the_ticket_of_an_earlier_life_is_not_used_again,
    changed_settings_are_loaded_again,
    a_waiting_group_is_one_party_again_after_loading,
    an_offer_is_loaded_again_with_its_end,
    offers_that_are_over_are_found,
    what_the_host_promotes_by_hand_has_passed_nobody_after_loading,
    whoever_took_over_a_place_has_passed_nobody_after_loading,
    who_has_come_in_is_loaded_again,
    an_answer_about_several_is_recalled,
    a_guest_comes_in_without_an_account,
    settling_a_written_batch_finds_it,
    settling_a_lost_batch_keeps_it_from_ever_landing,
    settling_under_another_owner_is_fenced,
    a_written_batch_is_found_although_its_settling_was_not_heard_of,
    rows_add_up_to_what_was_committed,
    rows_of_a_cancelled_activity_follow_in_steps,
    a_batch_of_thousands_is_written_whole,
    every_row_and_event_of_a_batch_is_written_whatever_its_size,
];

async fn reloaded(journal: &dyn Journal, drive: &Drive) -> Drive {
    let loaded = Drive::load(journal, drive.activity.id()).await;
    assert_eq!(contents(&loaded.activity), contents(&drive.activity));
    assert_eq!(loaded.activity.waitlist(), drive.activity.waitlist());
    loaded
}

/// How a batch fares that is written alone.
async fn landing(journal: &dyn Journal, batch: &Batch) -> Landing {
    let landings = journal
        .commit(std::slice::from_ref(batch))
        .await
        .expect("the transaction succeeds");
    assert_eq!(landings.len(), 1);
    landings[0]
}

async fn a_history_begins_once_for_all_who_miss_something(journal: &dyn Journal) {
    let drive = Drive::create(journal, 1, settings(1)).await;
    let present = async |known| journal.history_after(known).await.expect("it is there");
    let first = present(History(0)).await;
    assert!(first > History(0));
    for _ in 0..2 {
        assert_eq!(present(first).await, first.next());
    }
    // Also where the journal itself knows nothing of the history that somebody knows.
    let lost = History(first.0 + 7);
    assert_eq!(present(lost).await, lost.next());
    let loaded = journal.load(drive.activity.id()).await.expect("loading works");
    assert_eq!(loaded.expect("it is there").history, lost.next());
}

async fn an_unknown_activity_is_not_found(journal: &dyn Journal) {
    let unknown = ActivityId::from(Uuid::from_u128(404));
    assert!(journal.load(unknown).await.expect("loading works").is_none());
    assert_eq!(
        journal.recall(unknown, Seq(1)).await.expect("recalling works"),
        None
    );
    assert_eq!(
        journal
            .follow_cancellation(unknown, None, 10)
            .await
            .expect("following works"),
        None
    );
}

async fn rows_add_up_to_what_was_committed(journal: &dyn Journal) {
    let unknown = ActivityId::from(Uuid::from_u128(404));
    assert_eq!(journal.recount(unknown).await.expect("counting works"), None);

    let mut drive = Drive::create(journal, 1, settings(4)).await;
    let id = drive.activity.id();
    for (person, guests) in [(1, 0), (2, 1), (3, 3), (4, 2), (5, 0)] {
        drive.reserve(person, guests).expect("there is a waitlist");
    }
    drive.commit(journal).await;
    drive.cancel(1).expect("it is there");
    drive.commit(journal).await;
    let counts = drive.activity.counts();
    assert!(
        counts.confirmed_spots > 0 && counts.waitlisted_parties > 1,
        "there is something to count"
    );
    let rows = journal
        .recount(id)
        .await
        .expect("counting works")
        .expect("it is there");
    assert!(rows.agrees_with(&counts), "{rows:?} {counts:?}");
}

async fn a_new_activity_loads_empty_with_all_settings(journal: &dyn Journal) {
    let full = crate::domain::Settings {
        description: Some("Line one\nline two – ünï".into()),
        venue: Some("Hall 3".into()),
        time_zone: "Europe/Berlin".into(),
        opens_at: Some(Timestamp::from_micros(1_000_001)),
        closes_at: Some(Timestamp::from_micros(2_000_002)),
        cancel_until: Some(Timestamp::from_micros(3_000_003)),
        promote_until: Some(Timestamp::from_micros(4_000_004)),
        waitlist_capacity: Some(0),
        waitlist_paused: true,
        patience: 1_000_000,
        guests: crate::domain::GuestPolicy::Off,
        visibility: crate::domain::Visibility::Private,
        attendees_visible: crate::domain::AttendeesVisible::Host,
        ..settings(10_000_000)
    };
    for (id, settings) in [(1, settings(1)), (2, full)] {
        let drive = Drive::create(journal, id, settings.clone()).await;
        assert_eq!(*drive.activity.head().settings, settings);
        assert_eq!(drive.activity.rsvp_count(), 0);
        assert_eq!(drive.activity.counts().seq, Seq(0));
    }
}

async fn what_was_committed_is_loaded_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(3)).await;
    for person in 1..=5 {
        drive
            .reserve_keyed(person, (person % 3) as u16, Some(person as u8))
            .expect("there is a waitlist");
    }
    drive.commit(journal).await;
    let loaded = reloaded(journal, &drive).await;
    assert_eq!(loaded.activity.key_count(), 5);
}

async fn loading_claims_the_activity_by_a_higher_epoch(journal: &dyn Journal) {
    let first = Drive::create(journal, 1, settings(3)).await;
    let second = Drive::load(journal, first.activity.id()).await;
    assert!(second.epoch > first.epoch);
}

async fn several_batches_one_after_the_other_are_loaded_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    for person in 1..=9 {
        drive
            .reserve(person, (person % 2) as u16)
            .expect("there is a waitlist");
        drive.commit(journal).await;
        if person % 3 == 0 {
            drive.cancel(person - 1).expect("it was live");
            drive.commit(journal).await;
            drive.update(person, 2).err();
            drive.commit_if_changed(journal).await;
        }
        drive = reloaded(journal, &drive).await;
    }
}

/// A batch with a reservation. A journal may write one that changes settings too in a way of its own.
fn reservation(drive: &mut Drive, settings_too: bool) -> Batch {
    drive.reserve(1, 0).expect("there is room");
    if settings_too {
        let change = SettingsChange {
            capacity: Some(5),
            ..SettingsChange::default()
        };
        drive.change(change).expect("the host may");
    }
    drive.batch()
}

async fn a_batch_on_an_old_state_is_refused_and_writes_nothing(journal: &dyn Journal) {
    for (id, settings_too) in [(1, false), (2, true)] {
        let mut drive = Drive::create(journal, id, settings(3)).await;
        let stale = reservation(&mut drive, settings_too);
        drive.draft = Draft::on(&drive.activity);
        drive.reserve(2, 0).expect("there is room");
        drive.commit(journal).await;
        let landing = landing(journal, &stale).await;
        assert_eq!(landing, Landing::Refused, "settings too: {settings_too}");
        reloaded(journal, &drive).await;
    }
}

async fn a_batch_of_an_old_owner_is_refused_and_writes_nothing(journal: &dyn Journal) {
    for (id, settings_too) in [(1, false), (2, true)] {
        let mut deposed = Drive::create(journal, id, settings(3)).await;
        let stale = reservation(&mut deposed, settings_too);
        let owner = Drive::load(journal, deposed.activity.id()).await;
        let landing = landing(journal, &stale).await;
        assert_eq!(landing, Landing::Refused, "settings too: {settings_too}");
        reloaded(journal, &owner).await;
    }
}

async fn one_refused_batch_does_not_hold_up_the_others(journal: &dyn Journal) {
    let mut drives = Vec::new();
    for id in 1..=3 {
        let mut drive = Drive::create(journal, id, settings(3)).await;
        drive.reserve(id, 1).expect("there is room");
        drives.push(drive);
    }
    let mut batches: Vec<_> = drives.iter_mut().map(Drive::batch).collect();
    batches[1].epoch = OwnerEpoch(99);
    let landings = journal.commit(&batches).await.expect("the transaction succeeds");
    assert_eq!(landings, [Landing::Written, Landing::Refused, Landing::Written]);
    for (index, drive) in drives.iter_mut().enumerate() {
        if index == 1 {
            drive.draft = Draft::on(&drive.activity);
        }
        drive.absorb();
        reloaded(journal, drive).await;
    }
}

async fn a_batch_that_overbooks_is_refused_by_the_constraint(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(1)).await;
    drive.reserve(1, 0).expect("there is room");
    let mut batch = drive.batch();
    batch.head.confirmed_spots = 2;
    assert!(matches!(
        journal.commit(&[batch]).await,
        Err(JournalError::Aborted(_))
    ));
    drive.draft = Draft::on(&drive.activity);
    reloaded(journal, &drive).await;
}

async fn a_refused_transaction_writes_none_of_its_batches(journal: &dyn Journal) {
    let (mut good, mut bad) = (
        Drive::create(journal, 1, settings(1)).await,
        Drive::create(journal, 2, settings(1)).await,
    );
    good.reserve(1, 0).expect("there is room");
    bad.reserve(2, 0).expect("there is room");
    let (fine, mut overbooked) = (good.batch(), bad.batch());
    overbooked.head.confirmed_spots = 2;
    assert!(matches!(
        journal.commit(&[fine.clone(), overbooked]).await,
        Err(JournalError::Aborted(_))
    ));
    let landings = journal.commit(&[fine]).await.expect("alone it is fine");
    assert_eq!(landings, [Landing::Written]);
    good.absorb();
    reloaded(journal, &good).await;
    bad.draft = Draft::on(&bad.activity);
    reloaded(journal, &bad).await;
}

async fn rows_that_do_not_add_up_are_not_loaded(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(3)).await;
    drive.reserve(1, 1).expect("there is room");
    let mut batch = drive.batch();
    batch.head.confirmed_spots = 1;
    assert_eq!(landing(journal, &batch).await, Landing::Written);
    let loaded = journal.load(batch.activity).await;
    assert!(matches!(loaded, Err(JournalError::Corrupt(_))));
}

async fn a_cancelled_rsvp_comes_back_in_its_row(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(2)).await;
    let first = drive
        .reserve(2, 0)
        .expect("there is room")
        .into_rsvp()
        .expect("an RSVP")
        .rsvp;
    drive.commit(journal).await;
    drive.cancel(2).expect("it is live");
    drive.commit(journal).await;
    drive = reloaded(journal, &drive).await;
    let back = drive
        .reserve(2, 1)
        .expect("there is room")
        .into_rsvp()
        .expect("an RSVP")
        .rsvp;
    drive.commit(journal).await;
    assert_eq!((back.id, back.version, back.generation), (first.id, 3, 2));
    reloaded(journal, &drive).await;
}

async fn changed_texts_of_an_rsvp_are_loaded_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(2)).await;
    drive.reserve(1, 0).expect("there is room");
    drive.commit(journal).await;
    for wishes in [Some("a seat at the aisle"), Some("another one"), None] {
        let update = Update {
            target: Target::Own,
            guest_count: None,
            special_requirements: Some(wishes.map(Into::into)),
            name: None,
        };
        drive
            .order(1, Command::Update(update), None)
            .expect("there is time");
        drive.commit(journal).await;
        drive = reloaded(journal, &drive).await;
    }
    drive.cancel(1).expect("it is live");
    let back = Reserve {
        fresh: RsvpId::from(Uuid::from_u128(5)),
        person: Person::User(UserId::from(Uuid::from_u128(1))),
        name: "Another name".into(),
        guest_count: 0,
        special_requirements: Some("a table".into()),
    };
    drive
        .order(1, Command::Reserve(back), None)
        .expect("there is room");
    drive.commit(journal).await;
    reloaded(journal, &drive).await;
}

async fn who_was_passed_stays_passed_after_loading(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    drive.reserve(1, 2).expect("there is room");
    drive.reserve(2, 3).expect("it waits, feasible but too large");
    assert_eq!(
        drive.reserve(3, 0).map(status),
        Ok(Status::Confirmed),
        "it passes the second"
    );
    drive.cancel(3).expect("it is live");
    assert_eq!(
        drive.reserve(4, 0).map(status),
        Ok(Status::Confirmed),
        "and so does this one"
    );
    drive.commit(journal).await;
    let mut loaded = reloaded(journal, &drive).await;
    assert_eq!(loaded.activity.waitlist().passed(Ticket(2)), 2);
    loaded.cancel(4).expect("it is live");
    assert_eq!(
        loaded.reserve(5, 0).map(status),
        Ok(Status::Confirmed),
        "the third and last"
    );
    loaded.cancel(5).expect("it is live");
    assert_eq!(
        loaded.reserve(6, 0).map(status),
        Ok(Status::Waitlisted),
        "the second guards now"
    );
    loaded.commit(journal).await;
    reloaded(journal, &loaded).await;
}

fn status(answer: crate::domain::Answer) -> Status {
    answer
        .into_rsvp()
        .expect("the command was about an RSVP")
        .rsvp
        .status
}

async fn a_new_ticket_of_a_waiting_party_is_loaded_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    for person in 1..=4 {
        drive.reserve(person, 3).expect("there is a waitlist");
    }
    drive.update(2, 1).expect("shrinking keeps the place");
    drive.update(2, 2).expect("growing takes a new one");
    drive.commit(journal).await;
    let mut loaded = reloaded(journal, &drive).await;
    assert_eq!(loaded.activity.head().last_ticket, Ticket(5));
    loaded.cancel(1).expect("it is live");
    loaded.commit(journal).await;
    reloaded(journal, &loaded).await;
}

async fn changed_settings_are_loaded_again(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    drive.reserve(1, 3).expect("there is room");
    let change = SettingsChange {
        title: Some("Another evening".into()),
        description: Some(Some("With a text".into())),
        capacity: Some(2),
        waitlist_paused: Some(true),
        opens_at: Some(Some(Timestamp::from_millis(7))),
        ..SettingsChange::default()
    };
    drive.change(change).expect("the host may");
    drive.commit(journal).await;
    let mut loaded = reloaded(journal, &drive).await;
    assert_eq!(
        loaded.activity.head().capacity_limit,
        4,
        "held spots may stay after a cut"
    );
    loaded.update(1, 2).expect("shrinking is allowed");
    loaded.commit(journal).await;
    let mut loaded = reloaded(journal, &loaded).await;
    assert_eq!(
        loaded.activity.head().capacity_limit,
        3,
        "and what was given back is not held any more"
    );
    let everything_else = SettingsChange {
        venue: Some(Some("Hall 3".into())),
        time_zone: Some("Europe/Berlin".into()),
        starts_at: Some(Timestamp::from_millis(80_000_000)),
        ends_at: Some(Timestamp::from_millis(99_000_000)),
        max_guests: Some(7),
        closes_at: Some(Some(Timestamp::from_millis(50_000_001))),
        cancel_until: Some(Some(Timestamp::from_millis(50_000_002))),
        promote_until: Some(Some(Timestamp::from_millis(50_000_003))),
        waitlist_capacity: Some(Some(8)),
        patience: Some(9),
        guests: Some(GuestPolicy::Off),
        visibility: Some(Visibility::Unlisted),
        attendees_visible: Some(AttendeesVisible::Attendees),
        ..SettingsChange::default()
    };
    loaded.change(everything_else).expect("the host may");
    loaded.commit(journal).await;
    reloaded(journal, &loaded).await;
}

async fn rows_of_a_cancelled_activity_follow_in_steps(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(2)).await;
    for person in 1..=5 {
        drive.reserve(person, 0).expect("there is a waitlist");
    }
    drive.cancel(5).expect("it is live");
    drive.commit(journal).await;
    assert_eq!(
        journal
            .follow_cancellation(drive.activity.id(), None, 10)
            .await
            .expect("following works"),
        None
    );
    drive
        .order(HOST, Command::CancelActivity, None)
        .expect("the host may");
    drive.commit(journal).await;
    drive = reloaded(journal, &drive).await;
    let mut live: Vec<RsvpId> = drive.activity.rsvps().map(|answered| answered.rsvp.id).collect();
    live.sort();
    live.pop();
    let (mut after, mut steps) = (None, Vec::new());
    loop {
        after = journal
            .follow_cancellation(drive.activity.id(), after, 3)
            .await
            .expect("following works");
        steps.push(after);
        reloaded(journal, &drive).await;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(steps, [Some(live[2]), Some(live[3]), None]);
}

async fn a_batch_of_thousands_is_written_whole(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(1_500)).await;
    for person in 1..=3_000 {
        drive
            .reserve_keyed(person, (person % 2) as u16, None)
            .expect("there is a waitlist");
    }
    for person in 1..=500 {
        drive.cancel(person).expect("it is live");
    }
    let batch = drive.batch();
    let promoted = batch
        .events
        .iter()
        .filter(|event| matches!(event.fact, Fact::Promoted { .. }))
        .count();
    assert!(promoted > 100, "{promoted} were promoted");
    assert_eq!(landing(journal, &batch).await, Landing::Written);
    drive.absorb();
    reloaded(journal, &drive).await;
}

async fn every_row_and_event_of_a_batch_is_written_whatever_its_size(journal: &dyn Journal) {
    // A journal may write rows in groups; these sizes fill them, or leave one, a few or many over. And it may read no
    // more than some thousands at once.
    for size in [1, 2, 3, 4, 5, 31, 32, 33, 40, 255, 256, 257, 300, 2_000, 4_001] {
        let mut drive = Drive::create(journal, size, settings(10)).await;
        for person in 1..=size {
            drive.reserve(person, 0).expect("there is a waitlist");
        }
        let mut batch = drive.batch();
        // With a key on each, every event counts in what is loaded again.
        for event in &mut batch.events {
            event.keyed = Some(Box::new(Keyed {
                key: KeyUse {
                    digest: KeyDigest(u128::from(event.seq.0).to_le_bytes()),
                    fingerprint: event.seq.0,
                },
                outcome: Outcome {
                    seq: event.seq,
                    told: Told::Nothing,
                },
            }));
        }
        assert_eq!(landing(journal, &batch).await, Landing::Written);
        let loaded = Drive::load(journal, batch.activity).await.activity;
        assert_eq!(
            (loaded.rsvp_count() as u128, loaded.key_count() as u128),
            (size, size)
        );
    }
}
