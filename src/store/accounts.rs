//! Users, their sessions, and which sessions are revoked.

use sqlx::FromRow;
use turnout_actors::domain::{Email, Timestamp, UserId};
use uuid::Uuid;

use super::{Db, StoreError, in_transaction, on_db};
use crate::accounts::{Role, Rotation, Session, User};

/// A user as stored, with the hash that a password is checked against.
#[derive(Clone, Debug)]
pub struct StoredUser {
    /// The account.
    pub user: User,
    /// Its password's hash, in PHC form.
    pub password_hash: String,
}

#[derive(FromRow)]
struct UserRow {
    id: Uuid,
    name: String,
    email: String,
    password_hash: String,
    role: String,
    created_at: i64,
    updated_at: i64,
}

impl UserRow {
    fn decode(self) -> Result<StoredUser, StoreError> {
        let role = Role::parse(&self.role)
            .ok_or_else(|| sqlx::Error::Decode("a role that does not exist".into()))
            .map_err(StoreError::from)?;
        let user = User {
            id: UserId::from(self.id),
            name: self.name,
            email: self.email,
            role,
            created_at: Timestamp::from_micros(self.created_at),
            updated_at: Timestamp::from_micros(self.updated_at),
        };
        Ok(StoredUser {
            user,
            password_hash: self.password_hash,
        })
    }
}

#[derive(FromRow)]
struct SessionRow {
    sid: Uuid,
    user_id: Uuid,
    generation: i64,
    rotated_at: i64,
    expires_at: i64,
}

impl From<SessionRow> for Session {
    fn from(row: SessionRow) -> Self {
        Self {
            sid: row.sid,
            user: UserId::from(row.user_id),
            generation: row.generation,
            rotated_at: Timestamp::from_micros(row.rotated_at),
            expires_at: Timestamp::from_micros(row.expires_at),
        }
    }
}

const INSERT_SESSION: &str = "INSERT INTO sessions (sid, user_id, generation, rotated_at, expires_at) \
                              VALUES ($1, $2, $3, $4, $5)";

/// Adds a user, with the first session if there is to be one, and tells whether that was done: nothing is added
/// when somebody has the address. That is found out without an error, which would end the connection.
pub async fn insert_user(
    db: &Db,
    stored: &StoredUser,
    session: Option<&Session>,
) -> Result<bool, StoreError> {
    let insert = "INSERT INTO users (id, name, email, password_hash, role, created_at, updated_at) \
                  VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (email) DO NOTHING";
    let StoredUser { user, password_hash } = stored;
    let added = in_transaction!(db, |tx| {
        let inserted = sqlx::query(insert)
            .bind(user.id.uuid())
            .bind(&user.name)
            .bind(&user.email)
            .bind(password_hash)
            .bind(user.role.as_str())
            .bind(user.created_at.micros())
            .bind(user.updated_at.micros())
            .execute(&mut *tx)
            .await?;
        let added = inserted.rows_affected() == 1;
        if let Some(session) = session.filter(|_| added) {
            sqlx::query(INSERT_SESSION)
                .bind(session.sid)
                .bind(session.user.uuid())
                .bind(session.generation)
                .bind(session.rotated_at.micros())
                .bind(session.expires_at.micros())
                .execute(&mut *tx)
                .await?;
        }
        added
    });
    Ok(added)
}

/// The user with this address.
pub async fn user_by_email(db: &Db, email: &Email) -> Result<Option<StoredUser>, StoreError> {
    let query = "SELECT * FROM users WHERE email = $1";
    let row: Option<UserRow> = on_db!(db.read, |pool| sqlx::query_as(query)
        .bind(email.as_str())
        .fetch_optional(pool)
        .await)?;
    row.map(UserRow::decode).transpose()
}

/// The user with this id.
pub async fn user_by_id(db: &Db, id: UserId) -> Result<Option<StoredUser>, StoreError> {
    let query = "SELECT * FROM users WHERE id = $1";
    let row: Option<UserRow> = on_db!(db.read, |pool| sqlx::query_as(query)
        .bind(id.uuid())
        .fetch_optional(pool)
        .await)?;
    row.map(UserRow::decode).transpose()
}

/// Whether there is an administrator.
pub async fn has_admin(db: &Db) -> Result<bool, StoreError> {
    let query = "SELECT COUNT(*) FROM users WHERE role = $1";
    let admins: i64 = on_db!(db.read, |pool| sqlx::query_scalar(query)
        .bind(Role::Admin.as_str())
        .fetch_one(pool)
        .await)?;
    Ok(admins > 0)
}

