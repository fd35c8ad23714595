//! One activity twice: as the domain keeps it, with drafts, commits and loads, and as the plain model has it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use futures::executor::block_on;
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use turnout_actors::domain::{
    self, Activity, ActivityId, Ahead, Answered, Difference, Draft, Event, Fact, Judgement, KeyCheck, Keyed,
    OwnerEpoch, Principal, Rejection, Request, RsvpId, Seq, Settings, Timestamp,
};
use turnout_actors::ports::{Batch, Journal, Landing, NewActivity};
use turnout_actors::testing::MemoryJournal;
use turnout_loadtest::model::Model;
use uuid::Uuid;

use super::history::{AGAIN_MAX, Opening, PEOPLE, Step};
use super::same::{
    Checked, person_name, same_counts, same_event, same_head, same_rejection, same_rsvp, told_settings,
};
use super::tally::Tally;
use super::translate::{name, user};

pub struct World {
    journal: MemoryJournal,
    opening: Settings,
    activity: Activity,
    epoch: OwnerEpoch,
    draft: Draft,
    /// The durable events.
    events: Vec<Event>,
    pub(super) model: Model,
    /// The model as of the last commit: what readers may see.
    committed: Model,
    now: Timestamp,
    latest: Timestamp,
    pub(super) ids: u128,
    pub(super) ids_by_person: HashMap<String, RsvpId>,
    /// What a waiting client knows of its place, by person, kept up by the waitlist's moves alone.
    followers: HashMap<RsvpId, (domain::Ticket, Seq, Ahead)>,
    /// The latest commands with a key, the last one first.
    keyed: VecDeque<Step>,
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
            events: Vec::new(),
            committed: model.clone(),
            model,
            now: start,
            latest: start,
            ids: 0,
            ids_by_person: HashMap::new(),
            followers: HashMap::new(),
            keyed: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    pub fn take(&mut self, step: &Step) -> Checked {
        match step {
            Step::Tick(millis) => self.now = self.now.plus_millis(*millis),
            Step::Commit => self.commit()?,
            Step::Abort => self.abort(),
            Step::Reload => self.reload()?,
            Step::Again(back) => {
                if let Some(step) = self.keyed.get(*back).cloned() {
                    self.order(&step)?;
                }
            }
            step => {
                if step.is_keyed() {
                    self.keyed.push_front(step.clone());
                    self.keyed.truncate(AGAIN_MAX);
                }
                self.order(step)?;
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

    fn order(&mut self, step: &Step) -> Checked {
        // What the actor does: no stamp goes back behind one that something was judged by.
        self.latest = self.latest.max(self.now);
        let Some((request, told)) = self.translate(self.latest, step) else {
            return Ok(());
        };
        let before = self.draft.events().len();
        let doors_were_closed = self.latest >= self.draft.head().settings.promote_until();
        let judged = self.judge(&request);
        let expected = self.model.submit(&told);
        self.tally.count(step, &expected, doors_were_closed);
        match (judged, expected) {
            (Ok(answer), Ok(expected)) => {
                prop_assert_eq!(answer.seq.0, expected.seq);
                prop_assert_eq!(answer.replayed, expected.replayed);
                prop_assert_eq!(answer.rsvp.is_some(), expected.rsvp.is_some());
                if let (Some(rsvp), Some(expected_rsvp)) = (&answer.rsvp, &expected.rsvp) {
                    same_rsvp(rsvp, expected_rsvp, !answer.replayed)?;
                }
                for event in self.draft.events()[before..]
                    .iter()
                    .filter(|e| matches!(e.fact, Fact::Entered(_)))
                {
                    if let Fact::Entered(entered) = &event.fact {
                        self.ids_by_person
                            .insert(person_name(&entered.person), entered.rsvp);
                    }
                }
                let new: Vec<&Event> = self.draft.events()[before..].iter().collect();
                prop_assert_eq!(
                    new.len(),
                    expected.events.len(),
                    "{:?} instead of {:?}",
                    new,
                    expected.events
                );
                for (event, expected) in new.iter().zip(&expected.events) {
                    same_event(event, expected, &self.ids_by_person)?;
                }
            }
            (Err(rejection), Err(expected)) => same_rejection(&rejection, expected, &self.model)?,
            (judged, expected) => prop_assert!(false, "{:?} instead of {:?}", judged, expected),
        }
        same_counts(&self.draft.overview().counts, &self.model)?;
        same_head(self.draft.head(), &self.model)?;
        prop_assert_eq!(self.model.invariants(), Vec::<String>::new());
        Ok(())
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
            self.follow(&Difference { before, after, moves })?;
        }
        self.draft = Draft::on(&self.activity);
        self.committed = self.model.clone();
        self.the_same_people_may_know_of_it()
    }

    fn abort(&mut self) {
        self.draft = Draft::on(&self.activity);
        self.model = self.committed.clone();
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

    fn readers_see_only_what_is_committed(&self) -> Checked {
        same_counts(&self.activity.counts(), &self.committed)?;
        same_head(self.activity.head(), &self.committed)?;
        prop_assert_eq!(self.activity.rsvp_count(), self.committed.rsvps().len());
        for answered in self.activity.rsvps() {
            let person = person_name(&answered.rsvp.person);
            let expected = self
                .committed
                .rsvp(&person)
                .expect("only people who came have RSVPs");
            same_rsvp(&answered, &expected, true)?;
        }
        let waiting: Vec<String> = self
            .activity
            .waiting()
            .map(|a| person_name(&a.rsvp.person))
            .collect();
        let expected: Vec<String> = self
            .committed
            .waiting()
            .iter()
            .flat_map(|p| p.members.clone())
            .collect();
        prop_assert_eq!(waiting, expected);
        Ok(())
    }

    fn the_same_people_may_know_of_it(&self) -> Checked {
        let activity = &self.activity;
        prop_assert_eq!(
            activity.is_visible_to(None),
            self.committed.is_visible_to(None, false)
        );
        for person in 0..PEOPLE {
            for elevated in [false, true] {
                let by = Principal {
                    elevated,
                    ..Principal::user(user(person))
                };
                let expected = self
                    .committed
                    .is_visible_to(Some(&name(by.user)), person == 0 || elevated);
                prop_assert_eq!(activity.is_visible_to(Some(&by)), expected);
            }
        }
        Ok(())
    }

    fn folding_all_events_gives_the_state(&self) -> Checked {
        let head = self.activity.head();
        let mut folded = Activity::new(
            self.activity.id(),
            Arc::new(self.opening.clone()),
            head.created_at,
        );
        for event in &self.events {
            folded.apply(event);
        }
        prop_assert_eq!(folded.head(), head);
        prop_assert_eq!(folded.waitlist(), self.activity.waitlist());
        let sorted = |activity: &Activity| {
            let mut rsvps: Vec<Answered> = activity.rsvps().collect();
            rsvps.sort_by_key(|answered| answered.rsvp.id);
            rsvps
        };
        prop_assert_eq!(sorted(&folded), sorted(&self.activity));
        Ok(())
    }

    /// Whoever waits can follow its place by the moves alone, however many commits they span.
    fn follow(&mut self, difference: &Difference) -> Checked {
        let cancelled = difference.after.cancelled_at.is_some();
        for answered in self.activity.rsvps() {
            let rsvp = &answered.rsvp;
            let known = self
                .followers
                .get(&rsvp.id)
                .filter(|(ticket, ..)| *ticket == rsvp.ticket)
                .copied();
            let Some(ahead) = answered.ahead.filter(|_| !cancelled) else {
                self.followers.remove(&rsvp.id);
                continue;
            };
            if let Some((ticket, since, mut place)) = known {
                let moves = &difference.moves;
                let earlier = |entry: &&(domain::Ticket, u32, Seq)| entry.0 < ticket && entry.2 > since;
                for (_, spots, _) in moves.joined.iter().filter(earlier) {
                    place.parties += 1;
                    place.spots += u64::from(*spots);
                }
                for (_, delta, _) in moves
                    .resized
                    .iter()
                    .filter(|entry| entry.0 < ticket && entry.2 > since)
                {
                    place.spots = place
                        .spots
                        .checked_add_signed(*delta)
                        .expect("spots ahead stay positive");
                }
                for (_, spots, _) in moves.left.iter().filter(earlier) {
                    place.parties -= 1;
                    place.spots -= u64::from(*spots);
                }
                prop_assert_eq!(place, ahead);
            }
            self.followers
                .insert(rsvp.id, (rsvp.ticket, difference.seq(), ahead));
        }
        Ok(())
    }
}
