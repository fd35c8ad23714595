//! The mirror of the counts: right when it is well, right again after it was not, and never in anybody's way. And
//! what is in memory, compared with the rows.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};
use turnout_actors::domain::{ActivityId, Seq};
use turnout_actors::ports::{MirrorCounts, Ports};
use turnout_actors::testing::{MemoryMirror, MirrorMood};
use turnout_actors::{Engine, Options};

use crate::counters::Counters;
use crate::support::House;

/// Long enough for a mirror that lost its memory to be filled again.
const SOON: Duration = Duration::from_secs(2);

/// A house with a mirror.
async fn mirrored() -> (House, MemoryMirror) {
    let mirror = MemoryMirror::default();
    let mut house = House::new().await;
    let ports = Ports {
        journal: Arc::new(house.journal.clone()),
        sink: Arc::new(()),
        mirror: Some(Arc::new(mirror.clone())),
        clock: house.clock.clone(),
        ids: house.ids.clone(),
    };
    house.engine = Engine::start(ports, Options::default()).await.unwrap();
    (house, mirror)
}

async fn truth(house: &House, id: ActivityId) -> MirrorCounts {
    let counts = house.engine.read(id, |activity| activity.counts()).await;
    MirrorCounts::new(counts.unwrap(), house.engine.history())
}

