//! Activities with a seat for everybody, filled in turn as fast as answers come.
//!
//! It owns what runs about sizes share: make the activities, let people in, look at what that cost, and judge each by
//! its ledger. Everybody comes with a key of their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use indicatif::ProgressBar;
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::{Deed, Stage, drive};
use crate::history::{Outcome, Ticks};
use crate::host::{Host, NewActivity, open_settings};
use crate::ledger::Ledger;
use crate::line::Put;
use crate::report::Stretch;
use crate::run::{ActivityFinding, Effort, End, RunError, Server, faults, open_all};
use crate::shared::{SharedTally, lock};
use crate::tokens::{Mint, Person};
use crate::usage::{Meter, Watched};

/// How many activities are made or judged at once: enough for the server to have something to do, and not more, so that
/// nothing is refused.
const AT_ONCE: usize = 32;

/// Activities and what was acknowledged about them.
pub(crate) struct Field {
    server: Server,
    effort: Effort,
    host: Person,
    mint_world: u64,
    run_id: Uuid,
    ledgers: Vec<Mutex<Ledger>>,
    around: SharedTally,
}

/// Who comes in one stretch, and who is next.
struct Crowd {
    field: Arc<Field>,
    first: u64,
    people: Vec<Person>,
    next: AtomicUsize,
    stage: Stage,
    progress: ProgressBar,
}

/// How the activities were left, and what is wrong.
pub(crate) struct FieldJudged {
    pub(crate) activities: usize,
    pub(crate) end: End,
    pub(crate) findings: Vec<ActivityFinding>,
}

