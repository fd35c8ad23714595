//! The database's own word: what the engine would never send is refused by the schema, on both databases.

use sqlx::{Connection, PgConnection, SqliteConnection};

use crate::support::{open, postgres_of, sqlite_of};

/// Identifiers as both databases read them from text.
struct Texts {
    /// Makes an identifier of 16 bytes that are all this digit.
    id: fn(char) -> String,
}

const SQLITE: Texts = Texts {
    id: |digit| format!("x'{}'", digit.to_string().repeat(32)),
};
const POSTGRES: Texts = Texts {
    id: |digit| format!("'{}'::UUID", digit.to_string().repeat(32)),
};

impl Texts {
    /// An activity with 2 seats, one of them taken, and its one RSVP and event.
    fn usual(&self) -> [String; 3] {
        let id = self.id;
        [
            format!(
                "INSERT INTO activities (id, title, time_zone, starts_at, ends_at, capacity, max_guests, \
                 waitlist_paused, patience, promotion, guests, visibility, attendees_visible, host_id, version, \
                 created_at, updated_at, capacity_limit, stamped_at, confirmed_spots, seq) \
                 VALUES ({}, 'x', 'UTC', 1, 2, 2, 0, FALSE, 3, '', '', '', '', {}, 1, 1, 1, 2, 1, 1, 1)",
                id('a'),
                id('b')
            ),
            self.rsvp('c', 'd', "'confirmed', NULL, 0"),
            self.event(1),
        ]
    }

    fn rsvp(&self, rsvp: char, person: char, status_reason_guests: &str) -> String {
        let id = self.id;
        format!(
            "INSERT INTO rsvps (id, activity_id, user_id, name, status, cancel_reason, guest_count, ticket, \
             version, generation, created_at, updated_at) \
             VALUES ({}, {}, {}, 'x', {status_reason_guests}, 1, 1, 1, 1, 1)",
            id(rsvp),
            id('a'),
            id(person)
        )
    }

    /// A further RSVP that stands so, with an offer that ends then.
    fn offer(&self, rsvp: char, person: char, status_reason: &str, ends: &str) -> String {
        let id = self.id;
        format!(
            "INSERT INTO rsvps (id, activity_id, user_id, name, status, cancel_reason, guest_count, ticket, \
             version, generation, created_at, updated_at, offer_expires_at) \
             VALUES ({}, {}, {}, 'x', {status_reason}, 0, 1, 1, 1, 1, 1, {ends})",
            id(rsvp),
            id('a'),
            id(person)
        )
    }

    fn event(&self, seq: u32) -> String {
        let id = self.id;
        format!(
            "INSERT INTO activity_events (activity_id, seq, at, kind, actor) VALUES ({}, {seq}, 1, 'confirmed', {})",
            id('a'),
            id('d')
        )
    }

    /// What must be refused, with what it would do.
    fn refused(&self) -> Vec<(&'static str, String)> {
        let set = |change: &str| format!("UPDATE activities SET {change}");
        vec![
            ("overbook", set("confirmed_spots = 3")),
            ("overbook with offers", set("offered_spots = 2")),
            ("cut the limit below what is held", set("capacity_limit = 0")),
            ("hold less than nothing", set("confirmed_spots = -1")),
            ("offer less than nothing", set("offered_spots = -1")),
            ("let less than nobody in", set("checked_in_spots = -1")),
            ("let less than nobody wait", set("waitlisted_parties = -1")),
            ("wait for less than nothing", set("waitlisted_spots = -1")),
            ("have no capacity", set("capacity = 0")),
            (
                "give a person two seats",
                self.rsvp('e', 'd', "'confirmed', NULL, 0"),
            ),
            (
                "let a person wait who has a seat",
                self.rsvp('e', 'd', "'waitlisted', NULL, 0"),
            ),
            (
                "let a person begin anew who has left",
                self.rsvp('e', 'd', "'cancelled', 'by_host', 0"),
            ),
            ("be in no known state", self.rsvp('e', 'f', "'perhaps', NULL, 0")),
            (
                "cancel without a reason",
                self.rsvp('e', 'f', "'cancelled', NULL, 0"),
            ),
            (
                "give a reason without cancelling",
                self.rsvp('e', 'f', "'confirmed', 'by_host', 0"),
            ),
            (
                "bring less than nobody",
                self.rsvp('e', 'f', "'confirmed', NULL, -1"),
            ),
            (
                "give a person an offer who has a seat",
                self.offer('e', 'd', "'offered', NULL", "2"),
            ),
            (
                "have a seat and an offer",
                self.offer('e', 'f', "'confirmed', NULL", "2"),
            ),
            (
                "wait with an offer",
                self.offer('e', 'f', "'waitlisted', NULL", "2"),
            ),
            (
                "cancel and keep the offer",
                self.offer('e', 'f', "'cancelled', 'offer_expired'", "2"),
            ),
            (
                "keep the offer on the way out",
                "UPDATE rsvps SET offer_expires_at = 2".to_owned(),
            ),
            ("write an event twice", self.event(1)),
        ]
    }

    /// What must go, so that the refusals above are about what they name.
    fn accepted(&self) -> Vec<String> {
        vec![
            "UPDATE activities SET confirmed_spots = 2".to_owned(),
            self.rsvp('e', 'e', "'cancelled', 'by_host', 0"),
            self.rsvp('1', 'f', "'waitlisted', NULL, 2"),
            self.offer('2', '2', "'offered', NULL", "2"),
            self.offer('3', '3', "'confirmed', NULL", "NULL"),
            self.event(2),
        ]
    }
}

/// Runs everything on one kind of connection.
macro_rules! check {
    ($connection:expr, $texts:expr) => {
        for statement in $texts.usual() {
            let sql = sqlx::AssertSqlSafe(statement.clone());
            sqlx::query(sql)
                .execute(&mut $connection)
                .await
                .expect(&statement);
        }
        for (what, statement) in $texts.refused() {
            let refused = sqlx::query(sqlx::AssertSqlSafe(statement))
                .execute(&mut $connection)
                .await;
            let error = refused.expect_err(what);
            let kind = error.as_database_error().map(sqlx::error::DatabaseError::kind);
            use sqlx::error::ErrorKind::{CheckViolation, UniqueViolation};
            assert!(
                matches!(kind, Some(CheckViolation | UniqueViolation)),
                "{what}: {error}"
            );
        }
        for statement in $texts.accepted() {
            let sql = sqlx::AssertSqlSafe(statement.clone());
            sqlx::query(sql)
                .execute(&mut $connection)
                .await
                .expect(&statement);
        }
    };
}

#[tokio::test]
async fn a_file_refuses_what_the_engine_would_never_send() {
    let folder = tempfile::tempdir().unwrap();
    let url = sqlite_of(folder.path());
    open(&url).await.close().await;
    let mut connection = SqliteConnection::connect(&url).await.unwrap();
    check!(connection, SQLITE);
}

#[tokio::test]
async fn postgres_refuses_what_the_engine_would_never_send() {
    let folder = tempfile::tempdir().unwrap();
    let url = postgres_of(folder.path());
    open(&url).await.close().await;
    let mut connection = PgConnection::connect(&url).await.unwrap();
    check!(connection, POSTGRES);
}
