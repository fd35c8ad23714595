//! Drives one activity through its commands on a journal, without an engine.

use std::sync::Arc;

use uuid::Uuid;

use crate::domain::{
    Activity, ActivityId, Answer, Answered, BatchId, Command, Draft, Judgement, KeyCheck, KeyDigest, KeyUse,
    OwnerEpoch, Person, Principal, Rejection, Request, Reserve, RsvpId, Settings, SettingsChange, Target,
    Timestamp, Update, UserId,
};
use crate::ports::{Batch, Journal, Landing, NewActivity};

/// The host of every activity that [`settings`] describes.
pub const HOST: u128 = 0xFFFF;

/// An activity with this many spots, open now, that starts a day after 1970 and ends an hour later.
pub fn settings(capacity: u32) -> Settings {
    let host = UserId::from(Uuid::from_u128(HOST));
    let (starts_at, ends_at) = (
        Timestamp::from_millis(86_400_000),
        Timestamp::from_millis(90_000_000),
    );
    Settings::new(host, "An evening".into(), starts_at, ends_at, capacity)
}

/// One activity, its committed state, and the changes that wait for the next batch.
#[derive(Debug)]
pub struct Drive {
    /// The committed state.
    pub activity: Activity,
    /// The epoch by which it is owned.
    pub epoch: OwnerEpoch,
    /// Changes not committed.
    pub draft: Draft,
    /// The time that commands are stamped with; rises by a millisecond with each.
    pub now: Timestamp,
    ids: u128,
}

impl Drive {
    /// Makes an activity and loads it.
    pub async fn create(journal: &dyn Journal, id: u128, settings: Settings) -> Self {
        let id = ActivityId::from(Uuid::from_u128(id));
        let new = NewActivity {
            id,
            settings: Arc::new(settings),
            at: Timestamp::from_millis(1_000),
            key: None,
        };
        journal.create(new).await.expect("an activity is created");
        Self::load(journal, id).await
    }

    /// Loads an activity that exists.
    pub async fn load(journal: &dyn Journal, id: ActivityId) -> Self {
        let loaded = journal
            .load(id)
            .await
            .expect("loading works")
            .expect("the activity exists");
        let draft = Draft::on(&loaded.activity);
        let now = loaded.activity.head().stamped_at;
        Self {
            draft,
            activity: loaded.activity,
            epoch: loaded.epoch,
            now,
            ids: u128::from(loaded.epoch.0) << 64,
        }
    }

    fn fresh(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids ^ (self.activity.id().uuid().as_u128() << 96))
    }

    /// Gives a command as user `by`; only into the draft.
    pub fn order(&mut self, by: u128, command: Command, key: Option<u8>) -> Result<Answer, Rejection> {
        let key = key.map(|key| KeyUse {
            digest: KeyDigest([key; 16]),
            fingerprint: u64::from(key),
        });
        self.order_as(Principal::user(UserId::from(Uuid::from_u128(by))), command, key)
    }

    /// The same by anybody.
    pub fn order_as(
        &mut self,
        by: Principal,
        command: Command,
        key: Option<KeyUse>,
    ) -> Result<Answer, Rejection> {
        self.now = self.now.plus_millis(1);
        let request = Request {
            by,
            at: self.now,
            command,
            if_version: None,
            key,
        };
        match self
            .draft
            .judge(&self.activity, &request, KeyCheck::Unknown(usize::MAX))
        {
            Judgement::Accepted(answer) => Ok(answer),
            Judgement::Rejected(rejection) => Err(rejection),
            Judgement::Recall(_) => unreachable!("the key was said to be unknown"),
        }
    }

    /// User `by` reserves for itself and `guest_count` guests.
    pub fn reserve(&mut self, by: u128, guest_count: u16) -> Result<Answer, Rejection> {
        self.reserve_keyed(by, guest_count, None)
    }

    /// The same with a key.
    pub fn reserve_keyed(
        &mut self,
        by: u128,
        guest_count: u16,
        key: Option<u8>,
    ) -> Result<Answer, Rejection> {
        let reserve = Reserve {
            fresh: RsvpId::from(self.fresh()),
            person: Person::User(UserId::from(Uuid::from_u128(by))),
            name: format!("Person {by} – Ünïcødé '\"\\").into(),
            guest_count,
            special_requirements: by
                .is_multiple_of(2)
                .then(|| "no 🥜, \"quoted\"\nsecond line".into()),
        };
        self.order(by, Command::Reserve(reserve), key)
    }

    /// User `by` cancels its own RSVP.
    pub fn cancel(&mut self, by: u128) -> Result<Answer, Rejection> {
        self.order(by, Command::Cancel(Target::Own), None)
    }

    /// User `by` changes its guests.
    pub fn update(&mut self, by: u128, guest_count: u16) -> Result<Answer, Rejection> {
        let update = Update {
            target: Target::Own,
            guest_count: Some(guest_count),
            special_requirements: None,
            name: None,
        };
        self.order(by, Command::Update(update), None)
    }

    /// The host changes settings.
    pub fn change(&mut self, change: SettingsChange) -> Result<Answer, Rejection> {
        self.order(HOST, Command::Change(Box::new(change)), None)
    }

    /// The batch of all changes so far. The draft goes on without the batch's events.
    pub fn batch(&mut self) -> Batch {
        let counts = self.draft.overview().counts;
        Batch {
            id: BatchId::from(self.fresh()),
            activity: self.activity.id(),
            epoch: self.epoch,
            prev: self.activity.counts().seq,
            head: self.draft.head().clone(),
            waitlisted_parties: counts.waitlisted_parties,
            waitlisted_spots: counts.waitlisted_spots,
            rsvps: self.draft.rows().cloned().collect(),
            events: self.draft.take_events(),
        }
    }

    /// Makes the changes so far part of the state, as after a commit.
    pub fn absorb(&mut self) {
        let fresh = Draft::on(&self.activity);
        self.activity.absorb(std::mem::replace(&mut self.draft, fresh));
        self.draft = Draft::on(&self.activity);
    }

    /// Commits the changes so far, if there are any.
    pub async fn commit_if_changed(&mut self, journal: &dyn Journal) {
        if !self.draft.events().is_empty() {
            self.commit(journal).await;
        }
    }

    /// Commits the changes so far.
    pub async fn commit(&mut self, journal: &dyn Journal) {
        let batch = self.batch();
        let landings = journal
            .commit(std::slice::from_ref(&batch))
            .await
            .expect("the commit succeeds");
        assert_eq!(landings, [Landing::Written]);
        self.absorb();
    }
}

/// What a journal must give back of an activity, in an order of its own.
pub(super) fn contents(activity: &Activity) -> (crate::domain::Head, Vec<Answered>, Vec<Answered>, usize) {
    let mut rsvps: Vec<Answered> = activity.rsvps().collect();
    rsvps.sort_by_key(|answered| answered.rsvp.id);
    (
        activity.head().clone(),
        rsvps,
        activity.waiting().collect(),
        activity.key_count(),
    )
}
