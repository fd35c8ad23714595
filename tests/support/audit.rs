//! The journal checked as a whole, from outside: the rows of a database, whichever kind it is, against the fold of
//! its events. Shares no code with the engine. A server may be at work meanwhile.

mod activity;
mod fold;
mod line;
mod rows;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use uuid::Uuid;

use super::Outside;
use rows::{EventRow, Rows};

/// So many findings are told; the rest are counted.
const TOLD_MAX: usize = 20;

/// What a database held when everything in it added up.
#[derive(Debug)]
pub(crate) struct Audit {
    pub(crate) activities: usize,
    pub(crate) events: usize,
    pub(crate) rsvps: usize,
    standings: BTreeMap<Uuid, Standing>,
}

/// Where one activity stood.
#[derive(Debug)]
struct Standing {
    owner_epoch: i64,
    /// For each event in order, a digest of it and of all before it.
    digests: Vec<u64>,
}

/// Checks a database, and fails with what does not add up.
pub(crate) async fn audit(database_url: &str) -> Audit {
    let mut outside = Outside::look(database_url).await;
    let (audit, findings) = examine(&mut outside).await;
    outside.close().await;
    tell(database_url, &findings);
    audit
}

/// What a connection sees, and what of it does not add up. It must see one moment of it.
pub(crate) async fn examine(outside: &mut Outside) -> (Audit, Vec<String>) {
    let rows = Rows::read(outside).await;
    let mut findings = rows.strays();
    findings.extend(rows.keys_of_creations());
    let mut standings = BTreeMap::new();
    for activity in &rows.activities {
        let (events, rsvps) = (rows.events_of(activity.id), rows.rsvps_of(activity.id));
        let found = activity::findings(activity, events, rsvps);
        findings.extend(
            found
                .into_iter()
                .map(|what| format!("activity {}: {what}", activity.id)),
        );
        let standing = Standing {
            owner_epoch: activity.owner_epoch,
            digests: digests(events),
        };
        standings.insert(activity.id, standing);
    }
    let audit = Audit {
        activities: rows.activities.len(),
        events: rows.events.values().map(Vec::len).sum(),
        rsvps: rows.rsvps.values().map(Vec::len).sum(),
        standings,
    };
    (audit, findings)
}

impl Audit {
    /// Checks that nothing which was there at an earlier audit has gone, changed, or gone backwards.
    pub(crate) fn follows(&self, earlier: &Self) {
        tell("the later of two audits", &self.contradictions(earlier));
    }

    /// What an earlier audit has seen otherwise.
    pub(crate) fn contradictions(&self, earlier: &Self) -> Vec<String> {
        let mut found = Vec::new();
        for (id, before) in &earlier.standings {
            let Some(now) = self.standings.get(id) else {
                found.push(format!("activity {id} is gone"));
                continue;
            };
            if now.owner_epoch < before.owner_epoch {
                found.push(format!(
                    "activity {id}: the epoch fell from {} to {}",
                    before.owner_epoch, now.owner_epoch
                ));
            }
            let (seen, seq) = (before.digests.len(), now.digests.len());
            if seq < seen {
                found.push(format!("activity {id}: the log fell from event {seen} to {seq}"));
            } else if now.digests[..seen] != before.digests {
                found.push(format!("activity {id}: an event up to {seen} has changed"));
            }
        }
        found
    }
}

fn tell(what: &str, findings: &[String]) {
    let told = &findings[..findings.len().min(TOLD_MAX)];
    assert!(
        findings.is_empty(),
        "{what}: {} findings, of which\n{}",
        findings.len(),
        told.join("\n")
    );
}

fn digests(events: &[EventRow]) -> Vec<u64> {
    // The same within one process, which is as long as an audit lives.
    let mut chain = DefaultHasher::new();
    events
        .iter()
        .map(|event| {
            event.hash(&mut chain);
            chain.finish()
        })
        .collect()
}

impl Rows {
    /// Rows that belong to no activity.
    fn strays(&self) -> Vec<String> {
        let known: HashSet<Uuid> = self.activities.iter().map(|activity| activity.id).collect();
        let events = self.events.iter().map(|(id, rows)| (id, "events", rows.len()));
        let rsvps = self.rsvps.iter().map(|(id, rows)| (id, "RSVPs", rows.len()));
        events
            .chain(rsvps)
            .filter(|(id, ..)| !known.contains(id))
            .map(|(id, what, count)| format!("{count} {what} of activity {id}, which does not exist"))
            .collect()
    }

    /// What is wrong with the keys of creations: each has made one activity.
    fn keys_of_creations(&self) -> Vec<String> {
        let mut made: HashMap<Uuid, i64> = self
            .activities
            .iter()
            .map(|activity| (activity.id, activity.created_at))
            .collect();
        self.creations
            .iter()
            .filter(|(id, at)| made.remove(id) != Some(*at))
            .map(|(id, at)| {
                format!("a key was recorded at {at} for making activity {id}, which it has not made")
            })
            .collect()
    }
}
