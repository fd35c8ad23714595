//! What is to be done next: people arrive in order, and cancels come back in between at their time.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Somebody's next deed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Job {
    /// The person with this index asks for spots.
    Arrive(usize),
    /// The person with this index gives them back.
    Cancel(usize),
}

/// The jobs of a burst.
#[derive(Debug)]
pub struct Queue {
    people: usize,
    arrived: usize,
    handed_out: u64,
    /// Cancels by the number of arrivals that come before them.
    cancels: BinaryHeap<Reverse<(usize, usize)>>,
}

impl Queue {
    /// A burst of this many people.
    pub fn new(people: usize) -> Self {
        Self {
            people,
            arrived: 0,
            handed_out: 0,
            cancels: BinaryHeap::new(),
        }
    }

    /// The next job and its number, from 0; `None` when there is nothing to do now.
    pub fn take(&mut self) -> Option<(Job, u64)> {
        let cancel_is_due = self
            .cancels
            .peek()
            .is_some_and(|Reverse((due, _))| *due <= self.arrived || self.arrived == self.people);
        let job = if cancel_is_due {
            self.cancels.pop().map(|Reverse((_, person))| Job::Cancel(person))
        } else if self.arrived < self.people {
            self.arrived += 1;
            Some(Job::Arrive(self.arrived - 1))
        } else {
            None
        }?;
        let number = self.handed_out;
        self.handed_out += 1;
        Some((job, number))
    }

    /// Puts a cancel at `share` of the arrivals that are still to come.
    pub fn cancel_later(&mut self, person: usize, share: f64) {
        let left = (self.people - self.arrived) as f64;
        self.cancels
            .push(Reverse((self.arrived + (left * share) as usize, person)));
    }

    /// Jobs that nobody has taken up yet.
    pub fn left(&self) -> usize {
        self.people - self.arrived + self.cancels.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drain(queue: &mut Queue) -> Vec<Job> {
        std::iter::from_fn(|| queue.take().map(|(job, _)| job)).collect()
    }

    #[test]
    fn people_arrive_in_order_and_jobs_are_numbered() {
        let mut queue = Queue::new(2);
        assert_eq!(queue.take(), Some((Job::Arrive(0), 0)));
        assert_eq!(queue.take(), Some((Job::Arrive(1), 1)));
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_cancel_comes_between_the_arrivals_that_are_left() {
        let mut queue = Queue::new(4);
        queue.take();
        queue.take();
        queue.cancel_later(0, 0.5);
        queue.cancel_later(1, 0.0);
        assert_eq!(
            drain(&mut queue),
            [Job::Cancel(1), Job::Arrive(2), Job::Cancel(0), Job::Arrive(3)]
        );
    }

    #[test]
    fn a_cancel_that_comes_late_is_done_at_the_end() {
        let mut queue = Queue::new(1);
        queue.take();
        queue.cancel_later(0, 0.9);
        assert_eq!(drain(&mut queue), [Job::Cancel(0)]);
    }
}
