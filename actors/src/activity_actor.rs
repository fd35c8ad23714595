//! The actor of one activity: decide, commit, apply, answer, publish, in this order.
//!
//! It owns the commands that wait and the batch in flight. While a batch is on its way to the journal, new
//! commands gather; when the outcome is back they are decided together. So batches are of size one when it is
//! calm and grow by themselves in a burst, without a timer or a setting. The actor never touches the journal's
//! database or a socket. Its alarm alone knows the clock.

mod alarm;
mod following;
mod pending;
mod recalling;

use std::sync::Arc;

use metrics::histogram;
use ractor::{Actor, ActorProcessingErr, ActorRef};
use tokio::time::Instant;

use self::alarm::Alarm;
use self::pending::{KeyKnowledge, Pending, PendingCommand};
use crate::callers::{Caller, Callers};
use crate::committer::{CommitterMsg, Outcome, Submission};
use crate::domain::{
    Activity, ActivityId, BatchId, Command, Counts, Difference, Draft, Judgement, KeyCheck, Overview,
    OwnerEpoch, Principal, Request, Timestamp,
};
use crate::error::EngineError;
use crate::live::Live;
use crate::metrics::{BATCH_COMMANDS, DECIDE_SECONDS};
use crate::mirror::Outgoing;
use crate::ports::{Batch, Clock, IdSource, Journal, JournalError, MirrorCounts, Touched};

/// A batch that has this many events takes no further command. One command alone may bring more: raising the
/// capacity promotes everybody who then fits.
const BATCH_EVENTS_MAX: usize = 5_000;

/// The actor of one activity.
pub(crate) struct ActivityActor;

/// What the actor of an activity is told.
#[derive(Debug)]
pub(crate) enum ActivityMsg {
    /// Somebody gives a command.
    Command(Box<Caller>),
    /// The journal was asked whether a command's key is known.
    Recalled(Box<Caller>, Result<KeyKnowledge, JournalError>),
    /// The batch in flight has come to its end.
    Landed(Box<Landed>),
    /// The batch in flight stays of unknown outcome for longer than its callers can wait.
    Unsettled,
    /// It is later than the end of an offer: this late.
    Rung(Timestamp),
}

/// The end of a batch.
#[derive(Debug)]
pub(crate) struct Landed {
    pub(crate) outcome: Outcome,
    pub(crate) epoch: OwnerEpoch,
    pub(crate) callers: Callers,
}

/// What an activity's actor starts with.
pub(crate) struct Arguments {
    pub(crate) id: ActivityId,
    pub(crate) live: Arc<Live>,
    pub(crate) epoch: OwnerEpoch,
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) ids: Arc<dyn IdSource>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) committer: ActorRef<CommitterMsg>,
    /// Where counts are left for the mirror, if there is one.
    pub(crate) outgoing: Option<Arc<Outgoing>>,
}

/// What an activity's actor owns.
pub(crate) struct State {
    parts: Arguments,
    /// Commands that have not been decided, in order of arrival.
    pending: Pending,
    /// Decided and on its way to the journal.
    in_flight: Option<InFlight>,
    /// The batch in flight could not be settled in time: nothing is promised until it is.
    suspended: bool,
    alarm: Alarm,
    /// When the alarm rang last.
    rung: Option<Timestamp>,
    /// The journal did not take the end of offers. Until the alarm rings again, commands are judged without it.
    offers_stuck: bool,
}

struct InFlight {
    draft: Draft,
    before: Overview,
    /// Whether it is what the activity has given itself.
    ends_offers: bool,
}

impl Actor for ActivityActor {
    type Msg = ActivityMsg;
    type State = State;
    type Arguments = Arguments;

    async fn pre_start(
        &self,
        myself: ActorRef<ActivityMsg>,
        parts: Arguments,
    ) -> Result<State, ActorProcessingErr> {
        let mut state = State {
            pending: Pending::default(),
            in_flight: None,
            suspended: false,
            alarm: Alarm::new(parts.clock.clone()),
            rung: None,
            offers_stuck: false,
            parts,
        };
        let live = state.parts.live.clone();
        if let Some(activity) = live.read() {
            state.mirror(activity.counts());
            if activity.head().cancelled_at.is_some() {
                following::follow(state.parts.journal.clone(), state.parts.id);
            }
            state.alarm.set(activity.next_offer_end(), &myself);
        }
        Ok(state)
    }

