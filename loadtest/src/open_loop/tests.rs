//! The schedule by a line that says what it is told to.

use std::collections::HashSet;

use tokio::time::sleep;

use super::*;
use crate::history::Ticks;
use crate::line::{Line, Refused};
use crate::shared::SharedTally;

/// A line that answers after a while, and sends away whoever comes for the first time, or always.
struct Scripted {
    takes: Duration,
    refuses: Refuses,
    known: HashSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Refuses {
    Nobody,
    TheFirstTry,
    Always(&'static str),
}

const PAUSE: Duration = Duration::from_millis(10);

impl Line for Scripted {
    async fn get_ready(&mut self, _: &Person) {}

    async fn put(&mut self, _: &Put<'_>, _: impl FnMut() + Send) -> Option<Said> {
        None
    }
}

impl Knock for Scripted {
    async fn knock(
        &mut self,
        put: &Put<'_>,
        mut before_sending: impl FnMut() + Send,
    ) -> Result<Tried<Said>, TransportError> {
        before_sending();
        sleep(self.takes).await;
        let code = match self.refuses {
            Refuses::TheFirstTry if self.known.insert(put.key.to_owned()) => "overloaded",
            Refuses::Always(code) => code,
            _ => return Ok(Tried::Final(Said::Rejected(Refused::from("closed".to_owned())))),
        };
        Ok(Tried::Refused {
            code: code.to_owned(),
            pause: Some(PAUSE),
        })
    }
}

struct Played {
    people: OpenLoop<Scripted>,
    tally: SharedTally,
}

/// One line, and everybody who comes in a tenth of a second at a hundred per second.
async fn play(takes_ms: u64, refuses: Refuses, patience_ms: u64) -> Played {
    let tally = SharedTally::default();
    let stage = Arc::new(Stage {
        ticks: Ticks::default(),
        tally: Arc::clone(&tally),
    });
    let person = |number: u32| Person {
        id: number.to_string(),
        name: String::new(),
        token: String::new(),
    };
    let line = Scripted {
        takes: Duration::from_millis(takes_ms),
        refuses,
        known: HashSet::new(),
    };
    let cast = Arc::new((0..30).map(person).collect());
    let patience = Duration::from_millis(patience_ms);
    let mut people = OpenLoop::new(stage, cast, Uuid::nil(), vec![line], false, patience, 1);
    people.go_to(0, Uuid::nil());
    people.phase(100.0, Duration::from_millis(100), |_| ()).await;
    people.finish(|_| ()).await;
    Played { people, tally }
}

#[tokio::test]
async fn whoever_is_sent_away_leaves_the_line_to_others_and_comes_again() {
    let mut played = play(0, Refuses::TheFirstTry, 60_000).await;
    let counted = &played.people.phases()[0];
    assert_eq!((counted.came, counted.unasked), (10, 0));
    assert_eq!((counted.tries, counted.refusals["overloaded"]), (20, 10));
    assert_eq!((counted.rejected, counted.gave_up), (10, 0));
    assert_eq!(played.people.take_records().len(), 10);
    assert_eq!(lock(&played.tally).unanswered(), 0);
}

#[tokio::test]
async fn patience_ends_and_only_an_open_fate_leaves_a_record() {
    for (code, open) in [("overloaded", 0), ("unknown_outcome", 10)] {
        let mut played = play(0, Refuses::Always(code), 25).await;
        let counted = &played.people.phases()[0];
        assert_eq!((counted.came, counted.gave_up), (10, 10), "{code}");
        assert!(counted.tries >= 20, "{code}: {}", counted.tries);
        assert_eq!(played.people.take_records().len(), open, "{code}");
        assert_eq!(lock(&played.tally).unanswered(), open as u64, "{code}");
    }
}

#[tokio::test]
async fn whoever_finds_no_line_in_time_was_not_asked() {
    let played = play(45, Refuses::Nobody, 60_000).await;
    let counted = &played.people.phases()[0];
    assert_eq!(counted.came + counted.unasked, 10);
    assert!(counted.unasked >= 6, "{}", counted.unasked);
}

#[tokio::test]
async fn an_activity_is_over_when_all_have_gone_on_and_nothing_is_open() {
    let mut people = play(0, Refuses::Nobody, 60_000).await.people;
    assert_eq!(people.over(), Vec::<u64>::new());
    people.go_to(1, Uuid::nil());
    assert_eq!(people.over(), [0]);
    assert_eq!(people.over(), Vec::<u64>::new());
}

#[tokio::test]
async fn of_phases_that_are_forgotten_the_latest_stays() {
    let mut people = play(0, Refuses::Nobody, 60_000).await.people;
    people.phase(100.0, Duration::from_millis(50), |_| ()).await;
    people.forget_phases();
    people.finish(|_| ()).await;
    let [counted] = people.phases() else {
        panic!("one phase")
    };
    assert_eq!((counted.came, counted.rejected), (5, 5));
}
