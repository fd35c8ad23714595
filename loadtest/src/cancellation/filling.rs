//! An activity with very many RSVPs: filling it as fast as it goes, and cancelling it.

use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::attempt::{Attempts, Final};
use crate::client::{Method, Request};
use crate::clock;
use crate::host::{Host, HostError, NewActivity, open_settings};
use crate::report::CancelledBeside;
use crate::run::{ActivityFinding, Effort, RunError, Server, open_all, rsvp_path};
use crate::seen::{SeenActivity, SeenAnswer, SeenTold};
use crate::shared::{SharedTally, lock};
use crate::tokens::{Mint, Person};
use crate::verdict::Finding;

/// How many people one booking brings, at the most: as many as the contract allows.
const AT_ONCE: u32 = 100;

/// A full activity.
pub(super) struct Filled {
    activity: Uuid,
    rsvps: u32,
    host: Person,
    /// Somebody who comes too late.
    late: Person,
    line: Attempts,
    run_id: Uuid,
    filled_in: Duration,
    around: SharedTally,
}

/// One that is cancelled, and how it was shown then.
pub(super) struct Cancelled {
    pub(super) beside: CancelledBeside,
    shown: SeenActivity,
    confirmed: u64,
    filled: Filled,
}

impl Cancelled {
    /// What is wrong with how it is shown, then and now.
    pub(super) async fn findings(self) -> Result<Vec<ActivityFinding>, RunError> {
        let Self {
            shown,
            confirmed,
            mut filled,
            ..
        } = self;
        let mut host = Host::new(&mut filled.line, &filled.host);
        let waiting = host.total(filled.activity, "waitlisted").await?;
        let cancelled = host.total(filled.activity, "cancelled").await?;
        let late = filled.come_late().await;
        let zero = || "0".to_owned();
        let counts = &shown.counts;
        let checks = [
            ("the status of the activity", shown.status, "cancelled".to_owned()),
            ("confirmed_spots", counts.confirmed_spots.to_string(), zero()),
            (
                "waitlisted_parties",
                counts.waitlisted_parties.to_string(),
                zero(),
            ),
            ("the total of confirmed RSVPs", confirmed.to_string(), zero()),
            ("the total of waiting RSVPs", waiting.to_string(), zero()),
            (
                "the total of cancelled RSVPs",
                cancelled.to_string(),
                filled.rsvps.to_string(),
            ),
            ("the answer to a newcomer", late, "activity_cancelled".to_owned()),
        ];
        let wrong = checks.into_iter().filter(|(_, said, expected)| said != expected);
        let findings = wrong.map(|(what, said, expected)| ActivityFinding {
            activity: filled.activity.to_string(),
            finding: Finding::NotCancelled { what, said, expected },
        });
        Ok(findings.collect())
    }
}

/// What those share who fill it.
struct Work {
    activity: Uuid,
    booker: Person,
    run_id: Uuid,
    /// Who is booked for together.
    bookings: Mutex<Vec<Range<u32>>>,
}

impl Filled {
    /// Makes an activity and fills it over all connections.
    pub(super) async fn with(server: &Server, effort: &Effort, rsvps: u32) -> Result<Self, RunError> {
        let run_id = clock::run_id();
        let mint = Mint::new(&server.secret, clock::unix_s());
        let host = mint.host(run_id)?;
        let around = SharedTally::default();
        let mut lines = effort.backstage(&server.target, &around);
        open_all(&mut lines).await?;
        let settings = open_settings((rsvps / 2).max(1));
        let title = format!("To be cancelled with {rsvps} RSVPs");
        let activity = Host::new(&mut lines[0], &host)
            .create(&NewActivity::of(title, &settings), &format!("full-{run_id}"))
            .await?;
        let work = Arc::new(Work {
            activity,
            booker: mint.member(effort.seed, 0)?,
            run_id,
            bookings: Mutex::new(bookings(rsvps)),
        });
        let started = clock::now();
        let mut tasks = JoinSet::new();
        for line in lines {
            tasks.spawn(fill(line, Arc::clone(&work)));
        }
        while let Some(ended) = tasks.join_next().await {
            ended??;
        }
        let filled_in = clock::now() - started;
        let mut line = effort.backstage(&server.target, &around).swap_remove(0);
        line.open()
            .await
            .map_err(|source| RunError::Connect { connected: 0, source })?;
        let late = mint.member(effort.seed, 1)?;
        Ok(Self {
            activity,
            rsvps,
            host,
            late,
            line,
            run_id,
            filled_in,
            around,
        })
    }

