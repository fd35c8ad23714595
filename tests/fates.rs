//! Connections to Postgres are lost at every moment of a commit, again and again, in mid-burst. Whatever had become of
//! the commit then, everybody is told rightly: the load test judges that, and the database is asked directly.
//!
//! `TURNOUT_FATE_ROUNDS` sets how many commits are hit in each way.

mod bad_wire;
mod locker;
mod place;
mod seen;

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;

use locker::Locker;
use place::{Place, are_going_on};

use crate::support::{Fault, number, until};

/// So long an activity's row may be held: Postgres ends those who wait for it after 500 ms.
const HELD_MAX: Duration = Duration::from_millis(450);
/// How long somebody is waited for while it is held, who may not come: the activity's burst may be over.
const PATIENCE: Duration = Duration::from_millis(150);

fn rounds() -> usize {
    number("TURNOUT_FATE_ROUNDS", 8) as usize
}

/// Has bursts run while commits lose this, until enough have.
async fn lose(fault: Fault) -> Place {
    let mut place = Place::new().await;
    while place.strikes() < rounds() {
        let before = place.strikes();
        let mut bursts = place.start_bursts().await;
        while place.strikes() < rounds() && are_going_on(&mut bursts) {
            let so_far = place.strikes();
            place.tap.arm(fault);
            until("it strikes", || {
                place.strikes() > so_far || !are_going_on(&mut bursts)
            })
            .await;
            place.tap.disarm();
            until("it recovers", || {
                place.has_recovered() || !are_going_on(&mut bursts)
            })
            .await;
        }
        place.judge(bursts).await;
        assert!(place.strikes() > before, "commits are still recognised");
    }
    place
}

#[tokio::test]
async fn a_commit_whose_request_is_lost_is_written_again_and_told_once() {
    let place = lose(Fault::Request).await;
    let seen = place.seen(&HashSet::new()).await;
    println!("request lost: {seen}");
    assert!(seen.strikes >= rounds());
    assert_eq!(seen.landed, 0, "the database has never heard of them");
}

#[tokio::test]
async fn a_commit_whose_reply_is_lost_is_told_and_not_written_again() {
    let place = lose(Fault::Reply).await;
    let seen = place.seen(&HashSet::new()).await;
    println!("reply lost: {seen}");
    assert!(seen.strikes >= rounds());
    assert_eq!(
        seen.landed, seen.batches,
        "the database has said that they are written"
    );
}

/// Cuts the connection of a commit that waits for an activity's row, and lets it go on. Returns for how long the row
/// was held.
async fn cut_while_blocked(
    place: &Place,
    locker: &mut Locker,
    activity: &str,
    is_settled_first: bool,
) -> Duration {
    locker.lock(activity).await;
    let locked_at = Instant::now();
    let mut cut = None;
    while cut.is_none() && locked_at.elapsed() < PATIENCE {
        // One that was cut earlier may have met this lock, too.
        let blocked = locker.blocked_commits().await;
        cut = blocked.into_iter().find(|(_, port)| place.tap.strike(*port));
    }
    if let Some((backend, port)) = cut {
        place.proxy.cut(port);
        while is_settled_first && locked_at.elapsed() < PATIENCE && !locker.is_waited_for(backend).await {}
        let is_blocked = locker.is_blocked(backend).await;
        assert!(
            is_blocked || locked_at.elapsed() > HELD_MAX,
            "the database does not notice that the connection is gone"
        );
    }
    locker.unlock().await;
    locked_at.elapsed()
}

#[tokio::test]
async fn a_commit_that_loses_its_connection_while_it_is_blocked_is_told_as_it_ends() {
    let mut place = Place::new().await;
    let mut locker = Locker::new(&place.database).await;
    // Those that were blocked for so long that Postgres may have ended them.
    let mut too_slow = HashSet::new();
    let mut turn = 0;
    while place.strikes() < rounds() + too_slow.len() {
        let before = place.strikes();
        let mut bursts = place.start_bursts().await;
        while place.strikes() < rounds() + too_slow.len() && are_going_on(&mut bursts) {
            turn += 1;
            let which = turn % bursts.len();
            if bursts[which].is_over() {
                continue;
            }
            let next = place.strikes();
            // Half of the time the server has asked what became of it before that is decided.
            let is_settled_first = next % 2 == 0;
            let held =
                cut_while_blocked(&place, &mut locker, &bursts[which].activity, is_settled_first).await;
            if place.strikes() > next && held > HELD_MAX {
                too_slow.insert(next);
            }
            until("it recovers", || {
                place.has_recovered() || !are_going_on(&mut bursts)
            })
            .await;
        }
        place.judge(bursts).await;
        assert!(place.strikes() > before, "commits are still recognised");
    }
    let seen = place.seen(&too_slow).await;
    println!(
        "cut while blocked: {seen}; {} more were blocked for too long to count",
        too_slow.len()
    );
    assert!(seen.strikes >= rounds());
}
