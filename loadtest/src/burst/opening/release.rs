//! Letting people go when they are due, as many as there are at one moment, without keeping answers waiting behind
//! them.
//!
//! Thousands of timers that end together would all have their turn before the first answer is read. So one task
//! lets go whoever is due, a few at a time, and answers are read in between.

use tokio::sync::oneshot;
use tokio::task::yield_now;
use tokio::time::sleep_until;

use crate::clock;

/// How many are let go before answers have their turn.
const AT_ONCE: usize = 128;

/// Somebody who waits to be let go.
#[derive(Debug)]
pub(super) struct Waiting {
    /// When, on the clock of the machine.
    pub(super) due_us: u64,
    pub(super) go: oneshot::Sender<()>,
}

/// Lets everybody go when they are due, and nobody before.
pub(super) async fn let_go(mut waiting: Vec<Waiting>) {
    waiting.sort_by_key(|one| one.due_us);
    let mut turn = 0;
    for one in waiting {
        if one.due_us > clock::machine_us() {
            sleep_until(clock::at_machine_us(one.due_us)).await;
            turn = 0;
        }
        // Whoever has gone away by then need not be told.
        let _ = one.go.send(());
        turn += 1;
        if turn % AT_ONCE == 0 {
            yield_now().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn everybody_is_let_go_in_the_order_in_which_they_are_due_and_not_before() {
        let now_us = clock::machine_us();
        let dues = [30_000, 10_000, 0, 10_000, 20_000];
        let (mut waiting, mut gone) = (Vec::new(), Vec::new());
        for after_us in dues {
            let (go, let_go) = oneshot::channel();
            let due_us = now_us + after_us;
            waiting.push(Waiting { due_us, go });
            gone.push(tokio::spawn(async move {
                let_go.await.unwrap();
                clock::machine_us() >= due_us
            }));
        }
        let_go(waiting).await;
        for one in gone {
            assert!(one.await.unwrap(), "too early");
        }
    }
}
