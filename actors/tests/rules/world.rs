//! One activity twice: as the domain keeps it, with drafts, commits and loads, and as the plain model has it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::executor::block_on;
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use turnout_actors::domain::{
    self, Activity, ActivityId, Difference, Draft, Event, Fact, Judgement, KeyCheck, Keyed, OwnerEpoch,
    Rejection, Request, RsvpId, Settings, Status, Timestamp,
};
use turnout_actors::ports::{Batch, Journal, Landing, NewActivity};
use turnout_actors::testing::MemoryJournal;
use turnout_loadtest::model::{self, Model};
use uuid::Uuid;

use super::changes::{Opening, TICK_MS};
use super::followers::Followers;
use super::history::{AGAIN_MAX, Order, Step};
use super::people::key_of;
use super::same::{
    Checked, same_counts, same_event, same_head, same_refusal, same_told, tells_where_it_stood, told_settings,
};
use super::tally::Tally;
use super::translate::expiry;

pub struct World {
    journal: MemoryJournal,
    pub(super) opening: Settings,
    pub(super) activity: Activity,
    epoch: OwnerEpoch,
    pub(super) draft: Draft,
    /// Where each RSVP stands, as the events tell it, and as those tell it that are durable.
    standing: HashMap<RsvpId, Status>,
    committed_standing: HashMap<RsvpId, Status>,
    /// Whether offers that are over end before the next command.
    alarm: bool,
    /// The durable events.
    pub(super) events: Vec<Event>,
    pub(super) model: Model,
    /// The model as of the last commit: what readers may see.
    pub(super) committed: Model,
    now: Timestamp,
    latest: Timestamp,
    pub(super) ids: u128,
    pub(super) ids_by_person: HashMap<String, RsvpId>,
    /// Whose RSVPs these are or, where there is none, would have been.
    pub(super) persons_by_id: HashMap<RsvpId, String>,
    followers: Followers,
    /// The latest commands with a key, the last one first.
    keyed: VecDeque<Order>,
    tally: Tally,
}