    /// What was counted while it was filled.
    pub(super) fn around(&self) -> &SharedTally {
        &self.around
    }

    /// Cancels it, and looks at once whether it is shown so. What costs the server more is looked at afterwards.
    pub(super) async fn cancel(mut self) -> Result<Cancelled, RunError> {
        let asked = clock::now();
        let mut host = Host::new(&mut self.line, &self.host);
        host.cancel(self.activity, &format!("cancel-{}", self.run_id))
            .await?;
        let answered = clock::now();
        let shown = host.shown(self.activity).await?;
        let shown_at = clock::now();
        let confirmed = host.total(self.activity, "confirmed").await?;
        let listed_at = clock::now();
        let ms = |from: Instant, to: Instant| (to - from).as_secs_f64() * 1_000.0;
        Ok(Cancelled {
            beside: CancelledBeside {
                filled_in_s: self.filled_in.as_secs_f64(),
                answered_ms: ms(asked, answered),
                shown_ms: ms(answered, shown_at),
                listed_ms: ms(shown_at, listed_at),
            },
            shown,
            confirmed,
            filled: self,
        })
    }

    /// What a newcomer is told.
    async fn come_late(&mut self) -> String {
        let key = format!("late-{}", self.run_id);
        let request = Request {
            method: Method::Post,
            path: &rsvp_path(self.activity),
            token: Some(&self.late.token),
            key: Some(&key),
            body: "{}",
        };
        match self.line.until_final(&request).await {
            Some(Final::Done(head)) => head.status.to_string(),
            Some(Final::Rejected { code, .. }) => code,
            None => "nothing".to_owned(),
        }
    }
}

/// People by their numbers, as many together as may be; a booking is for two at least.
fn bookings(people: u32) -> Vec<Range<u32>> {
    let (mut bookings, mut from) = (Vec::new(), 0);
    while from < people {
        let many = match people - from {
            left if left == AT_ONCE + 1 => AT_ONCE - 1,
            left => left.min(AT_ONCE),
        };
        bookings.push(from..from + many);
        from += many;
    }
    bookings
}

/// Books for a hundred people at a time until all are there.
async fn fill(mut line: Attempts, work: Arc<Work>) -> Result<(), HostError> {
    let path = format!("/api/v1/activities/{}/rsvps/bulk", work.activity);
    loop {
        // The lock is gone before anything is awaited.
        let next = lock(&work.bookings).pop();
        let Some(booking) = next else { return Ok(()) };
        let from = booking.start;
        let attendees: Vec<Value> = booking
            .map(|number| json!({"name": format!("Person {number}"), "email": format!("p{number}@example.org")}))
            .collect();
        let how_many = attendees.len();
        let body = json!({"mode": "each", "attendees": attendees}).to_string();
        let key = format!("{}-{from}", work.run_id.simple());
        let request = Request {
            method: Method::Post,
            path: &path,
            token: Some(&work.booker.token),
            key: Some(&key),
            body: &body,
        };
        let what = || "filling an activity".to_owned();
        match line.until_final(&request).await {
            Some(Final::Done(_)) => {
                let answer: SeenAnswer = serde_json::from_slice(line.body())
                    .map_err(|source| HostError::Unreadable { what: what(), source })?;
                let came_in = match &answer.told {
                    SeenTold::Each(_) => answer.told.rsvps().len(),
                    SeenTold::One(_) | SeenTold::Several(_) => 0,
                };
                if came_in != how_many {
                    return Err(HostError::Refused {
                        what: what(),
                        status: 200,
                        code: format!("{} of {how_many} did not come in", how_many - came_in),
                    });
                }
            }
            Some(Final::Rejected { status, code }) => {
                return Err(HostError::Refused {
                    what: what(),
                    status,
                    code,
                });
            }
            None => {
                let why = line.last_error().map(str::to_owned);
                return Err(HostError::Unanswered { what: what(), why });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_booked_for_once_and_nobody_alone() {
        for people in [2, 99, 100, 101, 102, 201, 1_000] {
            let bookings = bookings(people);
            let booked: Vec<u32> = bookings.iter().cloned().flatten().collect();
            assert_eq!(booked, (0..people).collect::<Vec<_>>());
            assert!(
                bookings.iter().all(|booking| (2..=100).contains(&booking.len())),
                "{people}"
            );
        }
    }
}
