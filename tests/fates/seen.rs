//! What became of commits that were struck, as the database remembers it: a trigger notes each batch that is written,
//! and under which epoch.

use std::collections::HashSet;
use std::fmt;
use std::time::Duration;

use sqlx::PgConnection;

use crate::support::{Sent, Strike};

/// Makes the database remember.
const NOTE: &str = "
    CREATE TABLE landed (activity UUID NOT NULL, batch UUID NOT NULL, epoch BIGINT NOT NULL);
    CREATE FUNCTION note() RETURNS TRIGGER LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO landed VALUES (NEW.id, NEW.last_batch, NEW.owner_epoch);
            RETURN NULL;
        END
    $$;
    CREATE TRIGGER note AFTER UPDATE ON activities FOR EACH ROW
        WHEN (NEW.last_batch IS DISTINCT FROM OLD.last_batch) EXECUTE FUNCTION note();
";

/// The figures of one kind of strike.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) strikes: usize,
    /// Batches in those commits.
    pub(super) batches: usize,
    /// Those that were written as they were sent.
    pub(super) landed: usize,
    /// Those that were not, and were sent again under a later epoch and written.
    written_again: usize,
    /// Commits of which some batches landed and some did not.
    mixed: usize,
    /// How long it took until an activity went on, of all where it did.
    recoveries: Vec<Duration>,
}

/// From now on the database remembers which batches are written.
pub(super) async fn note_batches(database: &mut PgConnection) {
    sqlx::raw_sql(NOTE).execute(database).await.unwrap();
}

/// What became of the batches of these strikes, without those that do not count. Fails where one was written twice,
/// or never without having been lost twice.
pub(super) async fn seen(
    database: &mut PgConnection,
    strikes: &[Strike],
    uncounted: &HashSet<usize>,
) -> Seen {
    let twice: i64 = sqlx::query_scalar("SELECT count(*) - count(DISTINCT batch) FROM landed")
        .fetch_one(&mut *database)
        .await
        .unwrap();
    assert_eq!(twice, 0, "batches were written twice");
    let all: Vec<&Sent> = strikes.iter().flat_map(|strike| &strike.batches).collect();
    let mut seen = Seen {
        strikes: strikes.len() - uncounted.len(),
        batches: 0,
        landed: 0,
        written_again: 0,
        mixed: 0,
        recoveries: strikes.iter().filter_map(|strike| strike.recovery).collect(),
    };
    seen.recoveries.sort();
    for (index, strike) in strikes.iter().enumerate() {
        let (mut landed, mut written_again) = (0, 0);
        for sent in &strike.batches {
            match epoch(database, sent).await {
                Some(epoch) if epoch == sent.epoch => landed += 1,
                Some(epoch) => {
                    assert!(epoch > sent.epoch, "{sent:?} was written under {epoch}");
                    written_again += 1;
                }
                // It is sent again once only: its commands were refused then, and came again.
                None => {
                    let lost = all.iter().filter(|other| other.batch == sent.batch).count();
                    assert!(lost > 1, "{sent:?} was lost once and never written");
                }
            }
        }
        if !uncounted.contains(&index) {
            seen.batches += strike.batches.len();
            seen.landed += landed;
            seen.written_again += written_again;
            seen.mixed += usize::from(landed > 0 && landed < strike.batches.len());
        }
    }
    seen
}

/// The epoch under which a batch was written, if it was.
async fn epoch(database: &mut PgConnection, sent: &Sent) -> Option<i64> {
    let select = "SELECT epoch FROM landed WHERE activity = $1 AND batch = $2";
    let epoch = sqlx::query_scalar(select).bind(sent.activity).bind(sent.batch);
    epoch.fetch_optional(database).await.unwrap()
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (strikes, batches, landed, again) = (self.strikes, self.batches, self.landed, self.written_again);
        let lost_twice = batches - landed - again;
        let ms = |at: usize| {
            self.recoveries
                .get(at)
                .map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
        };
        write!(
            f,
            "{strikes} commits of {batches} batches, of which {landed} had landed, {again} were written again and \
             {lost_twice} were lost again and given up; of {mixed} commits a part had landed. The activity's next \
             acknowledged commit came after {median:.1} ms (median) and {most:.1} ms (at most), of {of}",
            mixed = self.mixed,
            median = ms(self.recoveries.len() / 2),
            most = ms(self.recoveries.len().saturating_sub(1)),
            of = self.recoveries.len(),
        )
    }
}
