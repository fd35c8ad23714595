//! One policy, kept for each address apart by the algorithm of the governor crate (GCRA).
//!
//! What was counted can be given back, so that whatever is refused for another reason costs nothing.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock as _;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::{DashMapStateStore, ShrinkableKeyedStateStore};
use governor::{Quota, RateLimiter};
use turnout_actors::ports::Clock;

use crate::api::RatePolicy;

pub(super) struct Limiter {
    /// In what time there is room for one more.
    each: Duration,
    counted: Counted,
    governor: RateLimiter<IpAddr, Counted, Time, NoOpMiddleware<Duration>>,
}

/// The time of the process, as what has passed since 1970.
struct Time(Arc<dyn Clock>);

impl governor::clock::Clock for Time {
    type Instant = Duration;

    fn now(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.now().micros()).unwrap_or(0))
    }
}

impl Limiter {
    /// Lets so many requests through at once as the policy's quota is, and as many more in each window, evenly.
    pub(super) fn new(policy: RatePolicy, clock: Arc<dyn Clock>) -> Self {
        let quota = NonZeroU32::new(policy.quota).expect("no policy allows nothing");
        let each = Duration::from_secs(policy.window_s.into()) / policy.quota;
        let quota = Quota::with_period(each)
            .expect("no window is without length")
            .allow_burst(quota);
        let counted = Counted::default();
        Self {
            each,
            governor: RateLimiter::new(quota, counted.clone(), Time(clock)),
            counted,
        }
    }

    /// Counts one request. One that is too many is not counted, and is told how long it is until there is room.
    pub(super) fn count(&self, address: IpAddr) -> Result<(), Duration> {
        self.governor
            .check_key(&address)
            .map_err(|until| until.wait_time_from(self.governor.clock().now()))
    }

    /// Takes back that a request was counted a moment ago.
    pub(super) fn give_back(&self, address: IpAddr) {
        let each = Nanos::from(self.each);
        // Nothing is given back to an address that was forgotten meanwhile: it has everything.
        let earlier = |next: Option<Nanos>| next.map(|next| ((), next.saturating_sub(each))).ok_or(());
        let _ = self.counted.measure_and_replace(&address, earlier);
    }

    /// Forgets addresses that may come as often as any stranger.
    pub(super) fn sweep(&self) {
        self.governor.retain_recent();
        self.governor.shrink_to_fit();
    }

    /// How many addresses are remembered.
    pub(super) fn remembered(&self) -> usize {
        self.governor.len()
    }
}

/// What was counted of each address. The governor owns one half, [`Limiter::give_back`] needs the other.
#[derive(Clone, Default)]
struct Counted(Arc<DashMapStateStore<IpAddr>>);

impl StateStore for Counted {
    type Key = IpAddr;

    fn measure_and_replace<T, F, E>(&self, address: &IpAddr, measure: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(address, measure)
    }
}

impl ShrinkableKeyedStateStore<IpAddr> for Counted {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        self.0.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use turnout_actors::domain::Timestamp;
    use turnout_actors::testing::ManualClock;

    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));

    fn limiter() -> Limiter {
        let policy = RatePolicy {
            name: "burst",
            quota: 3,
            window_s: 3,
        };
        let now = Timestamp::from_millis(1_777_636_800_000);
        Limiter::new(policy, Arc::new(ManualClock::at(now)))
    }

    #[test]
    fn what_is_given_back_may_be_used_again_and_nothing_more() {
        let limiter = limiter();
        for _ in 0..10 {
            assert_eq!(limiter.count(HERE), Ok(()));
            limiter.give_back(HERE);
        }
        let left: Vec<_> = (0..4).map(|_| limiter.count(HERE)).collect();
        assert_eq!(left, [Ok(()), Ok(()), Ok(()), Err(Duration::from_secs(1))]);
    }

    #[test]
    fn nothing_is_given_to_an_address_that_is_not_known() {
        let limiter = limiter();
        limiter.give_back(HERE);
        let left = (0..10).filter(|_| limiter.count(HERE).is_ok()).count();
        assert_eq!(left, 3);
    }
}
