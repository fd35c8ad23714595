//! One merged transaction from start to end, and the settling of what it leaves unknown.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use metrics::{counter, histogram};
use ractor::ActorRef;
use tokio::time::Instant;

use super::{CommitterMsg, Lane, Outcome, Submission};
use crate::activity_actor::{ActivityMsg, Landed};
use crate::domain::OwnerEpoch;
use crate::metrics::{COMMIT_SECONDS, JOURNAL_ERRORS, SETTLED};
use crate::ports::{Batch, Journal, JournalError, Landing, Settled};

/// The first pause before an unknown outcome is asked for again; it doubles up to [`SETTLE_PAUSE_MAX`].
const SETTLE_PAUSE_FIRST: Duration = Duration::from_millis(10);
const SETTLE_PAUSE_MAX: Duration = Duration::from_secs(1);

/// How often a batch is submitted again whose first commit turned out not to have been written.
const RESUBMISSIONS_MAX: u32 = 1;

/// What one transaction needs on its way.
#[derive(Clone)]
pub(super) struct Runway {
    pub(super) journal: Arc<dyn Journal>,
    pub(super) committer: ActorRef<CommitterMsg>,
    pub(super) settle_limit: Duration,
    pub(super) lane: Lane,
}

impl Runway {
    /// Writes the submissions in one transaction. Where the database refuses it, halves are tried, so that a
    /// bad batch fails alone.
    pub(super) async fn land(self, submissions: Vec<Submission>) {
        let mut parts = VecDeque::from([submissions]);
        while let Some(part) = parts.pop_front() {
            let (mut ends, batches): (Vec<_>, Vec<Batch>) = part
                .into_iter()
                .map(|Submission { batch, callers, home }| ((callers, home), batch))
                .unzip();
            let started = Instant::now();
            let result = self.journal.commit(&batches).await;
            histogram!(COMMIT_SECONDS).record(started.elapsed());
            let mut submissions: Vec<Submission> = batches
                .into_iter()
                .zip(ends.drain(..))
                .map(|(batch, (callers, home))| Submission { batch, callers, home })
                .collect();
            match result {
                Ok(landings) => {
                    for (submission, landing) in submissions.into_iter().zip(landings) {
                        match landing {
                            Landing::Written => self.hand_over(submission, Outcome::Committed),
                            // It may be our own earlier commit that moved the activity on, so ask first.
                            Landing::Refused => self.settle_later(submission),
                            Landing::Blocked => {
                                note_blocked(&submission.batch);
                                self.suspect(&submission.batch);
                                self.hand_over(submission, Outcome::Unavailable);
                            }
                        }
                    }
                }
                Err(error) => {
                    note(&error, submissions.len(), "a commit failed");
                    match error {
                        JournalError::Aborted(_) if submissions.len() > 1 => {
                            let rest = submissions.split_off(submissions.len() / 2);
                            parts.push_front(rest);
                            parts.push_front(submissions);
                        }
                        JournalError::Aborted(_) => {
                            submissions
                                .iter()
                                .for_each(|submission| self.suspect(&submission.batch));
                            self.hand_over_all(submissions, Outcome::Aborted);
                        }
                        JournalError::Unavailable(_) => self.hand_over_all(submissions, Outcome::Unavailable),
                        JournalError::Unknown(_) | JournalError::Corrupt(_) => {
                            submissions
                                .into_iter()
                                .for_each(|submission| self.settle_later(submission));
                        }
                    }
                }
            }
        }
        self.tell_committer(CommitterMsg::StatementDone(self.lane));
    }

    fn suspect(&self, batch: &Batch) {
        self.tell_committer(CommitterMsg::Suspect(batch.activity));
    }

    fn settle_later(&self, submission: Submission) {
        tokio::spawn(self.clone().settle(submission));
    }