/// Whether there is nobody at all.
pub async fn is_empty(db: &Db) -> Result<bool, StoreError> {
    let query = "SELECT COUNT(*) FROM (SELECT id FROM users LIMIT 1) AS first";
    let users: i64 = on_db!(db.read, |pool| sqlx::query_scalar(query).fetch_one(pool).await)?;
    Ok(users == 0)
}

/// Adds a session, and drops those of the same user that have expired or are too many, the oldest first.
pub async fn insert_session(db: &Db, session: &Session, now: Timestamp, most: u32) -> Result<(), StoreError> {
    let prune = "DELETE FROM sessions WHERE user_id = $1 AND (expires_at <= $2 OR sid NOT IN \
                 (SELECT sid FROM sessions WHERE user_id = $1 ORDER BY rotated_at DESC, sid DESC LIMIT $3))";
    let user = session.user.uuid();
    in_transaction!(db, |tx| {
        sqlx::query(INSERT_SESSION)
            .bind(session.sid)
            .bind(user)
            .bind(session.generation)
            .bind(session.rotated_at.micros())
            .bind(session.expires_at.micros())
            .execute(&mut *tx)
            .await?;
        sqlx::query(prune)
            .bind(user)
            .bind(now.micros())
            .bind(i64::from(most))
            .execute(&mut *tx)
            .await?;
    });
    Ok(())
}

/// Takes a session, lets `judge` say what a refresh token means for it, and advances it if so, all in one
/// transaction: of two who refresh at once, the second is judged by what the first left. Nothing when there is
/// no such session.
pub async fn rotate_session(
    db: &Db,
    sid: Uuid,
    judge: impl Fn(&Session) -> Rotation,
) -> Result<Option<(Session, StoredUser, Rotation)>, StoreError> {
    // Nothing changes by it, but on Postgres too the others wait from here on, and then read what is left to them.
    let take = "UPDATE sessions SET generation = generation WHERE sid = $1 RETURNING *";
    let find_user = "SELECT * FROM users WHERE id = $1";
    let advance = "UPDATE sessions SET generation = $2, rotated_at = $3, expires_at = $4 WHERE sid = $1";
    let rotated = in_transaction!(db, |tx| {
        let row: Option<SessionRow> = sqlx::query_as(take).bind(sid).fetch_optional(&mut *tx).await?;
        // Leaving early would end the connection with the transaction, and the token of a session that has ended
        // would be enough to do that at will.
        match row {
            None => None,
            Some(row) => {
                let user: UserRow = sqlx::query_as(find_user)
                    .bind(row.user_id)
                    .fetch_one(&mut *tx)
                    .await?;
                let session = Session::from(row);
                let rotation = judge(&session);
                let session = match rotation {
                    Rotation::Advance { to } => {
                        sqlx::query(advance)
                            .bind(sid)
                            .bind(to.generation)
                            .bind(to.rotated_at.micros())
                            .bind(to.expires_at.micros())
                            .execute(&mut *tx)
                            .await?;
                        to
                    }
                    Rotation::Repeat | Rotation::Reused | Rotation::Expired => session,
                };
                Some((session, user, rotation))
            }
        }
    });
    rotated
        .map(|(session, user, rotation)| Ok((session, user.decode()?, rotation)))
        .transpose()
}

/// Ends a session. Its access tokens are refused until `forget_at`, when all of them have expired. Drops a few of
/// those that are past theirs, so that there are never many more than a token's lifetime brings.
pub async fn end_session(db: &Db, sid: Uuid, now: Timestamp, forget_at: Timestamp) -> Result<(), StoreError> {
    let delete = "DELETE FROM sessions WHERE sid = $1";
    let revoke = "INSERT INTO revoked_sessions (sid, revoked_at, forget_at) VALUES ($1, $2, $3) \
                  ON CONFLICT (sid) DO UPDATE SET forget_at = excluded.forget_at \
                  WHERE excluded.forget_at > revoked_sessions.forget_at";
    let forget = format!(
        "DELETE FROM revoked_sessions WHERE sid IN \
         (SELECT sid FROM revoked_sessions WHERE forget_at <= $1 LIMIT 10 {})",
        db.unless_held()
    );
    in_transaction!(db, |tx| {
        sqlx::query(sqlx::AssertSqlSafe(forget))
            .bind(now.micros())
            .execute(&mut *tx)
            .await?;
        sqlx::query(delete).bind(sid).execute(&mut *tx).await?;
        sqlx::query(revoke)
            .bind(sid)
            .bind(now.micros())
            .bind(forget_at.micros())
            .execute(&mut *tx)
            .await?;
    });
    Ok(())
}

