//! What every journal must do about idempotency keys.

use std::sync::Arc;

use uuid::Uuid;

use super::landing;
use crate::domain::{ActivityId, Command, KeyDigest, KeyUse, Rejection, Settings, SettingsChange, Timestamp};
use crate::ports::{Creation, Journal, Landing, NewActivity};
use crate::testing::drive::{Drive, HOST, settings};

pub(super) async fn creating_with_a_used_key_gives_the_first_activity(journal: &dyn Journal) {
    let make = |id: u128, key: u8, fingerprint| NewActivity {
        id: ActivityId::from(Uuid::from_u128(id)),
        settings: Arc::new(settings(5)),
        at: Timestamp::from_millis(5),
        key: Some(KeyUse {
            digest: KeyDigest([key; 16]),
            fingerprint,
        }),
    };
    let first = make(1, 1, u64::MAX);
    assert_eq!(
        journal.create(first.clone()).await.expect("creating works"),
        Creation::Created
    );
    let again = journal
        .create(make(2, 1, u64::MAX))
        .await
        .expect("creating works");
    assert_eq!(again, Creation::Replayed(first.id));
    assert_eq!(
        journal.create(make(3, 1, 7)).await.expect("creating works"),
        Creation::KeyReused
    );
    assert_eq!(
        journal
            .create(make(4, 2, u64::MAX))
            .await
            .expect("creating works"),
        Creation::Created
    );
    for unmade in [2, 3] {
        let id = ActivityId::from(Uuid::from_u128(unmade));
        assert!(journal.load(id).await.expect("loading works").is_none());
    }
}

pub(super) async fn a_recorded_key_is_recalled_with_its_answer(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(1)).await;
    drive.reserve(1, 0).expect("there is room");
    let answer = drive.reserve_keyed(2, 1, Some(42));
    assert!(
        matches!(answer, Err(Rejection::PartyTooLarge { .. })),
        "rejections are not recorded"
    );
    drive.reserve_keyed(2, 0, Some(43)).expect("there is a waitlist");
    let change = SettingsChange {
        capacity: Some(9),
        ..SettingsChange::default()
    };
    drive
        .order(HOST, Command::Change(Box::new(change)), Some(44))
        .expect("the host may");
    let batch = drive.batch();
    assert_eq!(landing(journal, &batch).await, Landing::Written);
    let mut recalled = 0;
    for event in &batch.events {
        let keyed = journal
            .recall(batch.activity, event.seq)
            .await
            .expect("recalling works");
        assert_eq!(keyed.as_ref(), event.keyed.as_deref(), "event {}", event.seq);
        recalled += usize::from(keyed.is_some());
    }
    assert_eq!(recalled, 2);
}

pub(super) async fn keys_are_kept_for_a_day_after_the_end_and_after_their_command(journal: &dyn Journal) {
    let hours_ago = |hours: i64| Timestamp::from_millis(-hours * 3_600_000);
    for (id, ended, given) in [(1, 1, 25), (2, 23, 999), (3, 25, 23), (4, 999, 1)] {
        let settings = Settings {
            starts_at: hours_ago(ended + 1),
            ends_at: hours_ago(ended),
            ..settings(1)
        };
        let mut drive = Drive::create(journal, id, settings).await;
        drive
            .reserve_keyed(HOST, 0, Some(7))
            .expect("the host may at any time");
        let mut batch = drive.batch();
        batch.events[0].at = hours_ago(given);
        assert_eq!(landing(journal, &batch).await, Landing::Written);
        let loaded = Drive::load(journal, batch.activity).await;
        assert_eq!(
            loaded.activity.key_count(),
            1,
            "given {given} hours ago for what ended {ended} hours ago"
        );
    }
}