#[tokio::test(start_paused = true)]
async fn the_mirror_follows_what_is_committed() {
    let (house, mirror) = mirrored().await;
    let id = house.seats(1).await;
    sleep(SOON).await;
    assert_eq!(
        mirror.held(id),
        Some(truth(&house, id).await),
        "an activity that nobody has changed"
    );
    house.reserve(id, 1).await.unwrap();
    house.reserve(id, 2).await.unwrap();
    sleep(SOON).await;
    let expected = MirrorCounts {
        capacity: 1,
        confirmed: 1,
        offered: 0,
        waitlisted: 1,
        available: 0,
        history: house.engine.history(),
        seq: Seq(2),
    };
    assert_eq!(mirror.held(id), Some(expected));
    assert_eq!(mirror.replaced(), 0, "nothing was wrong in it");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_in_the_mirror_that_is_not_committed() {
    let (house, mirror) = mirrored().await;
    let id = house.seats(3).await;
    sleep(SOON).await;
    let gate = house.journal.faults().hold_next_commit();
    let reserving = house.reserve(id, 1);
    let looking = async {
        house.journal.until_held().await;
        sleep(SOON).await;
        assert_eq!(mirror.held(id).map(|held| held.seq), Some(Seq(0)));
        gate.add_permits(1);
    };
    let (reserved, ()) = tokio::join!(reserving, looking);
    reserved.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_mirror_that_is_away_silent_or_broken_delays_nobody_and_is_right_when_it_is_back() {
    for mood in [MirrorMood::Away, MirrorMood::Silent, MirrorMood::Panics] {
        let (house, mirror) = mirrored().await;
        let id = house.seats(1_000).await;
        sleep(SOON).await;
        mirror.is(mood);
        for person in 1..=100 {
            let reserving = timeout(Duration::from_millis(1), house.reserve(id, person));
            reserving.await.expect("nobody waits for the mirror").unwrap();
        }
        sleep(SOON).await;
        let behind = mirror.held(id).map(|held| held.seq);
        assert_eq!(behind, Some(Seq(0)), "{mood:?}");
        mirror.is(MirrorMood::Well);
        // Silence ends only when whoever is asked gives up; the real one does so by itself.
        if mood != MirrorMood::Silent {
            sleep(SOON).await;
            assert_eq!(mirror.held(id), Some(truth(&house, id).await), "{mood:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_written_is_no_drift() {
    let (house, mirror) = mirrored().await;
    let id = house.seats(9).await;
    // Between two looks at the mirror, so that it is writing that finds it away.
    sleep(SOON + Duration::from_millis(100)).await;
    mirror.is(MirrorMood::Away);
    house.reserve(id, 1).await.unwrap();
    sleep(SOON).await;
    mirror.is(MirrorMood::Well);
    sleep(SOON).await;
    assert_eq!(mirror.held(id), Some(truth(&house, id).await));
    assert_eq!(mirror.replaced(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_mirror_that_lost_its_memory_is_filled_again_at_once() {
    let (house, mirror) = mirrored().await;
    let mut ids = Vec::new();
    for seats in 1..=3 {
        let id = house.seats(seats).await;
        house.reserve(id, 1).await.unwrap();
        ids.push(id);
    }
    sleep(SOON).await;
    mirror.forget();
    sleep(SOON).await;
    for id in ids {
        assert_eq!(mirror.held(id), Some(truth(&house, id).await));
    }
    assert_eq!(mirror.replaced(), 3);
}

#[test]
fn whatever_is_wrong_in_the_mirror_is_found_repaired_and_counted_by_kind() {
    Counters::of(async |counters| {
        let (house, mirror) = mirrored().await;
        let id = house.seats(9).await;
        house.reserve(id, 1).await.unwrap();
        house.reserve(id, 2).await.unwrap();
        sleep(SOON).await;
        let right = truth(&house, id).await;
        let wrongs = [
            ("behind", MirrorCounts { seq: Seq(1), ..right }),
            ("ahead", MirrorCounts { seq: Seq(7), ..right }),
            (
                "different",
                MirrorCounts {
                    confirmed: 9,
                    ..right
                },
            ),
            (
                "ahead",
                MirrorCounts {
                    history: right.history.next(),
                    seq: Seq(1),
                    ..right
                },
            ),
        ];
        for (repaired, (kind, wrong)) in (1..).zip(wrongs) {
            let counter = format!("turnout_mirror_drift_total{{kind=\"{kind}\"}}");
            let before = counters.value(&counter);
            mirror.tamper(id, wrong);
            sleep(Options::default().mirror_check_every * 2).await;
            assert_eq!(mirror.held(id), Some(right));
            assert_eq!(mirror.replaced(), repaired, "each is repaired once");
            assert_eq!(counters.value(&counter), before + 1, "{counter}");
        }
        mirror.forget();
        sleep(SOON).await;
        assert_eq!(counters.value("turnout_mirror_drift_total{kind=\"missing\"}"), 1);
    });
}

#[tokio::test(start_paused = true)]
async fn the_last_counts_are_carried_before_the_engine_ends() {
    let (house, mirror) = mirrored().await;
    let id = house.seats(9).await;
    sleep(SOON).await;
    house.reserve(id, 1).await.unwrap();
    assert!(house.engine.drain(SOON).await);
    assert_eq!(mirror.held(id).map(|held| held.seq), Some(Seq(1)));
}

#[tokio::test(start_paused = true)]
async fn a_mirror_that_is_silent_does_not_keep_the_engine_from_ending() {
    let (house, mirror) = mirrored().await;
    let id = house.seats(9).await;
    sleep(SOON).await;
    mirror.is(MirrorMood::Silent);
    house.reserve(id, 1).await.unwrap();
    assert!(house.engine.drain(Duration::from_secs(20)).await);
    timeout(SOON, house.engine.ended()).await.expect("it has ended");
}

#[test]
fn an_activity_whose_rows_do_not_add_up_is_counted_and_loaded_anew() {
    Counters::of(async |counters| {
        let house = House::new().await;
        let id = house.seats(9).await;
        house.reserve(id, 1).await.unwrap();
        let every = Options::default().recount_every;
        let loaded = house.journal.epoch(id);
        sleep(every * 2).await;
        assert_eq!(truth(&house, id).await.confirmed, 1);
        assert_eq!(house.journal.epoch(id), loaded, "they do add up");

        house.reserve(id, 2).await.unwrap();
        house.journal.faults().miscount_once();
        sleep(every * 2).await;
        assert_eq!(truth(&house, id).await.confirmed, 2);
        assert!(house.journal.epoch(id) > loaded);
        assert_eq!(counters.value("turnout_recount_drift_total"), 1);
    });
}
