//! One activity twice: as the domain keeps it, with drafts, commits and loads, and as the plain model has it.

use std::collections::HashMap;
use std::sync::Arc;

use futures::executor::block_on;
use proptest::test_runner::TestCaseError;
use proptest::{prop_assert, prop_assert_eq};
use turnout_actors::domain::{
    Activity, ActivityId, Ahead, Answered, CancelReason, Command, Counts, Difference, Draft, Event, Fact,
    Judgement, KeyCheck, Keyed, OwnerEpoch, Person, Principal, Rejection, Request, Reserve, RsvpId, Seq,
    Settings, SettingsChange, Status, Target, Timestamp, Update, UserId,
};
use turnout_actors::ports::{Batch, Journal, Landing, NewActivity};
use turnout_actors::testing::{HOST, MemoryJournal};
use turnout_actors::{Key, domain};
use turnout_loadtest::model::{self, Model};
use uuid::Uuid;

use super::history::{Opening, Step, Version};

type Checked = Result<(), TestCaseError>;

pub struct World {
    journal: MemoryJournal,
    opening: Settings,
    activity: Activity,
    epoch: OwnerEpoch,
    draft: Draft,
    /// The durable events.
    events: Vec<Event>,
    model: Model,
    /// The model as of the last commit: what readers may see.
    committed: Model,
    now: Timestamp,
    latest: Timestamp,
    ids: u128,
    ids_by_person: HashMap<String, RsvpId>,
    /// What a waiting client knows of its place, by person, kept up by the waitlist's moves alone.
    followers: HashMap<RsvpId, (domain::Ticket, Seq, Ahead)>,
}

/// Person 0 is the host, who may come to the own activity.
fn user(person: u8) -> UserId {
    UserId::from(Uuid::from_u128(if person == 0 {
        HOST
    } else {
        u128::from(person)
    }))
}

fn name(user: UserId) -> String {
    user.to_string()
}

