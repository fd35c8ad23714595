//! The rows of a cancelled activity follow it, in steps that leave others room to write.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use crate::domain::ActivityId;
use crate::ports::Journal;

/// Rows that follow in one transaction.
const ROWS_PER_STEP: u32 = 1_000;

/// Lets them follow. If this ends early, the next start goes on; until then every read shows them cancelled anyway.
pub(super) fn follow(journal: Arc<dyn Journal>, id: ActivityId) {
    tokio::spawn(async move {
        let mut after = None;
        loop {
            let started = Instant::now();
            match journal.follow_cancellation(id, after, ROWS_PER_STEP).await {
                Ok(None) => return,
                // Others get to write for as long as this has kept them from it.
                Ok(last) => {
                    after = last;
                    sleep(started.elapsed()).await;
                }
                Err(error) => {
                    tracing::warn!(activity.id = %id, cause = error.cause(), %error, "rows of a cancelled activity follow later");
                    return;
                }
            }
        }
    });
}
