//! What the engine does at once has bounds, whatever gathers.

use super::support::{House, sent, until_idle};

#[tokio::test(start_paused = true)]
async fn what_gathers_is_decided_in_batches_of_bounded_size() {
    let house = House::new().await;
    let id = house.seats(9).await;
    let gate = house.journal.faults().hold_next_commit();
    // The first is decided at once and held, and all others gather behind it.
    let mut all: Vec<_> = (0..5_002)
        .map(|person| Box::pin(house.reserve(id, person)))
        .collect();
    for command in &mut all {
        sent(command.as_mut()).await;
    }
    until_idle().await;
    gate.add_permits(1);
    for command in all {
        assert!(command.await.is_ok());
    }
    assert_eq!(house.journal.commits(), 3, "one, five thousand, and one");
}
