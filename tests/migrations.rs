//! Bringing the schema up to date: by many at once, by none but the first, and not at all where it is not ours.

use std::collections::HashSet;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};
use turnout::ids::TimeOrderedIds;
use turnout_actors::ports::IdSource;

use crate::support::{
    Guest, Killable, Outside, Person, SECRET, audit, contact, host, open, postgres_of, sqlite_of,
};

const DEADLINE: Duration = Duration::from_secs(30);
const ROUNDS: usize = 3;
const SERVERS: usize = 3;
const MIGRATIONS: usize = 3;

/// The program on a database, with what it prints.
fn program(folder: &Path, database: &str, command: &str) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_turnout"));
    program
        .arg(command)
        .env_clear()
        .env("TURNOUT_DATABASE_URL", database)
        .env("TURNOUT_JWT_SECRET", SECRET)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    program
}

/// Waits for the end of a program without standing in the way of others.
async fn end(program: Child) -> Output {
    let wait = tokio::task::spawn_blocking(|| program.wait_with_output());
    tokio::time::timeout(DEADLINE, wait)
        .await
        .expect("it ends")
        .unwrap()
        .unwrap()
}

async fn migrate(folder: &Path, database: &str) -> Output {
    end(program(folder, database, "migrate").spawn().unwrap()).await
}

/// The one line that it printed when it succeeded.
fn done(output: &Output) -> String {
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    one_line(&output.stdout)
}

/// The one line that it printed when it failed.
fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(output.stdout.is_empty(), "{output:?}");
    one_line(&output.stderr)
}

fn one_line(text: &[u8]) -> String {
    let text = std::str::from_utf8(text).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    text.trim_end().to_owned()
}

#[tokio::test]
async fn servers_and_migrations_that_start_at_once_on_an_empty_database_all_come_up() {
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let database = postgres_of(folder.path());
        let migrations: Vec<Child> = (0..MIGRATIONS)
            .map(|_| program(folder.path(), &database, "migrate").spawn().unwrap())
            .collect();
        let nodes: Vec<_> = (0..SERVERS)
            .map(|_| [("TURNOUT_NODE_ID", TimeOrderedIds.next().to_string())])
            .collect();
        let servers = join_all(nodes.iter().map(|node| Killable::start_on(&database, node))).await;
        for migration in migrations {
            assert!(done(&end(migration).await).ends_with(" is up to date."));
        }
        assert_eq!(servers.len(), SERVERS);
        audit(&database).await;
    }
}

#[tokio::test]
async fn of_servers_that_start_at_once_on_a_new_file_one_gets_in_and_the_others_say_who_keeps_them_out() {
    for _ in 0..ROUNDS {
        let folder = tempfile::tempdir().unwrap();
        let database = sqlite_of(folder.path());
        let mut servers: Vec<Child> = (0..SERVERS)
            .map(|_| {
                let mut server = program(folder.path(), &database, "serve");
                server.env("TURNOUT_LISTEN", "127.0.0.1:0");
                server.spawn().unwrap()
            })
            .collect();
        let mut running = || {
            let still = |server: &mut Child| server.try_wait().unwrap().is_none();
            servers.iter_mut().map(still).filter(|still| *still).count()
        };
        let all_but_one_ended = async {
            while running() > 1 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(DEADLINE, all_but_one_ended)
            .await
            .expect("one server gets in, and no other");
        let mut serving = 0;
        for mut server in servers {
            if server.try_wait().unwrap().is_none() {
                server.kill().unwrap();
                server.wait().unwrap();
                serving += 1;
                continue;
            }
            let line = refused(&server.wait_with_output().unwrap());
            let file = folder.path().join("turnout.db");
            let says = format!(
                "turnout: another server is using {file} (it holds {file}.lock)",
                file = file.display()
            );
            assert_eq!(line, says);
        }
        assert_eq!(serving, 1);
    }
}

/// Checks what is said of a database whose schema is another version's.
async fn expect_refusals(folder: &Path, database: &str, shown: &str) {
    open(database).await.close().await;
    assert_eq!(
        done(&migrate(folder, database).await),
        format!("The schema of {shown} is up to date.")
    );
    for (change, says) in [
        (
            // Undone by the next.
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT 9000, 'from the future', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1",
            "a newer version of Turnout has changed its schema (by migration 9000, which this one does not know)",
        ),
        (
            "DELETE FROM _sqlx_migrations WHERE version = 9000; \
             UPDATE _sqlx_migrations SET checksum = (SELECT checksum FROM _sqlx_migrations WHERE version = 1) \
             WHERE version = 2",
            "migration 2 was applied to it in another form than this version of Turnout has",
        ),
    ] {
        let mut outside = Outside::connect(database).await;
        outside.run(change).await;
        outside.close().await;
        for command in ["migrate", "serve"] {
            let ended = end(program(folder, database, command).spawn().unwrap()).await;
            let line = refused(&ended);
            println!("{line}");
            let expected = format!("turnout: cannot use {shown}: {says}");
            assert!(line.starts_with(&expected), "{line}");
        }
    }
}

#[tokio::test]
async fn a_file_that_another_version_has_migrated_is_left_alone_and_that_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let shown = folder.path().join("turnout.db").display().to_string();
    expect_refusals(folder.path(), &sqlite_of(folder.path()), &shown).await;
}