    /// Asks until it is known what became of the batch; submits it again, once, where it had not been written.
    async fn settle(self, mut submission: Submission) {
        let started = Instant::now();
        let mut pause = SETTLE_PAUSE_FIRST;
        let mut tries_left = RESUBMISSIONS_MAX;
        let outcome = loop {
            match self.try_settle(&mut submission.batch, &mut tries_left).await {
                Ok(outcome) => break outcome,
                Err(error) => note(&error, 1, "it is still unknown what became of a commit"),
            }
            if started.elapsed() >= self.settle_limit {
                submission.callers.give_up();
                // If the actor is gone, there is nobody to hold back.
                let _ = submission.home.cast(ActivityMsg::Unsettled);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(SETTLE_PAUSE_MAX);
        };
        counter!(SETTLED, "outcome" => outcome.name()).increment(1);
        self.hand_over(submission, outcome);
    }

    /// One round of settling; an error means that it is still unknown.
    async fn try_settle(&self, batch: &mut Batch, tries_left: &mut u32) -> Result<Outcome, JournalError> {
        match self.journal.settle(batch).await? {
            Settled::Written { epoch } => {
                batch.epoch = epoch;
                Ok(Outcome::Committed)
            }
            Settled::WrittenAndFenced => Ok(Outcome::CommittedAndFenced),
            Settled::Fenced => Ok(Outcome::Fenced),
            Settled::NotWritten { epoch } => {
                batch.epoch = epoch;
                // A database that fails every time is as good as away, and that can be told for certain.
                let Some(left) = tries_left.checked_sub(1) else {
                    return Ok(Outcome::Unavailable);
                };
                *tries_left = left;
                match self.journal.commit(std::slice::from_ref(batch)).await {
                    Ok(landings) if landings == [Landing::Written] => Ok(Outcome::Committed),
                    Ok(landings) if landings == [Landing::Blocked] => Ok(Outcome::Unavailable),
                    // It is known since the settling that nobody else may write, so somebody has taken over since.
                    Ok(_) => Ok(Outcome::Fenced),
                    Err(JournalError::Aborted(_)) => Ok(Outcome::Aborted),
                    Err(JournalError::Unavailable(_)) => Ok(Outcome::Unavailable),
                    Err(error) => Err(error),
                }
            }
        }
    }

    fn hand_over_all(&self, submissions: Vec<Submission>, outcome: Outcome) {
        submissions
            .into_iter()
            .for_each(|submission| self.hand_over(submission, outcome));
    }

    /// Tells the actor how its batch ended. If the actor is gone, dropping the message answers the callers.
    fn hand_over(&self, submission: Submission, outcome: Outcome) {
        let Submission {
            batch: Batch { activity, epoch, .. },
            mut callers,
            home,
        } = submission;
        if matches!(outcome, Outcome::Committed | Outcome::CommittedAndFenced) {
            callers.now_durable();
        }
        let landed = Landed {
            outcome,
            epoch: OwnerEpoch(epoch.0),
            callers,
        };
        let _ = home.cast(ActivityMsg::Landed(Box::new(landed)));
        self.tell_committer(CommitterMsg::BatchDone(activity));
    }

    fn tell_committer(&self, message: CommitterMsg) {
        if let Err(error) = self.committer.cast(message) {
            tracing::error!(%error, "the committer is gone");
        }
    }
}

impl Outcome {
    const fn name(self) -> &'static str {
        match self {
            Self::Committed => "committed",
            Self::CommittedAndFenced => "committed_and_fenced",
            Self::Aborted => "aborted",
            Self::Unavailable => "unavailable",
            Self::Fenced => "fenced",
        }
    }
}

fn note_blocked(batch: &Batch) {
    counter!(JOURNAL_ERRORS, "kind" => "blocked").increment(1);
    tracing::warn!(activity.id = %batch.activity, "somebody outside holds rows of an activity");
}

fn note(error: &JournalError, batches: usize, what: &str) {
    let kind = match error {
        JournalError::Aborted(_) => "aborted",
        JournalError::Unknown(_) => "unknown",
        JournalError::Unavailable(_) => "unavailable",
        JournalError::Corrupt(_) => "corrupt",
    };
    counter!(JOURNAL_ERRORS, "kind" => kind).increment(1);
    tracing::warn!(
        batches,
        kind,
        cause = error.cause(),
        %error,
        "{what}"
    );
}
