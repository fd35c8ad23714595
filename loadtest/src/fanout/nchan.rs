//! A round with Nchan: messages of the same size at the same rate, to the same number of watchers.

use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::gauge::{Gauge, held_by};
use super::nginx::ThrowawayNginx;
use super::{FanoutOptions, SETTLES};
use crate::client::{Connection, Method, Request};
use crate::clock;
use crate::pace::{Due, Pace};
use crate::process::{CpuMeter, Process};
use crate::report::FanoutRound;
use crate::run::{ActivityFinding, RunError};
use crate::watch::{Finished, Fleet, Sending, Service, Tell};

/// How long one publication may take.
const DEADLINE: Duration = Duration::from_secs(10);

pub(super) async fn play(
    nginx: &ThrowawayNginx,
    options: &FanoutOptions,
    frame_bytes: usize,
) -> Result<(FanoutRound, Vec<ActivityFinding>), RunError> {
    let process = nginx.id().map(Process::with_id);
    let activities: Vec<Uuid> = (0..options.activities).map(|_| clock::run_id()).collect();
    let before = held_by(process);
    let order = options.order(Service::Nchan, nginx.target().address(), activities.clone());
    let coming = clock::now();
    let mut fleet = Fleet::start(&options.program, &order).await?;
    let came_within = clock::now() - coming;
    sleep(SETTLES).await;
    let gauge = Gauge::start(process, before);

    let meter = CpuMeter::start(process);
    fleet.tell(&Tell::Begin).await?;
    let mut finished: Vec<Finished> = activities.iter().map(|_| Finished::default()).collect();
    let mut connection = Connection::new(nginx.target().clone(), DEADLINE);
    let started = clock::now();
    let pace = Pace::starting_now(options.rate);
    for number in 0..options.commands() {
        let due = pace.due(u64::from(number));
        due.wait().await;
        let channel = number as usize % activities.len();
        publish(
            &mut connection,
            activities[channel],
            &mut finished[channel],
            frame_bytes,
            due,
        )
        .await?;
    }
    let elapsed = clock::now() - started;
    sleep(SETTLES).await;
    let used = meter.used();
    let memory = gauge.map(Gauge::read);
    fleet.tell(&Tell::Finish(finished)).await?;
    let watched = fleet.watched().await?;
    let mut round = FanoutRound::of("nchan", options.watchers, elapsed, &watched);
    round.came_within(came_within);
    round.used(used, &watched);
    round.held(memory);
    Ok((round, watched.findings().collect()))
}

/// Sends one message, as large as a difference, and notes when it was due. One connection is enough: whatever it falls
/// behind by counts.
async fn publish(
    connection: &mut Connection,
    channel: Uuid,
    finished: &mut Finished,
    frame_bytes: usize,
    due: Due,
) -> Result<(), RunError> {
    let seq = finished.seq + 1;
    let message = |pad: &str| {
        json!({"type": "diff", "activity": channel, "prev": seq - 1, "seq": seq, "pad": pad}).to_string()
    };
    let pad = "x".repeat(frame_bytes.saturating_sub(message("").len()));
    let request = Request {
        method: Method::Post,
        path: &format!("/pub/{channel}"),
        token: None,
        key: None,
        body: &message(&pad),
    };
    let head = connection
        .send(&request)
        .await
        .map_err(|error| RunError::Nchan(error.told()))?;
    if !matches!(head.status, 200..=299) {
        return Err(RunError::Nchan(format!("it answered {}", head.status)));
    }
    finished.seq = seq;
    finished.sendings.push(Sending { seq, due_us: due.us });
    finished.fields = Map::from_iter([("pad".to_owned(), Value::from(pad))]);
    Ok(())
}
