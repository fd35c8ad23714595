//! Each design with every pool that is asked for: what is best on one machine is not on another, and a design is compared
//! at its best.

use super::CompareError;
use super::contender::Design;
use super::stand::Stand;
use crate::report::comparison::Swept;

/// Measures a design with all pools.
pub(super) async fn sweep(stand: &Stand, design: Design) -> Result<Vec<Swept>, CompareError> {
    let mut swept = Vec::new();
    for pool in &stand.options.pools {
        let server = stand.serve(design, *pool).await?;
        let taken = stand.open_baseline(&server, 0, None).await?.taken;
        swept.push(Swept {
            design,
            pool: *pool,
            per_s: taken.per_s,
            p50_ms: taken.p50_ms,
            p99_ms: taken.p99_ms,
            tries_in_vain: taken.tries_in_vain,
        });
    }
    Ok(swept)
}

/// The pool with which most was carried out.
pub(super) fn best(swept: &[Swept]) -> u32 {
    let best = swept
        .iter()
        .max_by(|one, other| one.per_s.total_cmp(&other.per_s));
    best.map_or(1, |best| best.pool)
}
