//! Later pages of who comes to an activity, from the database. The first page is always current and never here.
//!
//! Pages are cut out of slices that begin at the same places whoever asks, so that as much is kept for an activity as
//! there are people, and not as many times as there are lengths of pages.

use std::future::{Future, ready};
use std::ops::Range;
use std::sync::Arc;

use moka::future::Cache;
use moka::ops::compute::Op;
use turnout_actors::domain::{ActivityId, Timestamp};
use turnout_actors::ports::Clock;

use crate::store::rsvps::{self, ConfirmedRow};
use crate::store::{Db, StoreError};

/// How old a slice may be, in milliseconds.
const KEPT_FOR_MS: i64 = 60_000;
/// People in a slice: as many as a page may have, so that no page is cut out of more than two.
const SLICE_ROWS: u32 = 100;
/// What all slices together may take: some 1,500 of the longest names there are, or 10,000 of usual ones.
const SLICES_BYTES_MAX: u64 = 64 << 20;
/// What a slice takes beside its rows, roughly.
const SLICE_BYTES: usize = 256;

/// Pages of those who come, out of slices that are kept for a while.
pub struct AttendeePages {
    db: Db,
    slices: Slices,
}

impl AttendeePages {
    /// No pages yet.
    pub fn new(db: Db, clock: Arc<dyn Clock>) -> Self {
        let slices = Slices::new(clock, SLICES_BYTES_MAX);
        Self { db, slices }
    }

    /// Those who come, from place `offset` on, the newest first, and not more than `limit` of them.
    pub async fn page(
        &self,
        activity: ActivityId,
        offset: u64,
        limit: u32,
    ) -> Result<Vec<ConfirmedRow>, Arc<StoreError>> {
        let mut page = Vec::new();
        for (number, places) in parts(offset, limit) {
            let first = number * u64::from(SLICE_ROWS);
            let read = rsvps::confirmed(&self.db, activity, first, SLICE_ROWS);
            let slice = self.slices.slice((activity, number), read).await?;
            let rows = slice.rows.iter().skip(places.start).take(places.len());
            page.extend(rows.cloned());
            if slice.rows.len() < places.end {
                break;
            }
        }
        Ok(page)
    }
}

/// Where a page lies: in which slices, by their numbers from 0, and at which places in each.
fn parts(offset: u64, limit: u32) -> impl Iterator<Item = (u64, Range<usize>)> {
    let size = u64::from(SLICE_ROWS);
    let end = offset.saturating_add(limit.into());
    (offset / size..end.div_ceil(size)).map(move |number| {
        let first = number * size;
        let (from, to) = (offset.saturating_sub(first), size.min(end - first));
        (number, from as usize..to as usize)
    })
}

/// A slice: of which activity, and its number from 0.
type Which = (ActivityId, u64);

/// Some of those who come to an activity, as they were a while ago.
struct Slice {
    as_of: Timestamp,
    rows: Vec<ConfirmedRow>,
}

/// Slices, each read once however many ask for it at the same time.
struct Slices {
    clock: Arc<dyn Clock>,
    kept: Cache<Which, Arc<Slice>>,
}

impl Slices {
    fn new(clock: Arc<dyn Clock>, bytes_max: u64) -> Self {
        let kept = Cache::builder()
            .weigher(|_, slice: &Arc<Slice>| slice.bytes())
            .max_capacity(bytes_max)
            .build();
        Self { clock, kept }
    }

    /// A slice that is not too old, which is read if there is none.
    async fn slice<E: Send + Sync + 'static>(
        &self,
        which: Which,
        read: impl Future<Output = Result<Vec<ConfirmedRow>, E>>,
    ) -> Result<Arc<Slice>, Arc<E>> {
        // What is read shows what was when the reading began, or later.
        let now = self.clock.now();
        if let Some(slice) = self.kept.get(&which).await {
            if slice.is_current(now) {
                return Ok(slice);
            }
            // Somebody may have put a new one in its place meanwhile: that stays.
            let old = self.kept.entry(which);
            let forget = |kept: Option<moka::Entry<Which, Arc<Slice>>>| {
                let is_old = kept.is_some_and(|kept| !kept.value().is_current(now));
                ready(if is_old { Op::Remove } else { Op::Nop })
            };
            old.and_compute_with(forget).await;
        }
        let read = async { read.await.map(|rows| Arc::new(Slice { as_of: now, rows })) };
        self.kept.try_get_with(which, read).await
    }
}

impl Slice {
    fn is_current(&self, now: Timestamp) -> bool {
        now < self.as_of.plus_millis(KEPT_FOR_MS)
    }

