//! The counts of activities in Redis, for readers outside: a hash per activity under `turnout:activity:{id}`, with
//! the fields `capacity`, `confirmed`, `offered`, `waitlisted` and `available` in spots, and `epoch` and `seq`, which
//! tell the newer of two.

use std::sync::LazyLock;

use ::redis::{Pipeline, Script, Value, from_redis_value};
use async_trait::async_trait;
use turnout_actors::domain::{ActivityId, History, Seq};
use turnout_actors::ports::{CountMirror, MirrorCounts, MirrorError};
use uuid::Uuid;

use super::link::Link;

/// Writes one activity, if it is newer.
const WRITE: &str = include_str!("write.lua");
/// The name that Redis gives it.
static WRITE_HASH: LazyLock<String> = LazyLock::new(|| Script::new(WRITE).get_hash().to_owned());

/// How long the mark of a process stays that no longer asks for it.
const MARK_TTL_S: u32 = 3_600;

/// The mirror in Redis.
pub struct RedisMirror {
    link: Link,
    /// What this process marks the mirror with: where it is gone, so may be everything else.
    mark: Uuid,
    node: Uuid,
}

/// What is read of an activity: epoch, seq, capacity, confirmed, offered, waitlisted, available.
const FIELDS: [&str; 7] = [
    "epoch",
    "seq",
    "capacity",
    "confirmed",
    "offered",
    "waitlisted",
    "available",
];

impl RedisMirror {
    /// The mirror, as this node, which marks it with something new.
    pub fn new(link: Link, node: Uuid, mark: Uuid) -> Self {
        Self { link, mark, node }
    }

    async fn write(&self, counts: &[(ActivityId, MirrorCounts)], force: bool) -> Result<(), MirrorError> {
        let mut commands = Pipeline::with_capacity(counts.len() + 1);
        // A Redis that was restarted knows no script, and is told it again for the price of one more command.
        commands.cmd("SCRIPT").arg("LOAD").arg(WRITE);
        for (id, counts) in counts {
            commands
                .cmd("EVALSHA")
                .arg(&*WRITE_HASH)
                .arg(1)
                .arg(key(*id))
                .arg(u8::from(force))
                .arg(counts.history.0)
                .arg(counts.seq.0)
                .arg(counts.capacity)
                .arg(counts.confirmed)
                .arg(counts.offered)
                .arg(counts.waitlisted)
                .arg(counts.available);
        }
        let answers = self.link.exchange(&mut commands).await?;
        let refused: Vec<&Value> = answers.iter().filter(|answer| is_error(answer)).collect();
        match refused.first() {
            // Those of one activity are for the next comparison to find.
            Some(error) if refused.len() >= counts.len() => Err(MirrorError(format!("{error:?}").into())),
            Some(error) => {
                tracing::warn!(
                    activities = refused.len(),
                    ?error,
                    "Redis did not take the counts of some activities"
                );
                Ok(())
            }
            None => Ok(()),
        }
    }
}

#[async_trait]
impl CountMirror for RedisMirror {
    async fn advance(&self, counts: &[(ActivityId, MirrorCounts)]) -> Result<(), MirrorError> {
        self.write(counts, false).await
    }

    async fn replace(&self, counts: &[(ActivityId, MirrorCounts)]) -> Result<(), MirrorError> {
        self.write(counts, true).await
    }

    async fn read(&self, ids: &[ActivityId]) -> Result<Vec<Option<MirrorCounts>>, MirrorError> {
        let mut commands = Pipeline::with_capacity(ids.len());
        for id in ids {
            commands.cmd("HMGET").arg(key(*id)).arg(&FIELDS);
        }
        let answers = self.link.exchange(&mut commands).await?;
        Ok(answers.into_iter().map(understood).collect())
    }

    async fn remembers(&self) -> Result<bool, MirrorError> {
        let mark = self.mark.to_string();
        let mut commands = Pipeline::new();
        commands
            .cmd("SET")
            .arg(format!("turnout:mirror:{}", self.node))
            .arg(&mark)
            .arg("EX")
            .arg(MARK_TTL_S)
            .arg("GET");
        let before = self.link.exchange(&mut commands).await?.pop();
        match before {
            Some(error) if is_error(&error) => Err(MirrorError(format!("{error:?}").into())),
            Some(before) => Ok(from_redis_value::<Option<String>>(before).ok().flatten() == Some(mark)),
            None => Ok(false),
        }
    }
}

fn is_error(answer: &Value) -> bool {
    matches!(answer, Value::ServerError(_))
}

/// What the fields of an activity say, if all are there and are numbers.
fn understood(answer: Value) -> Option<MirrorCounts> {
    let fields: Vec<Option<String>> = from_redis_value(answer).ok()?;
    let numbers: Vec<u64> = fields
        .iter()
        .map(|field| field.as_ref()?.parse().ok())
        .collect::<Option<_>>()?;
    let &[epoch, seq, capacity, confirmed, offered, waitlisted, available] = numbers.as_slice() else {
        return None;
    };
    Some(MirrorCounts {
        capacity: capacity.try_into().ok()?,
        confirmed: confirmed.try_into().ok()?,
        offered: offered.try_into().ok()?,
        waitlisted,
        available: available.try_into().ok()?,
        history: History(epoch),
        seq: Seq(seq),
    })
}

fn key(id: ActivityId) -> String {
    format!("turnout:activity:{id}")
}