    async fn handle(
        &self,
        myself: ActorRef<ActivityMsg>,
        message: ActivityMsg,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match message {
            ActivityMsg::Command(caller) | ActivityMsg::Recalled(caller, Ok(_)) if state.suspended => {
                caller.answer(Err(EngineError::Unavailable));
            }
            ActivityMsg::Command(caller) => state.pending.push(PendingCommand::new(caller)),
            ActivityMsg::Recalled(caller, Ok(key)) => {
                state.pending.push(PendingCommand::recalled(caller, key));
            }
            ActivityMsg::Recalled(caller, Err(error)) => {
                tracing::warn!(activity.id = %state.parts.id, cause = error.cause(), %error, "a key could not be looked up");
                caller.answer(Err(EngineError::Unavailable));
            }
            ActivityMsg::Landed(landed) => state.land(&myself, *landed),
            ActivityMsg::Unsettled => state.suspend(),
            ActivityMsg::Rung(now) => {
                state.rung = Some(now);
                state.offers_stuck = false;
            }
        }
        state.decide(&myself);
        state.set_alarm(&myself);
        Ok(())
    }
}

impl State {
    /// Decides what has gathered, unless a batch is in flight. Offers that are over by then end first.
    fn decide(&mut self, myself: &ActorRef<ActivityMsg>) {
        while self.in_flight.is_none() {
            let live = self.parts.live.clone();
            let Some(activity) = live.read() else { return };
            if let Some(draft) = self.expire(&activity) {
                let before = activity.overview();
                drop(activity);
                let callers = Callers::new(Vec::new(), draft.overview().counts, live);
                return self.submit(myself, draft, before, callers, true);
            }
            if self.pending.is_empty() {
                return;
            }
            let started = Instant::now();
            let before = activity.overview();
            let mut draft = Draft::on(&activity);
            let mut waiting = Vec::new();
            while let Some(command) = self.pending.next() {
                match draft.judge(&activity, &command.caller.request, command.check()) {
                    Judgement::Accepted(answer) => waiting.push((command.caller, Ok(answer))),
                    Judgement::Rejected(rejection) => waiting.push((command.caller, Err(rejection))),
                    Judgement::Recall(hints) => {
                        let journal = self.parts.journal.clone();
                        recalling::recall(journal, self.parts.id, myself.clone(), command.caller, hints);
                    }
                }
                if self.pending.goes_alone() || draft.events().len() >= BATCH_EVENTS_MAX {
                    break;
                }
                if self.is_offer_over(
                    activity
                        .next_offer_end()
                        .into_iter()
                        .chain(draft.next_offer_end()),
                ) {
                    break;
                }
            }
            drop(activity);
            histogram!(DECIDE_SECONDS).record(started.elapsed());
            histogram!(BATCH_COMMANDS).record(waiting.len() as f64);
            let callers = Callers::new(waiting, draft.overview().counts, live);
            if draft.events().is_empty() {
                // Judged on committed state alone, so it can be told at once, if nobody else has changed that.
                if self.parts.live.is_ours() {
                    callers.tell_verdicts();
                } else {
                    self.parts.live.retire();
                    callers.refuse(&EngineError::Unavailable);
                    return myself.stop(Some("somebody else may own the activity".into()));
                }
            } else {
                self.submit(myself, draft, before, callers, false);
            }
        }
    }

    /// The alarm rings for the offer that ends next, unless it is to ring again for one that could not be ended, or is
    /// about to be.
    fn set_alarm(&mut self, myself: &ActorRef<ActivityMsg>) {
        if !self.offers_stuck && self.in_flight.is_none() {
            self.alarm.set(self.parts.live.next_offer_end(), myself);
        }
    }

    /// The end of offers that are over, where that is to be decided first.
    fn expire(&mut self, activity: &Activity) -> Option<Draft> {
        let at = self.deciding_at();
        if !self.is_offer_over(activity.next_offer_end()) {
            return None;
        }
        let request = Request {
            by: Principal::system(),
            at: at?,
            command: Command::ExpireOffers,
            if_version: None,
            key: None,
        };
        let mut draft = Draft::on(activity);
        draft.judge(activity, &request, KeyCheck::Unchecked);
        (!draft.events().is_empty()).then_some(draft)
    }

    /// Whether one of these ends comes before what is to be decided next.
    fn is_offer_over(&mut self, ends: impl IntoIterator<Item = Timestamp>) -> bool {
        let at = self.deciding_at();
        !self.offers_stuck && ends.into_iter().any(|end| Some(end) <= at)
    }