impl World {
    pub fn new(opening: &Opening) -> Self {
        let journal = MemoryJournal::new();
        let id = ActivityId::from(Uuid::from_u128(1));
        let start = Timestamp::from_millis(0);
        let new = NewActivity {
            id,
            settings: Arc::new(opening.settings.clone()),
            at: start,
            key: None,
        };
        block_on(journal.create(new)).expect("an activity is made");
        let loaded = block_on(journal.load(id))
            .expect("loading works")
            .expect("it exists");
        let settings = &opening.settings;
        let model = Model::new(told_settings(settings));
        Self {
            journal,
            opening: settings.clone(),
            draft: Draft::on(&loaded.activity),
            activity: loaded.activity,
            epoch: loaded.epoch,
            standing: HashMap::new(),
            committed_standing: HashMap::new(),
            alarm: opening.alarm,
            events: Vec::new(),
            committed: model.clone(),
            model,
            now: start,
            latest: start,
            ids: 0,
            ids_by_person: HashMap::new(),
            persons_by_id: HashMap::new(),
            followers: Followers::default(),
            keyed: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    pub fn take(&mut self, step: &Step) -> Checked {
        match step {
            Step::Tick(ticks) => self.now = self.now.plus_millis(ticks * TICK_MS),
            Step::Commit => self.commit()?,
            Step::Abort => self.abort(),
            Step::Reload => self.reload()?,
            Step::Alarm => self.ring()?,
            Step::Again(back) => {
                if let Some(order) = self.keyed.get(*back).cloned() {
                    self.order(&order)?;
                }
            }
            Step::Order(order) => {
                let order = self.settle(order);
                let is_accepted = self.order(&order)?;
                // Of those that were refused few are enough.
                if order.key.is_some() && (is_accepted || self.keyed.len() < 2) {
                    self.keyed.push_front(order);
                    self.keyed.truncate(AGAIN_MAX);
                }
            }
        }
        self.readers_see_only_what_is_committed()
    }

    /// The end of the history; tells what happened in it.
    pub fn finish(mut self) -> Result<Tally, TestCaseError> {
        self.commit()?;
        self.folding_all_events_gives_the_state()?;
        self.reload()?;
        self.readers_see_only_what_is_committed()?;
        Ok(self.tally)
    }

    /// Gives a command; tells whether it was accepted.
    fn order(&mut self, order: &Order) -> Result<bool, TestCaseError> {
        // What the actor does: no stamp goes back behind one that something was judged by, and offers that are over
        // by then end first.
        self.latest = self.latest.max(self.now);
        if order.on_time && self.alarm && self.is_offer_over() {
            self.ring()?;
        }
        let moment = self.moment(order, self.latest);
        let (request, told) = self.translate(self.latest, order);
        let outcome = self.put(&request, &told)?;
        self.tally.count(order, &outcome, moment);
        Ok(outcome.is_ok())
    }

    /// Every offer that is over ends.
    fn ring(&mut self) -> Checked {
        self.latest = self.latest.max(self.now);
        let promote_until_us = self.draft.head().settings.promote_until().micros();
        for end_us in self
            .model
            .rsvps()
            .values()
            .filter_map(|row| row.offer_expires_at_us)
        {
            if end_us <= self.latest.micros() {
                let is_cut = end_us == promote_until_us;
                self.tally.count_end(if is_cut {
                    "with promotion"
                } else {
                    "after its time"
                });
            }
        }
        let (request, told) = expiry(self.latest);
        let outcome = self.put(&request, &told)?;
        self.tally.count_alarm(&outcome);
        Ok(())
    }

    /// Whether an offer has come to its end. The actor asks the committed state and the draft for it, which may name
    /// one too many but must not miss one.
    pub(super) fn is_offer_over(&self) -> bool {
        let ends = [self.activity.next_offer_end(), self.draft.next_offer_end()];
        let first = ends.into_iter().flatten().min();
        if let Some(expected) = self.model.first_offer_end_us() {
            assert!(
                first.is_some_and(|first| first.micros() <= expected),
                "the end of an offer is missed: {first:?} instead of {expected}"
            );
        }
        let end = self.model.first_offer_end_us();
        end.is_some_and(|end| end <= self.latest.micros())
    }

    /// Gives a command to both and compares all that comes of it.
    fn put(
        &mut self,
        request: &Request,
        told: &model::Request,
    ) -> Result<Result<model::Answer, model::Refusal>, TestCaseError> {
        let before = self.draft.events().len();
        let judged = self.judge(request);
        let expected = self.model.submit(told);
        match (&judged, &expected) {
            (Ok(answer), Ok(expected)) => {
                let new = &self.draft.events()[before..];
                for event in new {
                    if let Fact::Entered(entered) = &event.fact {
                        let person = key_of(&entered.person);
                        self.persons_by_id.insert(entered.rsvp, person.clone());
                        self.ids_by_person.insert(person, entered.rsvp);
                    }
                }
                prop_assert_eq!(
                    new.len(),
                    expected.events.len(),
                    "{:?} instead of {:?}",
                    new,
                    expected.events
                );
                for (event, expected) in new.iter().zip(&expected.events) {
                    same_event(event, expected, &request.by, self.latest, &self.persons_by_id)?;
                    tells_where_it_stood(event, &mut self.standing)?;
                }
                for rsvp in answer.told.iter().map(|answered| &answered.rsvp) {
                    prop_assert_eq!(rsvp.id, self.ids_by_person[&key_of(&rsvp.person)]);
                }
                prop_assert_eq!(answer.seq.0, expected.seq);
                prop_assert_eq!(answer.replayed, expected.replayed);
                prop_assert_eq!(answer.changed, expected.changed);
                same_told(&answer.told, &expected.told, answer.replayed, &self.model)?;
            }
            (Err(rejection), Err(expected)) => {
                same_refusal(rejection, expected, &self.model, self.latest, &self.persons_by_id)?;
            }
            (judged, expected) => {
                prop_assert!(false, "{:?} instead of {:?} for {:?}", judged, expected, told);
            }
        }
        same_counts(&self.draft.overview(), &self.model)?;
        same_head(self.draft.head(), &self.model)?;
        prop_assert_eq!(self.model.invariants(), Vec::<String>::new());
        Ok(expected)
    }

    /// Judges a command as the actor does, looking keys up in the journal where the domain asks for it.
    fn judge(&mut self, request: &Request) -> Result<domain::Answer, Rejection> {
        let mut recorded: Option<Keyed> = None;
        let mut check = KeyCheck::Unchecked;
        loop {
            match self.draft.judge(&self.activity, request, check) {
                Judgement::Accepted(answer) => return Ok(answer),
                Judgement::Rejected(rejection) => return Err(rejection),
                Judgement::Recall(hints) => {
                    let digest = request.key.expect("only keys are recalled").digest;
                    let looked_at = hints.len();
                    recorded = hints
                        .into_iter()
                        .filter_map(|seq| block_on(self.journal.recall(self.activity.id(), seq)).unwrap())
                        .find(|keyed| keyed.key.digest == digest)
                        .or(recorded);
                    check = recorded
                        .as_ref()
                        .map_or(KeyCheck::Unknown(looked_at), KeyCheck::Recorded);
                }
            }
        }
    }

    fn commit(&mut self) -> Checked {
        let before = self.activity.overview();
        let after = self.draft.overview();
        let moves = self.draft.moves().clone();
        let events = self.draft.take_events();
        if !events.is_empty() {
            self.ids += 1;
            let batch = Batch {
                id: Uuid::from_u128(self.ids << 64).into(),
                activity: self.activity.id(),
                epoch: self.epoch,
                prev: before.counts.seq,
                head: self.draft.head().clone(),
                waitlisted_parties: after.counts.waitlisted_parties,
                waitlisted_spots: after.counts.waitlisted_spots,
                rsvps: self.draft.rows().cloned().collect(),
                events: events.clone(),
            };
            let landings =
                block_on(self.journal.commit(&[batch])).expect("the journal takes what was decided");
            prop_assert_eq!(landings, [Landing::Written]);
            self.events.extend(events);
            let draft = std::mem::replace(&mut self.draft, Draft::on(&self.activity));
            self.activity.absorb(draft);
            let difference = Difference { before, after, moves };
            self.followers.follow(&self.activity, &difference)?;
        }
        self.draft = Draft::on(&self.activity);
        self.committed = self.model.clone();
        self.committed_standing = self.standing.clone();
        self.the_same_people_may_know_of_it()
    }

    fn abort(&mut self) {
        self.draft = Draft::on(&self.activity);
        self.model = self.committed.clone();
        self.standing = self.committed_standing.clone();
    }

    fn reload(&mut self) -> Checked {
        self.abort();
        if self.activity.head().cancelled_at.is_some() {
            block_on(self.journal.follow_cancellation(self.activity.id(), None, 3)).expect("rows follow");
        }
        let loaded = block_on(self.journal.load(self.activity.id()))
            .expect("loading works")
            .expect("it exists");
        prop_assert_eq!(loaded.activity.head(), self.activity.head());
        prop_assert_eq!(loaded.activity.waitlist(), self.activity.waitlist());
        prop_assert_eq!(loaded.activity.key_count(), self.activity.key_count());
        self.activity = loaded.activity;
        self.epoch = loaded.epoch;
        self.draft = Draft::on(&self.activity);
        Ok(())
    }
}
