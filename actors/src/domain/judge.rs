//! One command from judgement to answer, on a draft.

use super::activity::Activity;
use super::command::{Command, GroupMode, KeyUse, Request, ReserveGroup, Target};
use super::decide::{decide, decide_each, meant, open_for_each, permit};
use super::draft::{Draft, State};
use super::event::{Actor, Answer, Answered, Event, Fact, Keyed, Outcome, Promoted, Snapshot, Told, Why};
use super::ids::Seq;
use super::person::Who;
use super::rejection::Rejection;
use super::rsvp_table::Slot;
use super::scan::{Terms, scan};
use super::time::Timestamp;

/// What became of a command.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Judgement {
    /// It was accepted; its events, if it has any, are in the draft.
    Accepted(Answer),
    /// It was refused and has changed nothing.
    Rejected(Rejection),
    /// Its key may have been seen before: these events tell. Whoever holds the journal looks them up and
    /// judges the command again, see [`KeyCheck`].
    Recall(Vec<Seq>),
}

/// What is known of a command's key beyond the draft.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyCheck<'a> {
    /// Nothing yet.
    Unchecked,
    /// The journal's first so many events that may have recorded this key were looked at: none did.
    Unknown(usize),
    /// The journal's event that recorded this key.
    Recorded(&'a Keyed),
}

impl Draft {
    /// Judges one command on top of the changes so far, and applies what it leads to.
    ///
    /// The command is judged by its stamp, but never by an earlier one than that of the event before it.
    pub fn judge(&mut self, base: &Activity, request: &Request, check: KeyCheck<'_>) -> Judgement {
        match self.try_judge(base, request, check) {
            Ok(judgement) => judgement,
            Err(rejection) => Judgement::Rejected(rejection),
        }
    }

    fn try_judge(
        &mut self,
        base: &Activity,
        request: &Request,
        check: KeyCheck<'_>,
    ) -> Result<Judgement, Rejection> {
        let state = State { base, draft: self };
        permit(state, request)?;
        if let Some(replay) = request
            .key
            .map(|key| replay(state, key, check))
            .transpose()?
            .flatten()
        {
            return Ok(replay);
        }
        let now = request.at.max(self.head.stamped_at);
        let mut step = Step {
            base,
            draft: self,
            request,
            now,
            events: Vec::new(),
        };
        let told = match &request.command {
            Command::ReserveGroup(group) if group.mode == GroupMode::Each => step.each(group)?,
            _ => step.whole()?,
        };
        if !step.events.is_empty() {
            step.scan();
        }
        let events = step.events;
        let state = State { base, draft: self };
        let answer = Answer {
            seq: self.head.seq,
            replayed: false,
            changed: !events.is_empty(),
            told: told.map(|slot| state.answered(slot)),
        };
        self.keep(events, request.key, &answer);
        Ok(Judgement::Accepted(answer))
    }

    /// Keeps the events, the first of them with the key and the answer that belongs to it.
    fn keep(&mut self, events: Vec<Event>, key: Option<KeyUse>, answer: &Answer) {
        let mut keyed = key.map(|key| {
            Box::new(Keyed {
                key,
                outcome: Outcome {
                    seq: answer.seq,
                    told: answer.told.as_ref().map(Snapshot::of),
                },
            })
        });
        for event in events {
            self.record(Event {
                keyed: keyed.take(),
                ..event
            });
        }
    }
}

/// A command being carried out.
struct Step<'a> {
    base: &'a Activity,
    draft: &'a mut Draft,
    request: &'a Request,
    now: Timestamp,
    events: Vec<Event>,
}

