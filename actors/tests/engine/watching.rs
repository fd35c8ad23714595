//! What those who watch an activity are told, and when.

use std::pin::pin;
use std::sync::{Arc, Mutex};

use turnout_actors::Options;
use turnout_actors::domain::{ActivityId, Difference, Seq};
use turnout_actors::ports::{FeedSink, Touched};

use super::support::{House, sent, until_idle};

/// Keeps from where to where each difference leads.
#[derive(Default)]
struct Watcher {
    told: Mutex<Vec<(Seq, Seq)>>,
}

impl FeedSink for Watcher {
    fn announce(&self, _: ActivityId, difference: &Difference, _: &Touched) {
        let step = (difference.prev(), difference.seq());
        self.told.lock().unwrap().push(step);
    }

    fn publish(&self, _: ActivityId) {}

    fn lost(&self, _: ActivityId) {}
}

impl Watcher {
    fn told(&self) -> Vec<(Seq, Seq)> {
        self.told.lock().unwrap().clone()
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_who_watches_is_told_of_a_batch_before_its_commit() {
    let watcher = Arc::new(Watcher::default());
    let house = House::with(Options::default(), watcher.clone()).await;
    let id = house.seats(1).await;
    let gate = house.journal.faults().hold_next_commit();
    let mut reserve = pin!(house.reserve(id, 1));
    sent(reserve.as_mut()).await;
    until_idle().await;
    assert_eq!(watcher.told(), []);
    gate.add_permits(1);
    assert!(reserve.await.is_ok());
    until_idle().await;
    assert_eq!(watcher.told(), [(Seq(0), Seq(1))]);
}

#[tokio::test(start_paused = true)]
async fn whoever_watches_is_led_from_state_to_state_without_a_gap() {
    let watcher = Arc::new(Watcher::default());
    let house = House::with(Options::default(), watcher.clone()).await;
    let id = house.seats(1).await;
    house.reserve(id, 1).await.unwrap();
    house.reserve(id, 2).await.unwrap();
    // This promotes the second, so it is two events.
    house.cancel(id, 1).await.unwrap();
    house.reserve(id, 3).await.unwrap();
    until_idle().await;
    let steps = [(0, 1), (1, 2), (2, 4), (4, 5)];
    assert_eq!(watcher.told(), steps.map(|(from, to)| (Seq(from), Seq(to))));
}
