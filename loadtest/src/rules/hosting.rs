//! The host at work: one command after the other, at a steady rate, for as long as people come and want something.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep_until;
use uuid::Uuid;

use super::errand::{Errand, Errands};
use super::people::Known;
use super::{RulesOptions, Shared};
use crate::attempt::Attempts;
use crate::clock;
use crate::pace::Pace;
use crate::seen::SeenStatus;
use crate::shared::lock;
use crate::tokens::Person;

/// What the host knows of the activity.
pub(super) struct Hosting {
    seats: u32,
    capacity: u32,
    is_paused: bool,
    errands: Option<Errands>,
    random: SmallRng,
}

impl Hosting {
    pub(super) fn new(options: &RulesOptions, seed: u64) -> Self {
        Self {
            seats: options.seats,
            capacity: options.seats,
            is_paused: false,
            errands: None,
            random: SmallRng::seed_from_u64(seed ^ 0x4057),
        }
    }

    /// Works until the crowd is content, and gives the connection back.
    pub(super) async fn work(&mut self, shared: &Shared, mut line: Attempts, rate: f64) -> Attempts {
        let pace = Pace::starting_now(rate);
        for number in 0.. {
            sleep_until(pace.due(number).at).await;
            if lock(&shared.crowd).is_idle() {
                break;
            }
            if let Some(errand) = self.next(shared) {
                perform(shared, &mut line, &errand).await;
            }
        }
        line
    }

    /// Pauses the waitlist, so that nothing is offered any more.
    pub(super) async fn pause(&mut self, shared: &Shared, line: &mut Attempts) {
        if !self.is_paused {
            self.is_paused = true;
            let errand = self.errands(shared).set_paused(&shared.scene.host, true);
            perform(shared, line, &errand).await;
        }
    }

    fn errands(&mut self, shared: &Shared) -> &mut Errands {
        let scene = &shared.scene;
        self.errands
            .get_or_insert_with(|| Errands::new(scene.activity, scene.run_id, 'h'))
    }

    /// What the host does now; nothing, where nobody is there whom it could be about. A change of the activity always
    /// changes one thing, so that each is one event.
    fn next(&mut self, shared: &Shared) -> Option<Errand> {
        let host = &shared.scene.host;
        if self.is_paused {
            // What is given back meanwhile is for the host alone to give away, and the pause is short.
            match self.random.random_range(0..10) {
                0..3 => return Some(self.turn(shared, host)),
                3..6 => return Some(self.errands(shared).promote_next(host, 1)),
                _ => {}
            }
        }
        let confirmed = |known: &Known| known.status == SeenStatus::Confirmed;
        let waits = |known: &Known| known.status == SeenStatus::Waitlisted;
        match self.random.random_range(0..100) {
            0..34 => {
                // Now and then somebody who may not come in yet, or not any more.
                let anybody = self.random.random_bool(0.1);
                let (person, rsvp) = self.pick(shared, |known| anybody || confirmed(known))?;
                Some(self.errands(shared).check_in(host, &person, rsvp))
            }
            34..44 => {
                let (person, rsvp) = self.pick(shared, confirmed)?;
                Some(self.errands(shared).undo_check_in(host, &person, rsvp))
            }
            44..58 => {
                let count = self.random.random_range(1..=3);
                Some(self.errands(shared).promote_next(host, count))
            }
            58..66 => {
                let who = self.pick_some(shared, 1..=2, waits);
                (!who.is_empty()).then(|| self.errands(shared).promote(host, &who))
            }
            66..76 => {
                let remove = self.pick_some(shared, 1..=2, confirmed);
                let promote = self.pick_some(shared, 0..=1, waits);
                let is_some = !remove.is_empty() || !promote.is_empty();
                is_some.then(|| self.errands(shared).bulk(host, &promote, &remove))
            }
            76..82 => {
                let (person, rsvp) = self.pick(shared, |known| known.status != SeenStatus::Cancelled)?;
                Some(self.errands(shared).remove(host, &person, rsvp))
            }
            82..92 => {
                let room = (self.seats / 10).max(1);
                let (least, most) = (self.seats.saturating_sub(room).max(1), self.seats + room);
                let capacity = self.random.random_range(least..=most);
                if capacity == self.capacity {
                    return None;
                }
                self.capacity = capacity;
                Some(self.errands(shared).set_capacity(host, capacity))
            }
            _ => Some(self.turn(shared, host)),
        }
    }

    /// Pauses the waitlist, or resumes it.
    fn turn(&mut self, shared: &Shared, host: &Person) -> Errand {
        self.is_paused = !self.is_paused;
        let is_paused = self.is_paused;
        self.errands(shared).set_paused(host, is_paused)
    }

    fn pick(&mut self, shared: &Shared, fits: impl Fn(&Known) -> bool) -> Option<(String, Uuid)> {
        lock(&shared.crowd).people.pick(&mut self.random, fits)
    }

    fn pick_some(
        &mut self,
        shared: &Shared,
        how_many: std::ops::RangeInclusive<u32>,
        fits: impl Fn(&Known) -> bool,
    ) -> Vec<(String, Uuid)> {
        let how_many = self.random.random_range(how_many);
        (0..how_many).filter_map(|_| self.pick(shared, &fits)).collect()
    }
}

async fn perform(shared: &Shared, line: &mut Attempts, errand: &Errand) {
    let stage = &shared.scene.stage;
    let due_us = clock::machine_us();
    lock(&stage.tally).planned += 1;
    let driven = errand.perform(line, stage, clock::now()).await;
    lock(&shared.crowd).take_in(errand.op, driven, due_us);
}
