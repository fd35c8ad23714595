//! What every journal must do to find out what became of a batch.

use super::{landing, reloaded, reservation};
use crate::ports::{Journal, Landing, Settled};
use crate::testing::drive::{Drive, settings};

pub(super) async fn settling_a_written_batch_finds_it(journal: &dyn Journal) {
    for (id, settings_too) in [(1, false), (2, true)] {
        let mut drive = Drive::create(journal, id, settings(4)).await;
        let batch = reservation(&mut drive, settings_too);
        assert_eq!(landing(journal, &batch).await, Landing::Written);
        let settled = journal.settle(&batch).await.expect("settling works");
        let Settled::Written { epoch } = settled else {
            panic!("it was written: {settled:?}")
        };
        assert!(epoch > batch.epoch);
        drive.absorb();
        drive.reserve(2, 0).expect("there is room");
        let stale = drive.batch();
        assert_eq!(landing(journal, &stale).await, Landing::Refused);
    }
}

pub(super) async fn settling_a_lost_batch_keeps_it_from_ever_landing(journal: &dyn Journal) {
    let mut drive = Drive::create(journal, 1, settings(4)).await;
    drive.reserve(1, 0).expect("there is room");
    let mut batch = drive.batch();
    let settled = journal.settle(&batch).await.expect("settling works");
    let Settled::NotWritten { epoch } = settled else {
        panic!("it was not written: {settled:?}")
    };
    let late = landing(journal, &batch).await;
    assert_eq!(late, Landing::Refused, "it comes too late");
    batch.epoch = epoch;
    assert_eq!(landing(journal, &batch).await, Landing::Written);
    drive.absorb();
    reloaded(journal, &drive).await;
}

pub(super) async fn settling_under_another_owner_is_fenced(journal: &dyn Journal) {
    let mut deposed = Drive::create(journal, 1, settings(4)).await;
    deposed.reserve(1, 0).expect("there is room");
    let batch = deposed.batch();
    Drive::load(journal, batch.activity).await;
    assert_eq!(
        journal.settle(&batch).await.expect("settling works"),
        Settled::Fenced
    );
}

pub(super) async fn a_written_batch_is_found_although_its_settling_was_not_heard_of(journal: &dyn Journal) {
    for (id, written) in [(1, true), (2, false)] {
        let mut drive = Drive::create(journal, id, settings(4)).await;
        let batch = reservation(&mut drive, false);
        if written {
            assert_eq!(landing(journal, &batch).await, Landing::Written);
        }
        let settle = async || journal.settle(&batch).await.expect("settling works");
        let unheard = settle().await;
        assert!(matches!(
            (written, unheard),
            (true, Settled::Written { .. }) | (false, Settled::NotWritten { .. })
        ));
        let expected = if written {
            Settled::WrittenAndFenced
        } else {
            Settled::Fenced
        };
        assert_eq!(settle().await, expected);
        let mut owner = Drive::load(journal, batch.activity).await;
        assert_eq!(settle().await, expected, "whoever raised the epoch");
        owner.reserve(2, 0).expect("there is room");
        owner.commit(journal).await;
        assert_eq!(settle().await, Settled::Fenced, "somebody has decided since");
    }
}
