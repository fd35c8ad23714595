//! The host at work: one command after the other, at a steady rate, for as long as people come and want something.

use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use tokio::time::sleep_until;
use uuid::Uuid;

use super::errand::{Errand, Lines};
use super::errands::Errands;
use super::people::Known;
use super::{RulesOptions, Shared};
use crate::clock;
use crate::pace::Pace;
use crate::scene::Scene;
use crate::seen::SeenStatus;
use crate::shared::lock;
use crate::tokens::Person;

/// What the host knows of the activity.
pub(super) struct Hosting {
    seats: u32,
    capacity: u32,
    is_paused: bool,
    errands: Errands,
    random: SmallRng,
}

impl Hosting {
    pub(super) fn new(scene: &Scene, options: &RulesOptions) -> Self {
        Self {
            seats: options.seats,
            capacity: options.seats,
            is_paused: false,
            errands: Errands::new(scene.activity, scene.run_id, 'h', &options.vias),
            random: SmallRng::seed_from_u64(scene.effort.seed ^ 0x4057),
        }
    }

    /// Works until the crowd is content.
    pub(super) async fn work(&mut self, shared: &Shared, lines: &mut Lines, rate: f64) {
        let pace = Pace::starting_now(rate);
        for number in 0.. {
            sleep_until(pace.due(number).at).await;
            if lock(&shared.crowd).is_idle() {
                break;
            }
            if let Some(errand) = self.next(shared) {
                perform(shared, lines, &errand).await;
            }
        }
    }

    /// Pauses the waitlist, so that nothing is offered any more.
    pub(super) async fn pause(&mut self, shared: &Shared, lines: &mut Lines) {
        if !self.is_paused {
            self.is_paused = true;
            let errand = self.errands.set_paused(&shared.scene.host, true);
            perform(shared, lines, &errand).await;
        }
    }

    /// What the host does now; nothing, where nobody is there whom it could be about. A change of the activity always
    /// changes one thing, so that each is one event.
    fn next(&mut self, shared: &Shared) -> Option<Errand> {
        let host = &shared.scene.host;
        if self.is_paused {
            // What is given back meanwhile is for the host alone to give away, and the pause is short.
            match self.random.random_range(0..10) {
                0..3 => return Some(self.turn(host)),
                3..6 => return Some(self.errands.promote_next(host, 1)),
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
                Some(self.errands.check_in(host, &person, rsvp))
            }
            34..44 => {
                let (person, rsvp) = self.pick(shared, confirmed)?;
                Some(self.errands.undo_check_in(host, &person, rsvp))
            }
            44..58 => {
                let count = self.random.random_range(1..=3);
                Some(self.errands.promote_next(host, count))
            }
            58..66 => {
                let who = self.pick_some(shared, 1..=2, waits);
                (!who.is_empty()).then(|| self.errands.promote(host, &who))
            }
            66..76 => {
                let remove = self.pick_some(shared, 1..=2, confirmed);
                let promote = self.pick_some(shared, 0..=1, waits);
                let is_some = !remove.is_empty() || !promote.is_empty();
                is_some.then(|| self.errands.bulk(host, &promote, &remove))
            }
            76..82 => {
                let (person, rsvp) = self.pick(shared, |known| known.status != SeenStatus::Cancelled)?;
                Some(self.errands.remove(host, &person, rsvp))
            }
            82..92 => {
                let room = (self.seats / 10).max(1);
                let (least, most) = (self.seats.saturating_sub(room).max(1), self.seats + room);
                let capacity = self.random.random_range(least..=most);
                if capacity == self.capacity {
                    return None;
                }
                self.capacity = capacity;
                Some(self.errands.set_capacity(host, capacity))
            }
            _ => Some(self.turn(host)),
        }
    }

    /// Pauses the waitlist, or resumes it.
    fn turn(&mut self, host: &Person) -> Errand {
        self.is_paused = !self.is_paused;
        let is_paused = self.is_paused;
        self.errands.set_paused(host, is_paused)
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

async fn perform(shared: &Shared, lines: &mut Lines, errand: &Errand) {
    let stage = &shared.scene.stage;
    let due_us = clock::machine_us();
    lock(&stage.tally).planned += 1;
    let driven = errand.perform(lines, stage, clock::now()).await;
    lock(&shared.crowd).take_in(errand.op, driven, due_us);
}