#[tokio::test]
async fn a_postgres_database_that_another_version_has_migrated_is_left_alone_and_that_is_said_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    let shown = database.replace("turnout@", "");
    expect_refusals(folder.path(), &database, &shown).await;
}

#[tokio::test]
async fn a_start_waits_for_a_migration_that_takes_its_time() {
    let folder = tempfile::tempdir().unwrap();
    let database = postgres_of(folder.path());
    open(&database).await.close().await;
    let mut other = Outside::connect(&database).await;
    other.run("BEGIN").await;
    other
        .run("LOCK TABLE _sqlx_migrations IN ACCESS EXCLUSIVE MODE")
        .await;
    let waiting = program(folder.path(), &database, "migrate").spawn().unwrap();
    // It has waited longer than a statement may wait when it asks again.
    let asked_again = async {
        let mut asked = HashSet::new();
        let mut outside = Outside::connect(&database).await;
        let whoever_waits = "SELECT CAST(query_start AS TEXT) FROM pg_stat_activity \
                             WHERE wait_event_type = 'Lock' AND datname = current_database()";
        while asked.len() < 2 {
            asked.extend(outside.all::<(String,)>(whoever_waits).await);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        outside.close().await;
    };
    tokio::time::timeout(DEADLINE, asked_again)
        .await
        .expect("it waits, and goes on waiting");
    other.run("COMMIT").await;
    done(&end(waiting).await);
    other.close().await;
}

/// Takes away what the migrations from that of offers on have changed, and what a log did not say that was written before it.
const UNDO_OFFERS: &str = "ALTER TABLE rsvps ADD COLUMN attendee_key TEXT NOT NULL DEFAULT ''; \
                           UPDATE rsvps SET attendee_key = COALESCE(email, CAST(id AS TEXT)); \
                           DROP INDEX rsvps_one_per_user; DROP INDEX rsvps_one_per_guest; \
                           CREATE UNIQUE INDEX rsvps_one_per_person ON rsvps (activity_id, attendee_key) \
                           WHERE status <> 'cancelled'; DROP INDEX rsvps_offered; ALTER TABLE rsvps DROP COLUMN offer_expires_at; \
                           ALTER TABLE activity_events DROP COLUMN actor_kind; \
                           ALTER TABLE activities DROP COLUMN last_ticket; \
                           UPDATE activity_events SET data = REPLACE(data, ',\"needs\":2,\"free\":1', ''); \
                           DELETE FROM _sqlx_migrations WHERE version >= 4";

#[tokio::test]
async fn a_database_from_before_there_were_offers_goes_on_where_it_was() {
    let mut server = Killable::start().await;
    let path = server.open(&host(), 3).await;
    let own = format!("{path}/rsvp");
    let people: Vec<Person> = (2..7).map(Person::member).collect();
    for (person, guests) in people.iter().zip([0, 0, 0, 1, 0]) {
        let reserve = server.request(Method::POST, &own).by(person);
        reserve
            .json(&json!({"guest_count": guests}))
            .send()
            .await
            .expect(201);
    }
    server
        .request(Method::DELETE, &own)
        .by(&people[0])
        .send()
        .await
        .expect(200);
    assert!(server.stop_gently().success());
    let mut outside = Outside::connect(server.database()).await;
    outside.run(UNDO_OFFERS).await;
    outside.close().await;

    server.start_again().await;
    let events = format!("{path}/events");
    let log = server
        .request(Method::GET, &events)
        .by(&host())
        .send()
        .await
        .expect(200);
    let last = log["data"].as_array().unwrap().last().unwrap();
    assert_eq!(
        (&last["actor"], &last["reason"]),
        (
            &json!(format!("user:{}", people[0].id)),
            &json!("promoted past ticket 4, which needs more spots than are free")
        )
    );
    // What there was is there, and what is new works.
    let offers = json!({"promotion": {"mode": "offer", "ttl_s": 60}});
    server
        .request(Method::PATCH, &path)
        .by(&host())
        .json(&offers)
        .send()
        .await
        .expect(200);
    let guest = server
        .request(Method::POST, &own)
        .json(&contact("Ada"))
        .send()
        .await
        .expect(201);
    let guest = Guest::told_by(&guest);
    for person in &people[1..3] {
        server
            .request(Method::DELETE, &own)
            .by(person)
            .send()
            .await
            .expect(200);
    }
    let statuses = async |tokens: [&str; 2]| -> Vec<Value> {
        let mut statuses = Vec::new();
        for token in tokens {
            let rsvp = server
                .request(Method::GET, &own)
                .token(token)
                .send()
                .await
                .expect(200);
            statuses.push(rsvp["status"].clone());
        }
        statuses
    };
    let found = statuses([&people[3].token, &guest.token]).await;
    assert!(found.contains(&json!("offered")), "{found:?}");
    let log = server
        .request(Method::GET, &events)
        .by(&host())
        .send()
        .await
        .expect(200);
    let actors: Vec<&Value> = log["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| &event["actor"])
        .collect();
    assert!(actors.contains(&&json!(format!("guest:{}", guest.id))));
}
