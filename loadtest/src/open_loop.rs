//! An open loop in which nobody waits at a line: people come at a rate that is set beforehand, whatever becomes of those
//! before them, and whoever is told to come again goes away, comes again at their time, and gives up when their patience
//! is over.
//!
//! It owns the schedule and how well it is kept. People take turns in reserving and cancelling, so that an activity does
//! not grow for as long as it goes on. Over REST lines belong to nobody; over WebSockets each is one person's.

mod counted;
#[cfg(test)]
mod tests;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

pub(crate) use self::counted::Counted;
use crate::attempt::{Tried, count_try};
use crate::client::TransportError;
use crate::clock;
use crate::drive::{Deed, Given, Sendings, Sent, Stage};
use crate::history::{Asker, Outcome, Record};
use crate::line::{Knock, Put, Said};
use crate::shared::lock;
use crate::tokens::Person;

/// The pause before coming again where the server asks for none; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
/// The refusals after which it is certain that nothing was done.
const NOTHING_DONE: [&str; 2] = ["overloaded", "draining"];

/// An activity in which people take turns, and how far each of them has come there.
#[derive(Debug)]
pub(crate) struct Turns {
    pub(crate) activity: Uuid,
    /// Who has nothing under way there, and how many turns they have had.
    free: VecDeque<(usize, u64)>,
    /// Those of whoever is bound to a line.
    had: Vec<u64>,
    /// Commands that are under way or to come again.
    pub(crate) open: usize,
}

/// One command on its way to an answer.
struct Job {
    /// Which of the activities, and which phase.
    turns: u64,
    phase: usize,
    activity: Uuid,
    index: usize,
    turn: u64,
    deed: Deed,
    key: String,
    /// When it should have been asked first, and when this try is due.
    first_due: Instant,
    due: Instant,
    pause: Duration,
    is_retry: bool,
    sent: Sent,
}

/// A job that comes again, perhaps with the line that is its person's.
struct Again<L>(Job, Option<L>);

/// A job that was tried, with its line.
struct Back<L> {
    job: Job,
    line: L,
    tried: Result<Tried<Said>, TransportError>,
    asked: Instant,
}

/// The loop, with everything that is between its phases.
pub(crate) struct OpenLoop<L> {
    stage: Arc<Stage>,
    people: Arc<Vec<Person>>,
    run_id: Uuid,
    patience: Duration,
    /// Whether each line is one person's.
    bound: bool,
    /// Lines that nobody uses, and whose they are if they are somebody's. The last one is used first, so that no more are
    /// used than needed.
    idle: Vec<(Option<usize>, L)>,
    again: BinaryHeap<Reverse<(Instant, u64)>>,
    waiting: BTreeMap<u64, Again<L>>,
    under_way: usize,
    /// By their number; those that are over are taken out by whoever judges them.
    turns: BTreeMap<u64, Turns>,
    serial: u64,
    jitter: SmallRng,
    /// Holds no more than there are lines.
    back: (UnboundedSender<Back<L>>, UnboundedReceiver<Back<L>>),
    /// Those that are kept, and how many before them are not.
    phases: Vec<Counted>,
    forgotten: usize,
    records: Vec<(u64, Record)>,
}

impl<L: Knock> OpenLoop<L> {
    /// Lines that are open. Where `bound`, the first line is the first person's, and so on.
    pub(crate) fn new(
        stage: Arc<Stage>,
        people: Arc<Vec<Person>>,
        run_id: Uuid,
        lines: Vec<L>,
        bound: bool,
        patience: Duration,
        seed: u64,
    ) -> Self {
        let lines = lines.into_iter().enumerate();
        Self {
            stage,
            people,
            run_id,
            patience,
            bound,
            idle: lines
                .map(|(index, line)| (bound.then_some(index), line))
                .collect(),
            again: BinaryHeap::new(),
            waiting: BTreeMap::new(),
            under_way: 0,
            turns: BTreeMap::new(),
            serial: 0,
            jitter: SmallRng::seed_from_u64(seed),
            back: unbounded_channel(),
            phases: Vec::new(),
            forgotten: 0,
            records: Vec::new(),
        }
    }

    /// From now on people come to this activity, to which nobody has come before.
    pub(crate) fn go_to(&mut self, number: u64, activity: Uuid) {
        let people = self.people.len();
        self.turns.insert(
            number,
            Turns {
                activity,
                free: (0..people).map(|index| (index, 0)).collect(),
                had: vec![0; people],
                open: 0,
            },
        );
    }

    /// The activities to which nobody comes any more and about which nothing is open, taken out.
    pub(crate) fn over(&mut self) -> Vec<u64> {
        let Some((last, _)) = self.turns.last_key_value() else {
            return Vec::new();
        };
        let last = *last;
        let is_over = |number: &u64, turns: &Turns| *number != last && turns.open == 0;
        let over: Vec<u64> = self
            .turns
            .iter()
            .filter(|(number, turns)| is_over(number, turns))
            .map(|(number, _)| *number)
            .collect();
        self.turns.retain(|number, turns| !is_over(number, turns));
        over
    }

