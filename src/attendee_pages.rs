//! Later pages of who comes to an activity, from the database. The first page is always current and never here.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;
use turnout_actors::domain::ActivityId;

use crate::store::rsvps::{self, ConfirmedRow};
use crate::store::{Db, StoreError};

/// How old a page may be.
const KEPT_FOR: Duration = Duration::from_secs(60);
/// Pages that are kept, of about ten kilobytes each at most.
const PAGES_MAX: u64 = 10_000;

/// A page: of which activity, its number from 1, and how many it has at most.
type Which = (ActivityId, u32, u32);

/// Pages that are kept for a while, each read once however many ask for it at the same time.
pub struct AttendeePages {
    db: Db,
    pages: Cache<Which, Arc<Vec<ConfirmedRow>>>,
}

impl AttendeePages {
    /// No pages yet.
    pub fn new(db: Db) -> Self {
        let pages = Cache::builder()
            .max_capacity(PAGES_MAX)
            .time_to_live(KEPT_FOR)
            .build();
        Self { db, pages }
    }

    /// Those who come, from place `offset` on, the newest first.
    pub async fn page(&self, which: Which, offset: u64) -> Result<Arc<Vec<ConfirmedRow>>, Arc<StoreError>> {
        let (activity, _, limit) = which;
        let read = async {
            rsvps::confirmed(&self.db, activity, offset, limit)
                .await
                .map(Arc::new)
        };
        self.pages.try_get_with(which, read).await
    }
}