fn wishes(some: bool) -> Option<String> {
    some.then(|| "a seat at the aisle".to_owned())
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
        let model = Model::new(model::Settings {
            capacity: settings.capacity,
            max_guests: u32::from(settings.max_guests),
            patience: settings.patience,
            waitlist_capacity: settings.waitlist_capacity,
            opens_at_us: settings.opens_at.map(Timestamp::micros),
            closes_at_us: settings.closes_at.map(Timestamp::micros),
            cancel_until_us: settings.cancel_until.map(Timestamp::micros),
            promote_until_us: settings.promote_until.map(Timestamp::micros),
            starts_at_us: settings.starts_at.micros(),
            ends_at_us: settings.ends_at.micros(),
        });
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
        }
    }

    pub fn take(&mut self, step: &Step) -> Checked {
        match step {
            Step::Tick(millis) => self.now = self.now.plus_millis(*millis),
            Step::Commit => self.commit()?,
            Step::Abort => self.abort(),
            Step::Reload => self.reload()?,
            step => self.order(step)?,
        }
        self.readers_see_only_what_is_committed()
    }

    pub fn finish(&mut self) -> Checked {
        self.commit()?;
        self.folding_all_events_gives_the_state()?;
        self.reload()?;
        self.readers_see_only_what_is_committed()
    }

    fn order(&mut self, step: &Step) -> Checked {
        let Some((by, command, if_version, key, told)) = self.translate(step) else {
            return Ok(());
        };
        let host = by == user(0);
        let principal = Principal::user(by);
        let key_use = key.map(|key| {
            Key::parse(&format!("key-{key}"))
                .unwrap()
                .used_for(&principal, &command)
        });
        // What the actor does: no stamp goes back behind one that something was judged by.
        self.latest = self.latest.max(self.now);
        let request = Request {
            by: principal,
            at: self.latest,
            command,
            if_version,
            key: key_use,
        };
        let before = self.draft.events().len();
        let judged = self.judge(&request);
        let mut told = model::Request::new(self.latest.micros(), told);
        if host {
            told = told.by_host();
        }
        if let Some(key) = key {
            told = told.with_key(name(by), format!("key-{key}"));
        }
        let expected = self.model.submit(&told);
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
            (Err(rejection), Err(expected)) => prop_assert_eq!(rejection.code(), expected.code()),
            (judged, expected) => prop_assert!(false, "{:?} instead of {:?}", judged, expected),
        }
        same_counts(&self.draft.overview().counts, &self.model)?;
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
                    check = recorded.as_ref().map_or(KeyCheck::Unknown(looked_at), KeyCheck::Recorded);
                }
            }
        }
    }

    /// The same command for the domain and for the model; `None` where the step means nothing now.
    #[allow(clippy::type_complexity)]
    fn translate(
        &mut self,
        step: &Step,
    ) -> Option<(UserId, Command, Option<u32>, Option<u8>, model::Command)> {
        match *step {
            Step::Reserve {
                person,
                guests,
                wishes: some,
                key,
            } => {
                self.ids += 1;
                let by = user(person);
                let reserve = Reserve {
                    fresh: RsvpId::from(Uuid::from_u128(self.ids)),
                    person: Person::User(by),
                    name: "Somebody".into(),
                    guest_count: guests,
                    special_requirements: wishes(some).map(Into::into),
                };
                let told = model::Command::Reserve {
                    person: name(by),
                    guest_count: u32::from(guests),
                    special_requirements: wishes(some),
                };
                Some((by, Command::Reserve(reserve), None, key, told))
            }
            Step::Update {
                person,
                guests,
                wishes: some,
                version,
                by_host,
                key,
            } => {
                let (by, target) = self.target(person, by_host)?;
                let if_version = self.version(person, version);
                let update = Update {
                    target,
                    guest_count: guests,
                    special_requirements: some.map(|some| wishes(some).map(Into::into)),
                };
                let told = model::Command::Update {
                    person: name(user(person)),
                    guest_count: guests.map(u32::from),
                    special_requirements: some.map(wishes),
                    if_version: if_version.map(u64::from),
                };
                Some((by, Command::Update(update), if_version, key, told))
            }
            Step::Cancel {
                person,
                version,
                by_host,
                key,
            } => {
                let (by, target) = self.target(person, by_host)?;
                let if_version = self.version(person, version);
                let told = model::Command::Cancel {
                    person: name(user(person)),
                    by_host: by_host && person != 0,
                    if_version: if_version.map(u64::from),
                };
                Some((by, Command::Cancel(target), if_version, key, told))
            }
            Step::Change { ref change, key } => {
                let valid = change.applied_to(&self.draft.head().settings).errors().is_empty();
                let told = model::Command::ChangeSettings(told_change(change));
                valid.then(|| (user(0), Command::Change(change.clone()), None, key, told))
            }
            Step::CancelActivity => Some((
                user(0),
                Command::CancelActivity,
                None,
                None,
                model::Command::CancelActivity,
            )),
            Step::Tick(_) | Step::Commit | Step::Abort | Step::Reload => None,
        }
    }

    fn target(&self, person: u8, by_host: bool) -> Option<(UserId, Target)> {
        if by_host && person != 0 {
            let id = self
                .ids_by_person
                .get(&name(user(person)))
                .filter(|_| self.model.rsvp(&name(user(person))).is_some())?;
            Some((user(0), Target::Rsvp(*id)))
        } else {
            Some((user(person), Target::Own))
        }
    }

    fn version(&self, person: u8, version: Version) -> Option<u32> {
        let current = self
            .model
            .rsvp(&name(user(person)))
            .map_or(1, |rsvp| rsvp.version as u32);
        match version {
            Version::Any => None,
            Version::Current => Some(current),
            Version::Stale => Some(current + 1),
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
        Ok(())
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

fn told_change(change: &SettingsChange) -> model::SettingsChange {
    let micros = |time: Option<Option<Timestamp>>| time.map(|time| time.map(Timestamp::micros));
    model::SettingsChange {
        capacity: change.capacity,
        max_guests: change.max_guests.map(u32::from),
        patience: change.patience,
        waitlist_capacity: change.waitlist_capacity,
        opens_at_us: micros(change.opens_at),
        closes_at_us: micros(change.closes_at),
        cancel_until_us: micros(change.cancel_until),
        promote_until_us: micros(change.promote_until),
        starts_at_us: change.starts_at.map(Timestamp::micros),
        ends_at_us: change.ends_at.map(Timestamp::micros),
        waitlist_paused: change.waitlist_paused,
    }
}

fn person_name(person: &Person) -> String {
    match person {
        Person::User(user) => name(*user),
        Person::Guest(email) => email.to_string(),
    }
}

fn same_status(status: Status, expected: model::Status) -> bool {
    use model::CancelReason as Told;
    match (status, expected) {
        (Status::Confirmed, model::Status::Confirmed) | (Status::Waitlisted, model::Status::Waitlisted) => {
            true
        }
        (Status::Cancelled(reason), model::Status::Cancelled(told)) => {
            matches!(
                (reason, told),
                (CancelReason::ByAttendee, Told::ByAttendee)
                    | (CancelReason::ByHost, Told::ByHost)
                    | (CancelReason::ActivityCancelled, Told::ActivityCancelled)
            )
        }
        _ => false,
    }
}

fn same_rsvp(answered: &Answered, expected: &model::RsvpView, texts_too: bool) -> Checked {
    let rsvp = &answered.rsvp;
    prop_assert_eq!(&person_name(&rsvp.person), &expected.person);
    prop_assert!(
        same_status(rsvp.status, expected.status),
        "{:?} instead of {:?}",
        rsvp.status,
        expected.status
    );
    prop_assert_eq!(u32::from(rsvp.guest_count), expected.guest_count);
    prop_assert_eq!(rsvp.ticket.0, expected.ticket);
    prop_assert_eq!(u64::from(rsvp.version), expected.version);
    prop_assert_eq!(u64::from(rsvp.generation), expected.generation);
    prop_assert_eq!(answered.ahead.map(|ahead| ahead.parties), expected.parties_ahead);
    prop_assert_eq!(answered.ahead.map(|ahead| ahead.spots), expected.spots_ahead);
    if texts_too {
        prop_assert_eq!(
            rsvp.special_requirements().map(|text| text.as_ref()),
            expected.special_requirements.as_deref()
        );
    }
    Ok(())
}

fn same_event(event: &Event, expected: &model::Event, ids: &HashMap<String, RsvpId>) -> Checked {
    prop_assert_eq!(event.seq.0, expected.seq);
    prop_assert_eq!(event.fact.kind(), expected.kind.as_str());
    prop_assert_eq!(
        event.fact.rsvp(),
        expected.person.as_ref().map(|person| ids[person])
    );
    let (ticket, spots) = match &event.fact {
        Fact::Entered(entered) => (Some(entered.ticket), Some(1 + u64::from(entered.guest_count))),
        Fact::Promoted { ticket, spots, .. } | Fact::Cancelled { ticket, spots, .. } => {
            (Some(*ticket), Some(u64::from(*spots)))
        }
        Fact::Updated {
            ticket, guest_count, ..
        } => (Some(*ticket), Some(1 + u64::from(*guest_count))),
        _ => (None, None),
    };
    prop_assert_eq!(ticket.map(|ticket| ticket.0), expected.ticket);
    prop_assert_eq!(spots, expected.spots);
    Ok(())
}

fn same_counts(counts: &Counts, model: &Model) -> Checked {
    let expected = model.counts();
    prop_assert_eq!(u64::from(counts.capacity), expected.capacity);
    prop_assert_eq!(u64::from(counts.confirmed_spots), expected.confirmed_spots);
    prop_assert_eq!(u64::from(counts.available_spots), expected.available_spots);
    prop_assert_eq!(counts.waitlisted_parties, expected.waitlisted_parties);
    prop_assert_eq!(counts.waitlisted_spots, expected.waitlisted_spots);
    prop_assert_eq!(counts.seq.0, expected.seq);
    Ok(())
}