    /// The records since the last time, with the number of their activity.
    pub(crate) fn take_records(&mut self) -> Vec<(u64, Record)> {
        std::mem::take(&mut self.records)
    }

    /// What was counted of every phase that is kept.
    pub(crate) fn phases(&self) -> &[Counted] {
        &self.phases
    }

    /// Keeps the latest phase alone. What is still to be answered of those before counts for it.
    pub(crate) fn forget_phases(&mut self) {
        let forgotten = self.phases.len().saturating_sub(1);
        self.phases.drain(..forgotten);
        self.forgotten += forgotten;
    }

    /// Of the phase with this number, or of the first that is kept.
    fn counted(&mut self, phase: usize) -> &mut Counted {
        &mut self.phases[phase.saturating_sub(self.forgotten)]
    }

    /// The number of the phase that goes on.
    fn current(&self) -> usize {
        self.forgotten + self.phases.len() - 1
    }

    /// A phase: new people come at `rate` per second for `duration`. Whoever came before goes on. `note` is called now and
    /// then with the loop, a few times a second, to take what is there.
    pub(crate) async fn phase(&mut self, rate: f64, duration: Duration, mut note: impl FnMut(&mut Self)) {
        self.phases.push(Counted {
            began_unix_ms: clock::unix_ms(),
            ..Counted::default()
        });
        let began = clock::now();
        let end = began + duration;
        let mut number = 0_u64;
        let due = |number: u64| began + Duration::from_secs_f64(number as f64 / rate);
        let mut next_note = began;
        loop {
            let now = clock::now();
            if now >= next_note {
                note(self);
                next_note = now + Duration::from_millis(200);
            }
            if now >= end {
                break;
            }
            // Whoever waits already is served before whoever is new.
            self.come_again(now);
            let mut is_held_up = false;
            while due(number) <= now && due(number) < end && !is_held_up {
                is_held_up = !self.come(due(number));
                number += u64::from(!is_held_up);
            }
            let next_due = due(number).max(now + Duration::from_micros(1));
            // While no line or nobody is free, only somebody who comes back helps.
            let next = if is_held_up {
                next_note
            } else {
                next_due.min(next_note)
            };
            self.wait(next.min(end)).await;
        }
        let planned = (rate * duration.as_secs_f64()).floor() as u64;
        let phase = self.current();
        self.counted(phase).unasked = planned.saturating_sub(number);
        note(self);
    }

    /// Nobody new comes, and everybody else goes on until an answer, or until their patience is over.
    pub(crate) async fn finish(&mut self, mut note: impl FnMut(&mut Self)) {
        while self.under_way + self.waiting.len() > 0 {
            self.come_again(clock::now());
            self.wait(clock::now() + Duration::from_millis(200)).await;
            note(self);
        }
    }

    /// Until `until`, or until somebody is back or has to come again. Everybody who is back by then is looked after.
    async fn wait(&mut self, until: Instant) {
        let again = self.again.peek().map(|Reverse((due, _))| *due);
        let until = match again.filter(|_| !self.idle.is_empty() || self.waits_with_line()) {
            Some(again) => again.min(until),
            None => until,
        };
        tokio::select! {
            biased;
            back = self.back.1.recv() => {
                if let Some(back) = back {
                    self.look_after(back);
                }
            }
            () = sleep_until(until) => {}
        }
        while let Ok(back) = self.back.1.try_recv() {
            self.look_after(back);
        }
    }

    /// Whether whoever comes again next has a line of their own.
    fn waits_with_line(&self) -> bool {
        let next = self
            .again
            .peek()
            .and_then(|Reverse((_, serial))| self.waiting.get(serial));
        next.is_some_and(|Again(_, line)| line.is_some())
    }

    /// Somebody new comes; `false` where there is no line or nobody is free.
    fn come(&mut self, due: Instant) -> bool {
        let Some(mut entry) = self.turns.last_entry() else {
            return false;
        };
        let number = *entry.key();
        let turns = entry.get_mut();
        let Some((owner, line)) = self.idle.pop() else {
            return false;
        };
        let (index, turn) = match owner {
            Some(index) => {
                turns.had[index] += 1;
                (index, turns.had[index] - 1)
            }
            None => match turns.free.pop_front() {
                Some(next) => next,
                None => {
                    self.idle.push((owner, line));
                    return false;
                }
            },
        };
        turns.open += 1;
        let activity = turns.activity;
        self.serial += 1;
        let phase = self.current();
        self.counted(phase).came += 1;
        lock(&self.stage.tally).planned += 1;
        let job = Job {
            turns: number,
            phase,
            activity,
            index,
            turn,
            deed: match turn % 2 {
                0 => Deed::Reserve { guest_count: 0 },
                _ => Deed::Cancel,
            },
            key: format!("{}-{}", self.run_id.simple(), self.serial),
            first_due: due,
            due,
            pause: FIRST_PAUSE,
            is_retry: false,
            sent: None,
        };
        self.send(job, line);
        true
    }

