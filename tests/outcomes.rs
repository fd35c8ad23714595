//! What Postgres and its client library really do when something goes wrong in the middle, and what the journal
//! makes of it.

use std::sync::Arc;
use std::time::Duration;

use sqlx::{Connection, PgConnection};
use tempfile::TempDir;
use turnout::store::accounts::end_session;
use turnout_actors::domain::{ActivityId, KeyDigest, KeyUse, Timestamp};
use turnout_actors::ports::{Batch, Creation, Journal, JournalError, Landing, NewActivity, Settled};
use turnout_actors::testing::{Drive, settings};
use uuid::Uuid;

use crate::support::{journal, open, postgres_of};

const DEADLINE: Duration = Duration::from_secs(30);

/// A journal on a database of its own, and somebody else's connection to it.
struct Place {
    journal: Arc<dyn Journal>,
    outside: PgConnection,
    url: String,
    _folder: TempDir,
}

impl Place {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = postgres_of(folder.path());
        Self {
            journal: journal(&url).await,
            outside: PgConnection::connect(&url).await.unwrap(),
            url,
            _folder: folder,
        }
    }

    /// Somebody else holds the rows of all activities from now on.
    async fn lock_rows(&mut self) {
        self.begin("SELECT id FROM activities FOR UPDATE").await;
    }

    /// Somebody else holds these rows from now on.
    async fn hold(&mut self, rows: &[(&str, Uuid)]) {
        let select = rows
            .iter()
            .map(|(table, id)| format!("SELECT FROM {table} WHERE id = '{id}' FOR UPDATE"));
        self.begin(&select.collect::<Vec<_>>().join("; ")).await;
    }

    /// Somebody else does this, and does not end their transaction.
    async fn begin(&mut self, sql: &str) {
        let sql = format!("BEGIN; {sql}");
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql))
            .execute(&mut self.outside)
            .await
            .unwrap();
    }

    async fn release_rows(&mut self) {
        sqlx::query("ROLLBACK").execute(&mut self.outside).await.unwrap();
    }

    /// Ends the one connection that waits for a lock, once there is one.
    async fn terminate_whoever_waits(&self) {
        let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                         WHERE wait_event_type = 'Lock' AND datname = current_database()";
        self.until_more_than(0, terminate).await;
    }

    /// Waits until a statement waits for a lock that began after this time, and returns when that one began, in
    /// microseconds.
    async fn until_somebody_waits(&self, since: i64) -> i64 {
        let begun = "SELECT COALESCE(MAX(CAST(EXTRACT(EPOCH FROM query_start) * 1000000 AS BIGINT)), 0) \
                     FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        self.until_more_than(since, begun).await
    }

    /// Asks until the number is above this, and returns it.
    async fn until_more_than(&self, bound: i64, select: &'static str) -> i64 {
        let mut connection = PgConnection::connect(&self.url).await.unwrap();
        let asking = async {
            loop {
                let number: i64 = sqlx::query_scalar(select)
                    .fetch_one(&mut connection)
                    .await
                    .unwrap();
                if number > bound {
                    return number;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, asking)
            .await
            .expect("somebody waits")
    }
}

/// Two activities on a journal, and for each a batch with a reservation.
async fn two_reservations(journal: &dyn Journal) -> Vec<Batch> {
    let mut batches = Vec::new();
    for number in 1..=2 {
        let mut drive = Drive::create(journal, number, settings(3)).await;
        drive.reserve(number, 0).expect("there is room");
        batches.push(drive.batch());
    }
    batches
}

#[tokio::test]
async fn committing_a_failed_transaction_reports_success_and_writes_nothing() {
    // So whoever goes on after an error, and trusts the commit, has lost what was written before it.
    let mut place = Place::new().await;
    let mut transaction = place.outside.begin().await.unwrap();
    let update = "UPDATE meta SET epoch = 7";
    sqlx::query(update).execute(&mut *transaction).await.unwrap();
    assert!(
        sqlx::query("SELECT 1 / 0")
            .execute(&mut *transaction)
            .await
            .is_err()
    );
    assert!(transaction.commit().await.is_ok());
    let epoch: i64 = sqlx::query_scalar("SELECT epoch FROM meta")
        .fetch_one(&mut place.outside)
        .await
        .unwrap();
    assert_eq!(epoch, 1);
}

#[tokio::test]
async fn what_somebody_holds_is_told_apart_and_nothing_of_it_is_written_later() {
    let mut place = Place::new().await;
    // One activity of which they hold its own row, one of which they hold an RSVP, and one that is free.
    let mut drives = Vec::new();
    for number in 1..=3 {
        let mut drive = Drive::create(place.journal.as_ref(), number, settings(3)).await;
        drive.reserve(number, 0).expect("there is room");
        drive.commit(place.journal.as_ref()).await;
        drive.update(number, 1).expect("there is room");
        drives.push(drive);
    }
    let batches: Vec<Batch> = drives.iter_mut().map(Drive::batch).collect();
    place
        .hold(&[
            ("activities", batches[0].activity.uuid()),
            ("rsvps", batches[1].rsvps[0].id.uuid()),
        ])
        .await;
    let together = place.journal.commit(&batches).await.unwrap();
    assert_eq!(together, [Landing::Blocked, Landing::Blocked, Landing::Written]);
    for batch in &batches[..2] {
        let alone = place.journal.commit(std::slice::from_ref(batch)).await.unwrap();
        assert_eq!(alone, [Landing::Blocked]);
    }
    place.release_rows().await;
    for (batch, events) in batches.iter().zip([1, 1, 2]) {
        let loaded = Drive::load(place.journal.as_ref(), batch.activity).await;
        assert_eq!(loaded.activity.counts().seq.0, events);
    }
}

#[tokio::test]
async fn a_locked_table_makes_every_commit_unavailable() {
    let mut place = Place::new().await;
    let batches = two_reservations(place.journal.as_ref()).await;
    place.begin("LOCK TABLE activity_events IN SHARE MODE").await;
    let refused = place.journal.commit(&batches).await;
    assert!(
        matches!(refused, Err(JournalError::Unavailable(_))),
        "{refused:?}"
    );
    place.release_rows().await;
    let landings = place.journal.commit(&batches).await.unwrap();
    assert_eq!(landings, [Landing::Written; 2]);
}

#[tokio::test]
async fn a_lock_that_is_let_go_just_when_somebody_gave_up_waiting_refuses_nobody() {
    let mut place = Place::new().await;
    let batches = two_reservations(place.journal.as_ref()).await;
    // No row tells of this lock, so it is found as little as one that has just been let go.
    place.begin("LOCK TABLE activity_events IN SHARE MODE").await;
    let journal = place.journal.clone();
    let commit = tokio::spawn(async move { journal.commit(&batches).await });
    let first = place.until_somebody_waits(0).await;
    place.until_somebody_waits(first).await;
    place.release_rows().await;
    assert_eq!(commit.await.unwrap().unwrap(), [Landing::Written; 2]);
}

#[tokio::test]
async fn whoever_is_known_to_be_blocked_is_told_so_although_the_others_are_in_trouble_too() {
    let mut place = Place::new().await;
    let batches = two_reservations(place.journal.as_ref()).await;
    let id = batches[0].activity.uuid();
    place
        .begin(&format!(
            "LOCK TABLE activity_events IN SHARE MODE; SELECT FROM activities WHERE id = '{id}' FOR UPDATE"
        ))
        .await;
    let landings = place.journal.commit(&batches).await.unwrap();
    assert_eq!(landings, [Landing::Blocked; 2]);
    place.release_rows().await;
    let landings = place.journal.commit(&batches).await.unwrap();
    assert_eq!(landings, [Landing::Written; 2], "nothing was written before");
}

#[tokio::test]
async fn a_connection_that_is_ended_in_mid_commit_leaves_the_outcome_unknown_until_it_is_settled() {
    let mut place = Place::new().await;
    let mut drive = Drive::create(place.journal.as_ref(), 1, settings(3)).await;
    drive.reserve(1, 0).expect("there is room");
    let mut batch = drive.batch();
    place.lock_rows().await;
    let (journal, asked) = (place.journal.clone(), batch.clone());
    let commit = tokio::spawn(async move { journal.commit(std::slice::from_ref(&asked)).await });
    place.terminate_whoever_waits().await;
    let unknown = commit.await.unwrap();
    assert!(matches!(unknown, Err(JournalError::Unknown(_))), "{unknown:?}");
    place.release_rows().await;

    let settled = place.journal.settle(&batch).await.unwrap();
    let Settled::NotWritten { epoch } = settled else {
        panic!("{settled:?}");
    };
    let late = place.journal.commit(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(late, [Landing::Refused], "under its old epoch it can never land");
    batch.epoch = epoch;
    let again = place.journal.commit(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(again, [Landing::Written]);
    let loaded = Drive::load(place.journal.as_ref(), batch.activity).await;
    assert_eq!(loaded.activity.counts().confirmed_spots, 1);
}

#[tokio::test]
async fn connections_that_died_while_nobody_used_them_do_no_lasting_harm() {
    let place = Place::new().await;
    let mut drive = Drive::create(place.journal.as_ref(), 1, settings(3)).await;
    drive.reserve(1, 0).expect("there is room");
    let mut connection = PgConnection::connect(&place.url).await.unwrap();
    let terminate = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity \
                     WHERE application_name = 'turnout' AND datname = current_database()";
    sqlx::query(terminate).execute(&mut connection).await.unwrap();
    let batch = drive.batch();
    let served = async {
        // Each dead connection is met at most once.
        loop {
            match place.journal.commit(std::slice::from_ref(&batch)).await {
                Ok(landings) => return landings,
                Err(JournalError::Unknown(_) | JournalError::Unavailable(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
    };
    let landings = tokio::time::timeout(DEADLINE, served)
        .await
        .expect("it is served again");
    assert_eq!(landings, [Landing::Written]);
}

#[tokio::test]
async fn what_is_deleted_in_passing_waits_for_nobody_who_deletes_it_too() {
    let mut place = Place::new().await;
    let old = "INSERT INTO idempotency_keys (key_digest, fingerprint, result_id, created_at) \
                 SELECT decode(lpad(to_hex(n), 32, '0'), 'hex'), 0, gen_random_uuid(), -1000000000000000 \
                 FROM generate_series(1, 11) AS n; \
               INSERT INTO revoked_sessions (sid, revoked_at, forget_at) \
                 SELECT gen_random_uuid(), 0, 0 FROM generate_series(1, 11)";
    sqlx::raw_sql(old).execute(&mut place.outside).await.unwrap();
    let oldest = "DELETE FROM idempotency_keys WHERE key_digest <> decode(lpad('b', 32, '0'), 'hex'); \
                  DELETE FROM revoked_sessions";
    place.begin(oldest).await;
    let key = KeyUse {
        digest: KeyDigest([7; 16]),
        fingerprint: 7,
    };
    let now = Timestamp::from_millis(1_000);
    let new = NewActivity {
        id: ActivityId::from(Uuid::from_u128(1)),
        settings: Arc::new(settings(3)),
        at: now,
        key: Some(key),
    };
    assert_eq!(place.journal.create(new).await.unwrap(), Creation::Created);
    let db = open(&place.url).await;
    let sid = Uuid::from_u128(2);
    end_session(&db, sid, now, now.plus_millis(1)).await.unwrap();
    place.release_rows().await;
    let left = "SELECT (SELECT count(*) FROM idempotency_keys), (SELECT count(*) FROM revoked_sessions)";
    let left: (i64, i64) = sqlx::query_as(left).fetch_one(&mut place.outside).await.unwrap();
    assert_eq!(
        left,
        (11, 12),
        "what nobody held is forgotten, and what is new is there"
    );
    db.close().await;
}

/// Two activities in one statement, which waits for a row of one of them, while the other one is settled: what settling
/// said, and how the settled and the held one landed.
async fn settled_while_blocked(
    place: &mut Place,
    numbers: [u128; 2],
    held: usize,
) -> (Settled, [Landing; 2]) {
    let mut batches = Vec::new();
    for number in numbers {
        let mut drive = Drive::create(place.journal.as_ref(), number, settings(3)).await;
        drive.reserve(number, 0).expect("there is room");
        batches.push(drive.batch());
    }
    let settled = 1 - held;
    place.hold(&[("activities", batches[held].activity.uuid())]).await;
    let (journal, asked) = (place.journal.clone(), batches.clone());
    let commit = tokio::spawn(async move { journal.commit(&asked).await });
    place.until_somebody_waits(0).await;
    let (journal, asked) = (place.journal.clone(), batches[settled].clone());
    let mut settling = tokio::spawn(async move { journal.settle(&asked).await });
    // It waits only if the statement has got to its row already.
    let at_once = tokio::time::timeout(Duration::from_millis(100), &mut settling).await;
    place.release_rows().await;
    let landings = commit.await.unwrap().unwrap();
    let said = match at_once {
        Ok(said) => said,
        Err(_) => settling.await,
    };
    (said.unwrap().unwrap(), [landings[settled], landings[held]])
}

#[tokio::test]
async fn a_statement_that_wakes_late_writes_nothing_of_what_was_settled_meanwhile() {
    let mut place = Place::new().await;
    let mut woke_late = 0;
    // Which row the statement gets to first is the database's choice, so it is held at either.
    for (round, held) in [(0, 0), (1, 1)] {
        let numbers = [2 * round + 1, 2 * round + 2];
        let (said, landings) = settled_while_blocked(&mut place, numbers, held).await;
        let expected = match said {
            Settled::NotWritten { .. } => Landing::Refused,
            Settled::Written { .. } => Landing::Written,
            other => panic!("nobody else is there: {other:?}"),
        };
        assert_eq!(landings, [expected, Landing::Written], "{said:?}");
        woke_late += usize::from(expected == Landing::Refused);
    }
    assert!(woke_late > 0, "settling never came first");
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_unavailable_and_writes_nothing() {
    let mut place = Place::new().await;
    let mut drive = Drive::create(place.journal.as_ref(), 1, settings(3)).await;
    drive.reserve(1, 0).expect("there is room");
    let batch = drive.batch();
    let slow = "CREATE FUNCTION slow() RETURNS TRIGGER LANGUAGE plpgsql AS \
                'BEGIN PERFORM pg_sleep(60); RETURN NEW; END'; \
                CREATE TRIGGER slow BEFORE INSERT ON rsvps FOR EACH ROW EXECUTE FUNCTION slow()";
    sqlx::raw_sql(slow).execute(&mut place.outside).await.unwrap();
    let refused = place.journal.commit(std::slice::from_ref(&batch)).await;
    assert!(
        matches!(refused, Err(JournalError::Unavailable(_))),
        "{refused:?}"
    );
    let loaded = Drive::load(place.journal.as_ref(), batch.activity).await;
    assert_eq!(loaded.activity.counts().seq.0, 0);
}

#[tokio::test]
async fn a_connection_to_a_database_that_takes_no_writes_is_not_used_again() {
    let mut place = Place::new().await;
    let mut drive = Drive::create(place.journal.as_ref(), 1, settings(3)).await;
    drive.reserve(1, 0).expect("there is room");
    let batch = drive.batch();
    let (_, name) = place.url.rsplit_once('/').unwrap();
    let database = format!("ALTER DATABASE {name}");
    // It holds for connections that are made from now on, as where a proxy has reached a standby.
    let standby = format!("{database} SET default_transaction_read_only = on");
    let primary = format!("{database} RESET default_transaction_read_only");
    sqlx::raw_sql(sqlx::AssertSqlSafe(standby))
        .execute(&mut place.outside)
        .await
        .unwrap();
    for _ in 0..10 {
        let refused = place.journal.commit(std::slice::from_ref(&batch)).await;
        assert!(
            matches!(refused, Err(JournalError::Unavailable(_))),
            "{refused:?}"
        );
    }
    sqlx::raw_sql(sqlx::AssertSqlSafe(primary))
        .execute(&mut place.outside)
        .await
        .unwrap();
    let landings = place.journal.commit(std::slice::from_ref(&batch)).await.unwrap();
    assert_eq!(landings, [Landing::Written]);
}