/// The sessions that are revoked at `now`, each with the time when it may be forgotten. Drops what is over.
pub async fn revoked_sessions(db: &Db, now: Timestamp) -> Result<Vec<(Uuid, Timestamp)>, StoreError> {
    let forget = "DELETE FROM revoked_sessions WHERE forget_at <= $1";
    let expire = "DELETE FROM sessions WHERE expires_at <= $1";
    let query = "SELECT sid, forget_at FROM revoked_sessions";
    let rows: Vec<(Uuid, i64)> = in_transaction!(db, |tx| {
        sqlx::query(forget).bind(now.micros()).execute(&mut *tx).await?;
        sqlx::query(expire).bind(now.micros()).execute(&mut *tx).await?;
        sqlx::query_as(query).fetch_all(&mut *tx).await?
    });
    Ok(rows
        .into_iter()
        .map(|(sid, forget_at)| (sid, Timestamp::from_micros(forget_at)))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Sources};
    use tempfile::TempDir;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);

    async fn open() -> (TempDir, Db) {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}", folder.path().join("turnout.db").display());
        let config = Config::load(Sources {
            environment: vec![("TURNOUT_DATABASE_URL".into(), url.into())],
            ..Sources::default()
        });
        let db = Db::open(&config.unwrap().database, 1).await.unwrap();
        (folder, db)
    }

    fn user(number: u128, name: &str) -> StoredUser {
        let user = User {
            id: UserId::from(Uuid::from_u128(number)),
            name: name.to_owned(),
            email: format!("{}@example.com", name.to_lowercase()),
            role: Role::Member,
            created_at: NOW,
            updated_at: NOW,
        };
        StoredUser {
            user,
            password_hash: "hash".to_owned(),
        }
    }

    fn session(sid: u128, of: &StoredUser) -> Session {
        Session::start(Uuid::from_u128(sid), of.user.id, NOW)
    }

    /// Leaves something on the writing connection that goes with it.
    async fn mark(db: &Db) -> Result<(), StoreError> {
        in_transaction!(db, |tx| {
            sqlx::query("CREATE TEMPORARY TABLE mark (x BIGINT)")
                .execute(&mut *tx)
                .await?;
        });
        Ok(())
    }

    async fn is_marked(db: &Db) -> Result<bool, StoreError> {
        let query = "SELECT COUNT(*) FROM sqlite_temp_master WHERE name = 'mark'";
        let marks: i64 = in_transaction!(db, |tx| sqlx::query_scalar(query).fetch_one(&mut *tx).await?);
        Ok(marks == 1)
    }

    async fn revoked(db: &Db) -> i64 {
        let query = "SELECT COUNT(*) FROM revoked_sessions";
        on_db!(db.read, |pool| sqlx::query_scalar(query).fetch_one(pool).await).unwrap()
    }

    #[tokio::test]
    async fn an_account_is_made_with_its_first_session_or_not_at_all() {
        let (_folder, db) = open().await;
        let (ada, bo) = (user(1, "Ada"), user(2, "Bo"));
        assert!(insert_user(&db, &ada, Some(&session(7, &ada))).await.unwrap());
        // The session cannot be added, because there is one with this id.
        assert!(insert_user(&db, &bo, Some(&session(7, &bo))).await.is_err());
        assert!(user_by_id(&db, bo.user.id).await.unwrap().is_none());
        assert!(insert_user(&db, &bo, Some(&session(8, &bo))).await.unwrap());
        let found = rotate_session(&db, Uuid::from_u128(8), |_| Rotation::Repeat);
        assert_eq!(found.await.unwrap().unwrap().0, session(8, &bo));
        db.close().await;
    }

    #[tokio::test]
    async fn nobody_can_end_the_writing_connection_by_asking_for_what_is_taken_or_over() {
        let (_folder, db) = open().await;
        let ada = user(1, "Ada");
        assert!(insert_user(&db, &ada, None).await.unwrap());
        mark(&db).await.unwrap();
        let namesake = user(2, "Ada");
        let first = session(7, &namesake);
        assert!(!insert_user(&db, &namesake, Some(&first)).await.unwrap());
        let over = rotate_session(&db, Uuid::from_u128(7), |_| Rotation::Repeat);
        assert!(over.await.unwrap().is_none());
        assert!(is_marked(&db).await.unwrap());
        db.close().await;
    }

    #[tokio::test]
    async fn sessions_whose_tokens_are_over_are_forgotten_while_others_end() {
        let (_folder, db) = open().await;
        let soon = NOW.plus_millis(1);
        for sid in 0..25 {
            end_session(&db, Uuid::from_u128(sid), NOW, soon).await.unwrap();
        }
        assert_eq!(revoked(&db).await, 25, "all of them still matter");
        let later = soon.plus_millis(1_000);
        for (sid, left) in (100..).zip([16, 7, 3, 4]) {
            end_session(&db, Uuid::from_u128(sid), soon, later).await.unwrap();
            assert_eq!(revoked(&db).await, left);
        }
        db.close().await;
    }
}
