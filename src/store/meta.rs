//! What is true of the whole database.

use super::{Db, StoreError, on_db};

/// The number of the history that clients have seen. It changes only when that history may have gone backwards.
pub async fn epoch(db: &Db) -> Result<u64, StoreError> {
    let select = "SELECT epoch FROM meta WHERE only_row = 1";
    let epoch: i64 = on_db!(db.read, |pool| sqlx::query_scalar(select).fetch_one(pool).await)?;
    Ok(epoch as u64)
}
