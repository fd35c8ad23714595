//! A steady stream of requests at a rate that is set beforehand, a hundred reads to each write: what those who look
//! notice of those who book, and the other way round.
//!
//! It owns the mix and the schedule. Each request has its moment, and its latency counts from there; a timer of this
//! process is up to a millisecond late, which is in it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::task::JoinSet;

use crate::attempt::{Attempts, Final};
use crate::client::Request;
use crate::drive::Deed;
use crate::history::{Outcome as Fate, Record};
use crate::host::open_settings;
use crate::pace::{Due, Pace};
use crate::report::{Measured, ReadKind, SteadyFigures};
use crate::run::{ActivityFinding, Effort, Outcome, RunError, Server, faults, open_all, rsvp_path, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::tally::Latencies;
use crate::usage::{Meter, Watched};
use crate::verdict::Finding;

/// How many reads there are to one write.
pub const READS_PER_WRITE: u64 = 100;

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub struct SteadyOptions {
    /// Requests per second, reads and writes together.
    pub rate: f64,
    /// For how long.
    pub duration: Duration,
    /// How many people have an RSVP at first, and reserve and cancel in turn.
    pub people: u32,
    /// The database's first process, where it is known.
    pub database: Option<u32>,
}

/// The kinds of reads, in turn.
const KINDS: [ReadKind; 3] = [ReadKind::Activity, ReadKind::OwnRsvp, ReadKind::Attendees];

/// Runs it against `server` and judges what was written.
pub async fn run(
    server: &Server,
    options: &SteadyOptions,
    effort: &Effort,
    progress: &ProgressBar,
    tally: &SharedTally,
) -> Result<Outcome, RunError> {
    let plan = Plan {
        title: format!("Steady: {} requests per s", options.rate),
        settings: open_settings(options.people),
        people: options.people,
    };
    let scene = Arc::new(Scene::set(server, effort, progress, tally, plan).await?);
    let mut lines = effort.connections(&server.target, tally);
    open_all(&mut lines).await?;
    tell(progress, &format!("{} people come …", options.people));
    let around = SharedTally::default();
    let mut records = come(&scene, effort.connections(&server.target, &around)).await?;
    // What was counted so far was before the clock.
    let before = std::mem::take(&mut *lock(tally));
    lock(&around).absorb(&before);

    let requests = (options.rate * options.duration.as_secs_f64()).round().max(1.0) as u64;
    progress.set_length(requests);
    let meter = Meter::start(Watched {
        server: server.pid,
        database: options.database,
    });
    lock(tally).start();
    let stream = Arc::new(Stream {
        pace: Pace::starting_now(options.rate),
        requests,
        next: Mutex::new(0),
        writers: Mutex::new((0..scene.people.len()).map(|index| (index, 1)).collect()),
        seen: Mutex::default(),
        scene,
    });
    let mut tasks = JoinSet::new();
    for line in lines {
        tasks.spawn(take_part(line, Arc::clone(&stream)));
    }
    while let Some(ended) = tasks.join_next().await {
        ended?;
    }
    lock(tally).stop();
    let usage = meter.used();
    let seen = std::mem::take(&mut *lock(&stream.seen));
    records.extend(seen.records);
    let unasked = requests - (*lock(&stream.next)).min(requests);
    let judged = stream.scene.judged(records, 0).await?;
    let mut findings = faults(tally);
    findings.extend(faults(&around));
    findings.extend(seen.wrong.map(|(answer, count)| ActivityFinding {
        activity: "the server".to_owned(),
        finding: Finding::ServerFault { answer, count },
    }));
    findings.extend(judged.findings);
    if unasked > 0 {
        findings.push(ActivityFinding {
            activity: "this client".to_owned(),
            finding: Finding::Unanswered { count: unasked },
        });
    }
    let written = lock(tally).acknowledged_latency.clone();
    let figures = SteadyFigures::of(options.rate, requests, &seen.reads, &written, &usage);
    Ok(Outcome {
        activities: 1,
        end: judged.end,
        findings,
        measured: Some(Measured::Steady(Box::new(figures))),
    })
}

/// What is going on.
struct Stream {
    scene: Arc<Scene>,
    pace: Pace,
    requests: u64,
    next: Mutex<u64>,
    /// Who has nothing under way, and the number of their next turn: odd ones give the seat back.
    writers: Mutex<VecDeque<(usize, u64)>>,
    seen: Mutex<Seen>,
}

/// What was answered.
#[derive(Default)]
struct Seen {
    records: Vec<Record>,
    reads: [Latencies; 3],
    /// The first answer to a read that was no success, and how many of any kind there were.
    wrong: Option<(String, u64)>,
}

/// Everybody takes a seat before the clock starts.
async fn come(scene: &Arc<Scene>, lines: Vec<Attempts>) -> Result<Vec<Record>, RunError> {
    // These commands are not among those that are measured, but are judged.
    let next = Arc::new(Mutex::new(0..scene.people.len()));
    let mut tasks = JoinSet::new();
    for mut line in lines {
        let (scene, next) = (Arc::clone(scene), Arc::clone(&next));
        tasks.spawn(async move {
            let mut records = Vec::new();
            loop {
                let index = lock(&next).next();
                let Some(index) = index else { return records };
                let deed = Deed::Reserve { guest_count: 0 };
                lock(&scene.stage.tally).planned += 1;
                let driven = scene.act(&mut line, index, deed, 0, Due::now().at).await;
                records.push(driven.record);
            }
        });
    }
    let mut records = Vec::new();
    while let Some(ended) = tasks.join_next().await {
        records.append(&mut ended?);
    }
    Ok(records)
}

/// One connection takes request after request, each at its moment.
async fn take_part(mut line: Attempts, stream: Arc<Stream>) {
    loop {
        let number = {
            let mut next = lock(&stream.next);
            *next += 1;
            *next - 1
        };
        if number >= stream.requests {
            break;
        }
        let due = stream.pace.due(number);
        due.wait().await;
        if number % (READS_PER_WRITE + 1) == READS_PER_WRITE {
            write(&mut line, &stream, &due).await;
        } else {
            read(&mut line, &stream, number, &due).await;
        }
        stream.scene.progress.inc(1);
    }
}

async fn write(line: &mut Attempts, stream: &Stream, due: &Due) {
    let next = lock(&stream.writers).pop_front();
    // There are more people than connections, so somebody is there.
    let Some((index, turn)) = next else { return };
    let deed = match turn % 2 {
        0 => Deed::Reserve { guest_count: 0 },
        _ => Deed::Cancel,
    };
    lock(&stream.scene.stage.tally).planned += 1;
    let record = stream.scene.act(line, index, deed, turn, due.at).await.record;
    if !matches!(record.outcome, Fate::Unanswered) {
        lock(&stream.writers).push_back((index, turn + 1));
    }
    lock(&stream.seen).records.push(record);
}

async fn read(line: &mut Attempts, stream: &Stream, number: u64, due: &Due) {
    let scene = &stream.scene;
    let kind = (number % KINDS.len() as u64) as usize;
    let reader = &scene.people[(number as usize).wrapping_mul(7_919) % scene.people.len()];
    let path = match KINDS[kind] {
        ReadKind::Activity => format!("/api/v1/activities/{}", scene.activity),
        ReadKind::OwnRsvp => rsvp_path(scene.activity),
        ReadKind::Attendees => format!("/api/v1/activities/{}/attendees?page=1&limit=20", scene.activity),
    };
    let answer = line.until_final(&Request::get(&path, &reader.token)).await;
    let latency = Due::now().at - due.at;
    let mut seen = lock(&stream.seen);
    let wrong = match answer {
        Some(Final::Done(_)) => None,
        // Whoever has just given the seat back has no RSVP.
        Some(Final::Rejected { status: 404, .. }) if KINDS[kind] == ReadKind::OwnRsvp => None,
        Some(Final::Rejected { status, code }) => Some(format!("{status} {code} to GET {path}")),
        None => Some(format!("nothing to GET {path}")),
    };
    match wrong {
        None => seen.reads[kind].record(latency),
        Some(answer) => seen.wrong.get_or_insert((answer, 0)).1 += 1,
    }
}