impl Field {
    /// Makes so many activities, each with so many seats. All are live then, because each was shown.
    pub(crate) async fn set(
        server: &Server,
        effort: &Effort,
        title: &str,
        activities: usize,
        seats: u32,
    ) -> Result<Arc<Self>, RunError> {
        let run_id = clock::run_id();
        let host = Mint::new(&server.secret, clock::unix_s()).host(run_id)?;
        let around = SharedTally::default();
        let next = Arc::new(AtomicUsize::new(0));
        let mut tasks = JoinSet::new();
        for mut line in backstage(server, effort, &around) {
            let (host, next, title) = (host.clone(), Arc::clone(&next), title.to_owned());
            tasks.spawn(async move {
                let mut made = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= activities {
                        return Ok::<_, RunError>(made);
                    }
                    let new = NewActivity::of(format!("{title} {number}"), &open_settings(seats));
                    let mut host = Host::new(&mut line, &host);
                    let activity = host.create(&new, &format!("field-{run_id}-{number}")).await?;
                    host.shown(activity).await?;
                    made.push(activity);
                }
            });
        }
        let mut made = Vec::new();
        while let Some(ended) = tasks.join_next().await {
            made.append(&mut ended??);
        }
        let ledgers = made
            .into_iter()
            .map(|id| Mutex::new(Ledger::of(id, u64::from(seats))));
        Ok(Arc::new(Self {
            server: server.clone(),
            effort: *effort,
            host,
            mint_world: effort.seed,
            run_id,
            ledgers: ledgers.collect(),
            around,
        }))
    }

    /// The first of its activities.
    pub(crate) fn activity(&self) -> Option<Uuid> {
        self.ledgers.first().map(|ledger| lock(ledger).activity())
    }

    /// The person with this number.
    pub(crate) fn person(&self, number: u64) -> Result<Person, RunError> {
        let mint = Mint::new(&self.server.secret, clock::unix_s());
        Ok(mint.member(self.mint_world, number)?)
    }

    /// The key under which that person comes.
    pub(crate) fn key(&self, number: u64) -> String {
        format!("{}-{number}", self.run_id.simple())
    }

    /// Lets the people with these numbers in, in turn over all activities. What is measured is from the first command to
    /// the last answer, on connections that are open before; it is added to `tally` afterwards.
    pub(crate) async fn fill(
        self: &Arc<Self>,
        people: std::ops::Range<u64>,
        watched: Watched,
        progress: &ProgressBar,
        tally: &SharedTally,
    ) -> Result<Stretch, RunError> {
        let mint = Mint::new(&self.server.secret, clock::unix_s());
        let first = people.start;
        let people: Result<Vec<Person>, _> = people
            .map(|number| mint.member(self.mint_world, number))
            .collect();
        let own = SharedTally::default();
        let crowd = Arc::new(Crowd {
            field: Arc::clone(self),
            first,
            people: people?,
            next: AtomicUsize::new(0),
            stage: Stage {
                ticks: Ticks::default(),
                tally: Arc::clone(&own),
            },
            progress: progress.clone(),
        });
        lock(&own).planned = crowd.people.len() as u64;
        let mut lines = self.effort.connections(&self.server.target, &own);
        lines.truncate(crowd.people.len().max(1));
        open_all(&mut lines).await?;
        let meter = Meter::start(watched);
        lock(&own).start();
        let mut tasks = JoinSet::new();
        for line in lines {
            tasks.spawn(come(line, Arc::clone(&crowd)));
        }
        while let Some(ended) = tasks.join_next().await {
            ended?;
        }
        lock(&own).stop();
        let stretch = Stretch::of(&lock(&own), meter.used());
        lock(tally).absorb(&lock(&own));
        Ok(stretch)
    }

    /// Takes down what came of a command that was put otherwise.
    pub(crate) fn note(&self, record: &crate::history::Record) {
        if let Some(ledger) = self.ledgers.first() {
            lock(ledger).note(record);
        }
    }

    /// Reads every log and judges it.
    pub(crate) async fn judged(&self) -> Result<FieldJudged, RunError> {
        let ledgers: Vec<Ledger> = self.ledgers.iter().map(|ledger| lock(ledger).clone()).collect();
        let left = Arc::new(Mutex::new(ledgers));
        let mut tasks = JoinSet::new();
        for mut line in backstage(&self.server, &self.effort, &self.around) {
            let (left, host) = (Arc::clone(&left), self.host.clone());
            tasks.spawn(async move {
                let (mut end, mut findings) = (End::default(), Vec::new());
                loop {
                    // The lock is gone before anything is awaited.
                    let next = lock(&left).pop();
                    let Some(ledger) = next else {
                        return Ok::<_, RunError>((end, findings));
                    };
                    let activity = ledger.activity().to_string();
                    let mut host = Host::new(&mut line, &host);
                    let (left_as, found) = ledger.judged(&mut host, || std::future::ready(())).await?;
                    end = end.and(left_as);
                    findings.extend(found.into_iter().map(|finding| ActivityFinding {
                        activity: activity.clone(),
                        finding,
                    }));
                }
            });
        }
        let mut judged = FieldJudged {
            activities: self.ledgers.len(),
            end: End::default(),
            findings: faults(&self.around),
        };
        while let Some(ended) = tasks.join_next().await {
            let (end, mut findings) = ended??;
            judged.end = judged.end.and(end);
            judged.findings.append(&mut findings);
        }
        Ok(judged)
    }
}

impl FieldJudged {
    /// Nothing was judged.
    pub(crate) fn none() -> Self {
        Self {
            activities: 0,
            end: End::default(),
            findings: Vec::new(),
        }
    }

    /// Both together.
    pub(crate) fn add(&mut self, other: Self) {
        self.activities += other.activities;
        self.end = self.end.and(other.end);
        self.findings.extend(other.findings);
    }
}

fn backstage(server: &Server, effort: &Effort, around: &SharedTally) -> Vec<Attempts> {
    let mut lines = effort.backstage(&server.target, around);
    lines.truncate(AT_ONCE);
    lines
}

/// One connection lets one person in after the other.
async fn come(mut line: Attempts, crowd: Arc<Crowd>) {
    let field = &crowd.field;
    loop {
        let index = crowd.next.fetch_add(1, Ordering::Relaxed);
        let Some(person) = crowd.people.get(index) else {
            break;
        };
        let number = crowd.first + index as u64;
        let ledger = &field.ledgers[index % field.ledgers.len()];
        let (activity, key) = (lock(ledger).activity(), field.key(number));
        let put = Put {
            activity,
            person,
            deed: Deed::Reserve { guest_count: 0 },
            key: &key,
        };
        let record = drive(&mut line, &crowd.stage, &put, clock::now()).await.record;
        lock(ledger).note(&record);
        crowd.progress.inc(1);
        if matches!(record.outcome, Outcome::Unanswered) {
            break;
        }
    }
}