    /// Whoever has to come again by now does so, as far as there are lines.
    fn come_again(&mut self, now: Instant) {
        while let Some(Reverse((due, serial))) = self.again.peek().copied() {
            let has_line = self
                .waiting
                .get(&serial)
                .is_some_and(|Again(_, line)| line.is_some());
            if due > now || (!has_line && self.idle.is_empty()) {
                break;
            }
            self.again.pop();
            let Some(Again(job, line)) = self.waiting.remove(&serial) else {
                continue;
            };
            let line = line.or_else(|| self.idle.pop().map(|(_, line)| line));
            if let Some(line) = line {
                self.send(job, line);
            }
        }
    }

    fn send(&mut self, mut job: Job, mut line: L) {
        self.under_way += 1;
        let phase = self.counted(job.phase);
        phase.tries += 1;
        phase
            .lateness
            .record(clock::now().saturating_duration_since(job.due));
        let (stage, people) = (Arc::clone(&self.stage), Arc::clone(&self.people));
        let back = self.back.0.clone();
        tokio::spawn(async move {
            let mut sendings = Sendings::going_on(&stage, job.sent);
            let asked = clock::now();
            let put = Put {
                activity: job.activity,
                person: &people[job.index],
                deed: job.deed,
                key: &job.key,
            };
            let tried = line.knock(&put, || sendings.note()).await;
            job.sent = sendings.so_far();
            // The loop is gone only where the run is.
            let _ = back.send(Back {
                job,
                line,
                tried,
                asked,
            });
        });
    }

    fn look_after(&mut self, back: Back<L>) {
        let Back {
            job,
            line,
            tried,
            asked,
        } = back;
        self.under_way -= 1;
        count_try(&mut lock(&self.stage.tally), job.is_retry, &tried);
        let now = clock::now();
        match tried {
            Ok(Tried::Final(said)) => self.settle(&job, line, Some(said), true),
            Ok(Tried::Refused { code, pause }) => {
                let phase = self.counted(job.phase);
                phase.refused_latency.record(now - asked);
                phase.course.refused(clock::unix_ms());
                let nothing_done = NOTHING_DONE.contains(&&*code);
                *phase.refusals.entry(code).or_default() += 1;
                self.put_off(job, line, pause, nothing_done);
            }
            Ok(Tried::Faulty { pause, .. }) => self.put_off(job, line, pause, false),
            Err(_) => self.put_off(job, line, None, false),
        }
    }

    /// Comes again after a while, or gives up.
    fn put_off(&mut self, mut job: Job, line: L, pause: Option<Duration>, nothing_done: bool) {
        let pause = pause
            .unwrap_or(job.pause)
            .mul_f64(1.0 + self.jitter.random_range(0.0..0.5));
        let due = clock::now() + pause;
        if due >= job.first_due + self.patience {
            self.counted(job.phase).gave_up += 1;
            lock(&self.stage.tally).planned -= u64::from(nothing_done);
            self.settle(&job, line, None, !nothing_done);
            return;
        }
        job.due = due;
        job.pause *= 2;
        job.is_retry = true;
        self.serial += 1;
        self.again.push(Reverse((due, self.serial)));
        let kept = if self.bound {
            Some(line)
        } else {
            self.idle.push((None, line));
            None
        };
        self.waiting.insert(self.serial, Again(job, kept));
    }

    /// It is over with this command, one way or the other. Nothing is noted of one that certainly was not done.
    fn settle(&mut self, job: &Job, line: L, said: Option<Said>, is_noted: bool) {
        let person = &self.people[job.index];
        let was_final = said.is_some();
        if is_noted {
            let given = Given {
                command: job.deed.command(person),
                asker: Asker::Own,
                name: person.name.clone(),
            };
            let sendings = Sendings::going_on(&self.stage, job.sent);
            let record = sendings.settle(said, given, job.first_due).record;
            self.count(job, &record);
            self.records.push((job.turns, record));
        }
        self.idle.push((self.bound.then_some(job.index), line));
        if let Some(turns) = self.turns.get_mut(&job.turns) {
            turns.open -= 1;
            if !is_noted {
                // Nothing was done, so the next time is the same turn.
                turns.had[job.index] = job.turn;
            }
            if !self.bound && (was_final || !is_noted) {
                turns.free.push_back((job.index, job.turn + u64::from(was_final)));
            }
        }
    }

    fn count(&mut self, job: &Job, record: &Record) {
        let current = self.current();
        let latency = clock::now() - job.first_due;
        match &record.outcome {
            Outcome::Acknowledged { .. } => {
                self.counted(current).carried_out_meanwhile += 1;
                let phase = self.counted(job.phase);
                phase.acknowledged += 1;
                phase.acknowledged_latency.record(latency);
                phase.course.acknowledged(clock::unix_ms(), latency, None);
            }
            Outcome::Rejected { .. } => {
                let phase = self.counted(job.phase);
                phase.rejected += 1;
                phase.course.rejected(clock::unix_ms());
            }
            Outcome::Unanswered | Outcome::Changed { .. } => {}
        }
    }
}
