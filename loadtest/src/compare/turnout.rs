//! Turnout in a comparison: a server on one kind of database, its activities, and the whole verdict on them.

use std::path::Path;
use std::sync::Arc;

use indicatif::ProgressBar;
use tokio::task::spawn_blocking;
use uuid::Uuid;

use super::opening::Kept;
use super::{CompareError, Contest};
use crate::attempt::Attempts;
use crate::burst::{self, BurstOptions};
use crate::drive::Deed;
use crate::history::{Asker, History, Outcome, Record};
use crate::host::{Host, NewActivity, open_settings};
use crate::line::{Said, said};
use crate::run::{ActivityFinding, Effort, RunError, Server, Via};
use crate::shared::{SharedTally, lock};
use crate::throwaway::ThrowawayServer;
use crate::tokens::{Mint, Person};
use crate::verdict::judge;

/// A running server.
pub(super) struct Turnout {
    throwaway: ThrowawayServer,
    pub(super) server: Server,
}

/// How a contest came out.
pub(super) struct Contested {
    pub(super) acknowledged: u64,
    pub(super) found: Vec<String>,
}

impl Turnout {
    /// Starts a server with these settings that believes tokens by this secret.
    pub(super) async fn start(
        program: Option<&Path>,
        secret: &str,
        settings: &[(&str, String)],
    ) -> Result<Self, CompareError> {
        let mut all: Vec<(String, String)> = settings
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        all.push(("TURNOUT_JWT_SECRET".to_owned(), secret.to_owned()));
        let throwaway = ThrowawayServer::start(program, &all).await?;
        let server = Server {
            secret: secret.to_owned(),
            ..throwaway.server().clone()
        };
        Ok(Self { throwaway, server })
    }

    /// Makes an activity with so many seats.
    pub(super) async fn open(
        &self,
        host: &Person,
        effort: &Effort,
        seats: u32,
    ) -> Result<Uuid, CompareError> {
        let mut line = self.backstage(effort);
        let new = NewActivity::of(format!("An opening with {seats} seats"), &open_settings(seats));
        let key = format!("compare-{}", crate::clock::run_id());
        let made = Host::new(&mut line, host).create(&new, &key).await;
        Ok(made.map_err(RunError::from)?)
    }

    fn backstage(&self, effort: &Effort) -> Attempts {
        let one = Effort {
            connections: 1,
            ..*effort
        };
        one.backstage(&self.server.target, &SharedTally::default())
            .swap_remove(0)
    }

    /// Reads everything back and judges it by the model of the rules.
    pub(super) async fn judge(
        &self,
        host: &Person,
        effort: &Effort,
        (activity, seats): (Uuid, u32),
        kept: Vec<Kept>,
        people: &Arc<[Person]>,
    ) -> Result<Vec<String>, CompareError> {
        let mut line = self.backstage(effort);
        let last = Host::new(&mut line, host)
            .read_back(activity)
            .await
            .map_err(RunError::from)?;
        let people = Arc::clone(people);
        let judging = spawn_blocking(move || {
            let mut found = Vec::new();
            let records = kept.into_iter().map(|kept| record(kept, &people, &mut found));
            let history = History {
                activity,
                settings: open_settings(seats),
                records: records.collect(),
                unasked: 0,
            };
            found.extend(judge(&history, &last).iter().map(ToString::to_string));
            found
        });
        Ok(judging.await.map_err(RunError::from)?)
    }

    /// Many want few seats and some cancel: a burst, with its whole verdict.
    pub(super) async fn contest(
        &self,
        contest: Contest,
        effort: &Effort,
        progress: &ProgressBar,
    ) -> Result<Contested, CompareError> {
        let tally = SharedTally::default();
        let options = BurstOptions {
            via: Via::Rest,
            people: contest.people,
            seats: contest.seats,
            cancel_share: contest.cancel_share,
            guest_share: 0.0,
            waitlist: None,
            rate: None,
            opening: None,
        };
        let outcome = burst::run(&self.server, &options, effort, progress, &tally).await?;
        let tally = lock(&tally);
        let mut found = told(&outcome.findings);
        if tally.unanswered() > 0 {
            found.push(format!("{} were not answered in time", tally.unanswered()));
        }
        Ok(Contested {
            acknowledged: tally.committed(),
            found,
        })
    }

    /// An activity for reads, in which there is somebody.
    pub(super) async fn live(&self, host: &Person, effort: &Effort) -> Result<Uuid, CompareError> {
        let activity = self.open(host, effort, 100).await?;
        let mint = Mint::new(&self.server.secret, crate::clock::unix_s());
        let path = crate::run::rsvp_path(activity);
        let mut line = self.backstage(effort);
        for number in 0..50 {
            let person = mint.member(effort.seed, number)?;
            let asking = super::opening::Asking {
                path: &path,
                person: &person,
                key: &format!("compare-{}", crate::clock::run_id()),
                deed: Deed::Reserve { guest_count: 0 },
            };
            let ticks = crate::history::Ticks::default();
            super::opening::ask(&mut line, &ticks, 0, &asking, crate::clock::now()).await;
        }
        Ok(activity)
    }

    /// Asks it to end, and tells what is wrong with how it did.
    pub(super) async fn stop(mut self) -> Result<Option<String>, CompareError> {
        let status = self.throwaway.stop().await?;
        let is_well = status.success();
        Ok((!is_well).then(|| format!("the server ended with {status}:\n{}", self.throwaway.end_of_log())))
    }
}

/// Findings in words.
pub(super) fn told(findings: &[ActivityFinding]) -> Vec<String> {
    findings.iter().map(|found| found.finding.to_string()).collect()
}

/// What the verdict wants to know of a request.
fn record(kept: Kept, people: &[Person], found: &mut Vec<String>) -> Record {
    let person = &people[kept.person];
    let at = kept.at;
    let outcome = match kept.answer.map(|answer| said(answer, &kept.body)) {
        None => Outcome::Unanswered,
        Some(Said::Done(answer)) => Outcome::Acknowledged { at, answer },
        Some(Said::Changed(version)) => Outcome::Changed { at, version },
        Some(Said::Rejected(refused)) => Outcome::Rejected {
            at,
            code: refused.code,
        },
        Some(Said::Unreadable(why)) => {
            found.push(why);
            Outcome::Unanswered
        }
    };
    Record {
        command: kept.deed.command(person),
        asker: Asker::Own,
        name: person.name.clone(),
        sent: kept.sent,
        last_sent: kept.last_sent,
        outcome,
    }
}
