//! Compares what live activities have in memory with what their rows in the journal add up to. They are the same by
//! construction, so this finds what nobody thought of: a fault of the engine, or somebody else's hand in the database.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::counter;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep};

use crate::directory::LiveMap;
use crate::domain::{ActivityId, Counts, Seq};
use crate::live::{ActivityHandle, Live};
use crate::metrics::{RECOUNT_DRIFT, RECOUNTS};
use crate::ports::{Journal, JournalError, Recount};

/// After so many rounds also those are counted that have not changed.
const ROUNDS_UNTIL_AGAIN: u32 = 10;
/// So many that cannot be counted end a round: the database is away.
const FAILURES_MAX: u32 = 3;

/// What it takes to recount.
pub(crate) struct Recounting {
    pub(crate) live: LiveMap,
    pub(crate) journal: Arc<dyn Journal>,
    /// How often those that have changed are counted.
    pub(crate) every: Duration,
}

/// What a comparison says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Finding {
    Agrees,
    /// The activity changed meanwhile, so there is nothing to compare with.
    Moved,
    /// The rows are ahead: something is durable and about to be visible, or somebody else is writing.
    Behind,
    Differs,
}

impl Recounting {
    /// Recounts for ever.
    pub(crate) async fn run(self) {
        // When this begins, nothing is live yet that could be counted.
        let mut rounds = interval_at(Instant::now() + self.every, self.every);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut last: HashMap<ActivityId, (Seq, Finding)> = HashMap::new();
        for round in 0_u32.. {
            rounds.tick().await;
            // What has not changed is counted again now and then: somebody else may have changed the rows.
            if round.is_multiple_of(ROUNDS_UNTIL_AGAIN) {
                last.retain(|_, (_, finding)| *finding != Finding::Agrees);
            }
            last.retain(|id, _| self.live.contains_key(id));
            self.round(&mut last).await;
        }
    }

    async fn round(&self, last: &mut HashMap<ActivityId, (Seq, Finding)>) {
        let handles: Vec<(ActivityId, ActivityHandle)> = self
            .live
            .iter()
            .map(|entry| (*entry.key(), entry.value().clone()))
            .collect();
        let mut failures = 0;
        for (id, handle) in handles {
            let Some(before) = counts(&handle.live) else {
                continue;
            };
            let earlier = last.get(&id).filter(|(seq, _)| *seq == before.seq);
            if earlier.is_some_and(|(_, finding)| *finding == Finding::Agrees) {
                continue;
            }
            let was_behind = earlier.is_some_and(|(_, finding)| *finding == Finding::Behind);
            let started = Instant::now();
            match self.recount(id, &handle, before, was_behind).await {
                Ok(finding) => {
                    last.insert(id, (before.seq, finding));
                }
                Err(error) => {
                    tracing::debug!(activity.id = %id, cause = error.cause(), %error, "the rows could not be added up");
                    failures += 1;
                    if failures == FAILURES_MAX {
                        return;
                    }
                }
            }
            // It takes at most half of the time, however many rows there are.
            sleep(started.elapsed()).await;
        }
    }

    /// `was_behind` says that memory was behind the rows in the round before, too, and has not moved since.
    async fn recount(
        &self,
        id: ActivityId,
        handle: &ActivityHandle,
        before: Counts,
        was_behind: bool,
    ) -> Result<Finding, JournalError> {
        let rows = self.journal.recount(id).await?;
        let Some(after) = counts(&handle.live) else {
            return Ok(Finding::Moved);
        };
        let finding = compare(before, rows, after);
        counter!(RECOUNTS).increment(1);
        if finding == Finding::Differs || finding == Finding::Behind && was_behind {
            counter!(RECOUNT_DRIFT).increment(1);
            tracing::error!(activity.id = %id, ?before, ?rows, ?after, "the rows of an activity do not add up to what is in memory: it is loaded anew");
            handle.live.retire();
            // Whoever waits there is sent to its successor.
            handle.actor.stop(Some("its rows do not add up".into()));
        }
        Ok(finding)
    }
}

/// The counts of an activity whose rows must add up to them. Those of a cancelled one follow it later.
fn counts(live: &Live) -> Option<Counts> {
    let counts = {
        let activity = live.read()?;
        activity
            .head()
            .cancelled_at
            .is_none()
            .then(|| activity.counts())?
    };
    live.is_ours().then_some(counts)
}

fn compare(before: Counts, rows: Option<Recount>, after: Counts) -> Finding {
    let Some(rows) = rows else {
        return Finding::Differs;
    };
    match [before, after].iter().find(|counts| counts.seq == rows.seq) {
        Some(counts) if rows.agrees_with(counts) => Finding::Agrees,
        Some(_) => Finding::Differs,
        // What was visible was durable.
        None if rows.seq < before.seq => Finding::Differs,
        None if rows.seq > after.seq && before.seq == after.seq => Finding::Behind,
        None => Finding::Moved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(seq: u64, confirmed_spots: u32) -> Counts {
        Counts {
            capacity: 9,
            confirmed_spots,
            offered_spots: 0,
            available_spots: 9 - confirmed_spots,
            waitlisted_parties: 0,
            waitlisted_spots: 0,
            seq: Seq(seq),
        }
    }

    fn rows(seq: u64, confirmed_spots: u64) -> Option<Recount> {
        Some(Recount {
            seq: Seq(seq),
            confirmed_spots,
            offered_spots: 0,
            waitlisted_parties: 0,
            waitlisted_spots: 0,
        })
    }

    #[test]
    fn rows_are_compared_with_the_memory_of_their_moment() {
        for (before, rows, after, finding) in [
            (counts(3, 2), rows(3, 2), counts(3, 2), Finding::Agrees),
            (counts(3, 2), rows(3, 1), counts(3, 2), Finding::Differs),
            (counts(3, 2), rows(3, 2), counts(8, 5), Finding::Agrees),
            (counts(3, 2), rows(8, 5), counts(8, 5), Finding::Agrees),
            (counts(3, 2), rows(8, 4), counts(8, 5), Finding::Differs),
            // Rows can be ahead of memory, by what is durable and not visible yet, but never behind.
            (counts(3, 2), rows(4, 3), counts(3, 2), Finding::Behind),
            (counts(3, 2), rows(9, 3), counts(8, 5), Finding::Moved),
            (counts(3, 2), rows(5, 4), counts(8, 5), Finding::Moved),
            (counts(3, 2), rows(2, 2), counts(3, 2), Finding::Differs),
            (counts(3, 2), None, counts(3, 2), Finding::Differs),
        ] {
            assert_eq!(
                compare(before, rows, after),
                finding,
                "{before:?} {rows:?} {after:?}"
            );
        }
    }
}
