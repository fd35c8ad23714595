//! What a newcomer costs behind a long waitlist, compared with an empty one.
//!
//! `newcomers` alternates both and prints the ratio of their times. `newcomers long` and `newcomers empty` run
//! one of them once, for counting instructions:
//! `valgrind --tool=callgrind --toggle-collect='*measured*' newcomers long`.

use std::hint::black_box;
use std::time::Duration;

use turnout_actors::domain::{
    Activity, ActivityId, Command, Draft, Judgement, KeyCheck, Person, Principal, Request, Reserve, RsvpId,
    Settings, Timestamp, UserId,
};
use turnout_actors::testing::settings;
use uuid::Uuid;

const LONG: u128 = 100_000;
const NEWCOMERS: u128 = 10_000;
/// Commands that are decided together, as in a burst.
const BATCH: usize = 100;
const ROUNDS: usize = 15;

/// An activity with two free spots, behind which `waiting` parties of four wait.
fn activity(waiting: u128) -> Activity {
    let open = Settings {
        starts_at: Timestamp::from_millis(1 << 40),
        ends_at: Timestamp::from_millis(1 << 41),
        ..settings(4)
    };
    let mut activity = Activity::new(
        ActivityId::from(Uuid::nil()),
        open.into(),
        Timestamp::from_millis(0),
    );
    // One party takes two of the four spots; nobody of four fits into the rest.
    reserve(&mut activity, 0..1, 1);
    reserve(&mut activity, 1..1 + waiting, 3);
    assert_eq!(activity.counts().available_spots, 2);
    assert_eq!(u128::from(activity.counts().waitlisted_parties), waiting);
    activity
}

fn reserve(activity: &mut Activity, people: std::ops::Range<u128>, guest_count: u16) {
    let people: Vec<u128> = people.collect();
    for batch in people.chunks(BATCH) {
        let mut draft = Draft::on(activity);
        for &person in batch {
            let user = UserId::from(Uuid::from_u128(person));
            let command = Command::Reserve(Reserve {
                fresh: RsvpId::from(Uuid::from_u128(person)),
                person: Person::User(user),
                name: "Somebody".into(),
                guest_count,
                special_requirements: None,
            });
            let at = Timestamp::from_millis(1);
            let request = Request {
                by: Principal::user(user),
                at,
                command,
                if_version: None,
                key: None,
            };
            let judgement = draft.judge(activity, &request, KeyCheck::Unchecked);
            assert!(matches!(black_box(judgement), Judgement::Accepted(_)));
        }
        activity.absorb(draft);
    }
}

/// The part whose cost counts.
#[inline(never)]
fn measured(activity: &mut Activity) {
    reserve(activity, 1_000_000..1_000_000 + NEWCOMERS, 0);
}

#[expect(clippy::disallowed_methods, reason = "durations are what this program is for")]
fn timed(waiting: u128) -> Duration {
    let mut activity = activity(waiting);
    let started = std::time::Instant::now();
    measured(&mut activity);
    started.elapsed()
}

fn main() {
    match std::env::args().nth(1).as_deref() {
        Some("long") => measured(&mut activity(LONG)),
        Some("empty") => measured(&mut activity(0)),
        Some(other) => panic!("{other} is neither long nor empty"),
        None => {
            let mut ratios: Vec<f64> = (0..ROUNDS)
                .map(|_| timed(LONG).as_secs_f64() / timed(0).as_secs_f64())
                .collect();
            ratios.sort_by(f64::total_cmp);
            println!(
                "{NEWCOMERS} newcomers behind {LONG} waiting parties cost {:.2} times those behind nobody \
                 (median of {ROUNDS} pairs; {:.2} to {:.2})",
                ratios[ROUNDS / 2],
                ratios[0],
                ratios[ROUNDS - 1],
            );
        }
    }
}