impl Step<'_> {
    fn state(&self) -> State<'_> {
        State {
            base: self.base,
            draft: self.draft,
        }
    }

    /// A command that is carried out as a whole or not at all, and the RSVPs that it is answered with.
    fn whole(&mut self) -> Result<Told<Slot>, Rejection> {
        let facts = decide(self.state(), self.request, self.now)?;
        for fact in facts {
            self.enact(fact);
        }
        Ok(self.told())
    }

    /// Several who come in each for themselves: who does counts for those who are judged next.
    fn each(&mut self, group: &ReserveGroup) -> Result<Told<Slot>, Rejection> {
        open_for_each(self.state(), self.request, self.now)?;
        let mut results = Vec::with_capacity(group.members.len());
        for member in &group.members {
            let fact = decide_each(self.state(), self.request, member, self.now);
            results.push(fact.map(|fact| {
                self.enact(fact);
                let slot = self.state().find_person(&member.person);
                slot.expect("whoever has come in is there")
            }));
        }
        Ok(Told::Each(results))
    }

    /// The promotions that the command leads to: the end of every command that has changed something.
    fn scan(&mut self) {
        let head = self.draft.head();
        if self.draft.waitlist.is_empty() || !head.promotes_at(self.now) {
            return;
        }
        let terms = Terms {
            free: head.free_spots(),
            capacity: head.settings.capacity,
            patience: head.settings.patience,
        };
        let offer_expires_at = head.settings.offer_made_at(self.now);
        for promotion in scan(&mut self.draft.waitlist.clone(), terms) {
            for member in self.state().party(promotion.party.lead) {
                let rsvp = self.state().row(member);
                let promoted = Promoted {
                    rsvp: rsvp.id,
                    ticket: rsvp.ticket,
                    spots: rsvp.spots(),
                    offer_expires_at,
                    why: promotion.past.map_or(Why::Turn, Why::Past),
                };
                self.enact(Fact::Promoted(promoted));
            }
        }
    }

    fn enact(&mut self, fact: Fact) {
        let event = Event {
            seq: self.draft.head.seq.next(),
            at: self.now,
            actor: self.actor(&fact),
            fact,
            keyed: None,
        };
        self.draft.enact(self.base, &event);
        self.events.push(event);
    }

    fn actor(&self, fact: &Fact) -> Actor {
        match &self.request.by.who {
            Who::User(user) => Actor::User(*user),
            Who::Guest { rsvp, .. } => Actor::Guest(*rsvp),
            // Known by the RSVP that they get.
            Who::Visitor(_) => fact.rsvp().map_or(Actor::System, Actor::Guest),
            Who::System => Actor::System,
        }
    }

    /// The RSVPs that the command, whose events have just been applied, is answered with.
    fn told(&self) -> Told<Slot> {
        let state = self.state();
        let by = &self.request.by;
        let target = |target| meant(state, by, target).map_or(Told::Nothing, Told::One);
        let changed = || {
            let rsvps = self.events.iter().filter_map(|event| event.fact.rsvp());
            Told::Several(rsvps.filter_map(|rsvp| state.find(rsvp)).collect())
        };
        match &self.request.command {
            Command::Reserve(reserve) => state
                .find_person(&reserve.person)
                .map_or(Told::Nothing, Told::One),
            Command::Update(update) => target(&update.target),
            Command::Cancel(which) | Command::Accept(which) | Command::Decline(which) => target(which),
            Command::CheckIn(check_in) => target(&Target::Rsvp(check_in.rsvp)),
            Command::UndoCheckIn(rsvp) => target(&Target::Rsvp(*rsvp)),
            Command::ReserveGroup(_) | Command::Transfer(_) | Command::Reassign(_) => changed(),
            Command::Change(_) | Command::CancelActivity | Command::ExpireOffers => Told::Nothing,
        }
    }
}

/// The earlier answer to this key, a hint where it may be found, or nothing if the key is new.
fn replay(state: State<'_>, key: KeyUse, check: KeyCheck<'_>) -> Result<Option<Judgement>, Rejection> {
    if let Some(seen) = state.draft.keyed.get(&key.digest) {
        return repeat(state, key, seen.fingerprint, &seen.outcome).map(Some);
    }
    match check {
        KeyCheck::Recorded(keyed) => repeat(state, key, keyed.key.fingerprint, &keyed.outcome).map(Some),
        KeyCheck::Unchecked => Ok(recall(state, key, 0)),
        // The same key may have been recorded since.
        KeyCheck::Unknown(looked_at) => Ok(recall(state, key, looked_at)),
    }
}

/// Where the key may have been recorded, if that is in more places than were looked at.
fn recall(state: State<'_>, key: KeyUse, looked_at: usize) -> Option<Judgement> {
    let hints = state.base.keys.find(key.digest.hash());
    (hints.len() > looked_at).then_some(Judgement::Recall(hints))
}

fn repeat(
    state: State<'_>,
    key: KeyUse,
    fingerprint: u64,
    outcome: &Outcome,
) -> Result<Judgement, Rejection> {
    if key.fingerprint != fingerprint {
        return Err(Rejection::KeyReused);
    }
    let told = outcome.told.clone();
    Ok(Judgement::Accepted(Answer {
        seq: outcome.seq,
        replayed: true,
        changed: true,
        told: told.map(|snapshot| restored(state, snapshot)),
    }))
}

fn restored(state: State<'_>, snapshot: Snapshot) -> Answered {
    let slot = state
        .find(snapshot.id)
        .expect("a recorded answer names an RSVP of this activity");
    snapshot.restore(state.row(slot).clone())
}