    /// By which time is decided next. Commands that wait come before the alarm, however late they are: their stamps
    /// tell who was in time.
    fn deciding_at(&mut self) -> Option<Timestamp> {
        self.pending.next_at().or(self.rung)
    }

    /// Hands a batch to the committer, its callers with it.
    fn submit(
        &mut self,
        myself: &ActorRef<ActivityMsg>,
        mut draft: Draft,
        before: Overview,
        callers: Callers,
        ends_offers: bool,
    ) {
        let after = draft.overview();
        let batch = Batch {
            id: BatchId::from(self.parts.ids.next()),
            activity: self.parts.id,
            epoch: self.parts.epoch,
            prev: before.counts.seq,
            head: draft.head().clone(),
            waitlisted_parties: after.counts.waitlisted_parties,
            waitlisted_spots: after.counts.waitlisted_spots,
            rsvps: draft.rows().cloned().collect(),
            events: draft.take_events(),
        };
        self.in_flight = Some(InFlight {
            draft,
            before,
            ends_offers,
        });
        let submission = Submission {
            batch,
            callers,
            home: myself.clone(),
        };
        if let Err(error) = self
            .parts
            .committer
            .cast(CommitterMsg::Submit(Box::new(submission)))
        {
            // Dropping the submission tells its callers that the activity is unavailable.
            tracing::error!(activity.id = %self.parts.id, %error, "the committer is gone");
        }
    }

    /// Takes over the end of the batch in flight.
    fn land(&mut self, myself: &ActorRef<ActivityMsg>, landed: Landed) {
        let Landed {
            outcome,
            epoch,
            callers,
        } = landed;
        let InFlight {
            draft,
            before,
            ends_offers,
        } = self
            .in_flight
            .take()
            .expect("what lands was in flight: one batch at a time");
        self.parts.epoch = epoch;
        self.suspended = false;
        match outcome {
            Outcome::Committed => {
                self.publish(draft, before, callers);
            }
            Outcome::Aborted | Outcome::Unavailable if ends_offers => {
                tracing::warn!(activity.id = %self.parts.id, ?outcome, "offers that are over could not be ended yet");
                self.offers_stuck = true;
                self.alarm.snooze(myself);
            }
            // Alone it was refused, so it is this command that the journal refuses.
            Outcome::Aborted if callers.len() == 1 => callers.refuse(&EngineError::Internal),
            Outcome::Aborted => self.pending.again_one_by_one(callers.into_callers()),
            Outcome::Unavailable => callers.refuse(&EngineError::Unavailable),
            Outcome::CommittedAndFenced => {
                // What is here is behind what the journal has, and whoever is answered may read at once.
                self.parts.live.retire();
                callers.tell_verdicts();
                myself.stop(Some("fenced".into()));
            }
            Outcome::Fenced => {
                // Somebody else owns the activity: what is here may be behind what they tell.
                self.parts.live.retire();
                callers.refuse(&EngineError::Unavailable);
                myself.stop(Some("fenced".into()));
            }
        }
    }

    /// Apply, answer, publish.
    fn publish(&self, draft: Draft, before: Overview, callers: Callers) {
        let after = draft.overview();
        let moves = draft.moves().clone();
        let cancelled = after.cancelled_at.is_some() && before.cancelled_at.is_none();
        let touched = if cancelled {
            Touched::All
        } else {
            Touched::Rsvps(draft.rows().map(|rsvp| (rsvp.id, rsvp.person.clone())).collect())
        };
        // Before it can be read, so whoever compares the mirror with what is read finds either there or on its way.
        self.mirror(after.counts);
        self.parts.live.absorb(draft);
        callers.tell_verdicts();
        let difference = Difference { before, after, moves };
        self.parts.live.feed().publish(difference, &touched);
        if cancelled {
            following::follow(self.parts.journal.clone(), self.parts.id);
        }
    }

    fn mirror(&self, counts: Counts) {
        if let Some(outgoing) = &self.parts.outgoing {
            outgoing.put(
                self.parts.id,
                MirrorCounts::new(counts, self.parts.live.history()),
            );
        }
    }

    /// Nothing is promised while an outcome stays unknown: who waits is sent away, to come back with the key.
    fn suspend(&mut self) {
        self.suspended = true;
        for caller in self.pending.take_all() {
            caller.answer(Err(EngineError::Unavailable));
        }
    }
}
