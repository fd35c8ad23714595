//! What is true of the whole database.

use turnout_actors::domain::History;

use super::{Db, StoreError, in_transaction, on_db};

/// The number of the history that clients have seen. It changes only when that history may have gone backwards.
pub async fn history(db: &Db) -> Result<History, StoreError> {
    let select = "SELECT epoch FROM meta WHERE only_row = 1";
    let epoch: i64 = on_db!(db.lookup, |pool| sqlx::query_scalar(select).fetch_one(pool).await)?;
    Ok(History(epoch as u64))
}

/// The present history. Where it is not younger than `known`, a new one begins first.
pub async fn history_after(db: &Db, known: History) -> Result<History, StoreError> {
    let raise = "UPDATE meta SET epoch = $1 + 1 WHERE only_row = 1 AND epoch <= $1";
    if history(db).await? <= known {
        in_transaction!(db, |tx| {
            sqlx::query(raise).bind(known.0 as i64).execute(&mut *tx).await?;
        });
    }
    history(db).await
}