    /// What it takes in memory.
    fn bytes(&self) -> u32 {
        let row = |row: &ConfirmedRow| size_of::<ConfirmedRow>() + row.name.capacity();
        let rows: usize = self.rows.iter().map(row).sum();
        u32::try_from(SLICE_BYTES + rows).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use futures::future::join_all;
    use tokio::task::yield_now;
    use turnout_actors::testing::ManualClock;
    use uuid::Uuid;

    use super::*;

    const START: Timestamp = Timestamp::from_millis(1_777_600_000_000);

    fn row(name: impl Into<String>) -> ConfirmedRow {
        ConfirmedRow {
            name: name.into(),
            total_spots: 1,
            created_at: START,
        }
    }

    fn slices(bytes_max: u64) -> (Arc<ManualClock>, Slices) {
        let clock = Arc::new(ManualClock::at(START));
        (clock.clone(), Slices::new(clock, bytes_max))
    }

    fn which(number: u64) -> Which {
        (ActivityId::from(Uuid::from_u128(1)), number)
    }

    /// The name in a slice of one, read anew as this one where it has to be read.
    async fn name(slices: &Slices, new: &str) -> String {
        let read = ready(Ok::<_, ()>(vec![row(new)]));
        let slice = slices.slice(which(0), read).await.unwrap();
        slice.rows[0].name.clone()
    }

    #[test]
    fn a_page_lies_in_the_slices_that_have_its_places_and_in_two_at_most() {
        for limit in [1, 7, 20, 30, 99, 100] {
            for offset in 0..350 {
                let parts: Vec<_> = parts(offset, limit).collect();
                assert!(parts.len() <= 2, "{parts:?}");
                let size = u64::from(SLICE_ROWS);
                let places = parts.into_iter().flat_map(|(number, places)| {
                    assert!(places.end as u64 <= size);
                    places.map(move |place| number * size + place as u64)
                });
                assert!(places.eq(offset..offset + u64::from(limit)));
            }
        }
    }

    #[tokio::test]
    async fn a_slice_is_read_anew_once_it_is_a_minute_old() {
        let (clock, slices) = slices(SLICES_BYTES_MAX);
        for (after_ms, new, seen) in [
            (0, "Ada", "Ada"),
            (59_999, "Bo", "Ada"),
            (60_000, "Cy", "Cy"),
            (119_999, "Di", "Cy"),
            (500_000, "Ed", "Ed"),
        ] {
            clock.set(START.plus_millis(after_ms));
            assert_eq!(name(&slices, new).await, seen, "after {after_ms} ms");
        }
    }

    #[tokio::test]
    async fn an_old_slice_is_read_once_however_many_find_it() {
        let (clock, slices) = slices(SLICES_BYTES_MAX);
        name(&slices, "Ada").await;
        clock.set(START.plus_millis(60_000));
        let reads = Cell::new(0);
        let ask = || async {
            let read = async {
                reads.set(reads.get() + 1);
                yield_now().await;
                Ok::<_, ()>(vec![row("Bo")])
            };
            slices.slice(which(0), read).await.unwrap().rows[0].name.clone()
        };
        let seen = join_all((0..100).map(|_| ask())).await;
        assert!(seen.iter().all(|name| name == "Bo"), "{seen:?}");
        assert_eq!(reads.get(), 1);
    }

    #[tokio::test]
    async fn what_could_not_be_read_is_told_to_all_who_wait_and_read_again_for_the_next() {
        let (clock, slices) = slices(SLICES_BYTES_MAX);
        for minute in 0..2 {
            clock.set(START.plus_millis(minute * KEPT_FOR_MS));
            let reads = Cell::new(0);
            let ask = || async {
                let read = async {
                    reads.set(reads.get() + 1);
                    yield_now().await;
                    Err(())
                };
                slices.slice(which(0), read).await.is_err()
            };
            assert!(
                join_all([ask(), ask(), ask()])
                    .await
                    .into_iter()
                    .all(|failed| failed)
            );
            assert_eq!(reads.get(), 1);
            assert_eq!(name(&slices, "Ada").await, "Ada");
        }
    }

    #[tokio::test]
    async fn slices_are_kept_up_to_a_number_of_bytes() {
        const FIT: u64 = 8;
        let long = || (0..SLICE_ROWS).map(|_| row("x".repeat(400))).collect::<Vec<_>>();
        let slice = Slice {
            as_of: START,
            rows: long(),
        };
        let bytes = u64::from(slice.bytes());
        assert!((40_000..60_000).contains(&bytes), "{bytes}");
        let (_, slices) = slices(FIT * bytes);
        for number in 0..10 * FIT {
            slices
                .slice(which(number), ready(Ok::<_, ()>(long())))
                .await
                .unwrap();
        }
        slices.kept.run_pending_tasks().await;
        assert!(slices.kept.weighted_size() <= FIT * bytes);
        assert!(slices.kept.entry_count() <= FIT && slices.kept.entry_count() > 0);
    }
}
