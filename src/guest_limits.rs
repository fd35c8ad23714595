//! How often guests may come from one address: whoever has an account is known by it, and guests by nothing else.
//!
//! What was refused costs nothing, so whoever waits as long as they are told gets through.

mod limiter;

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use turnout_actors::ports::Clock;

use crate::api::{Problem, RateLimit, RatePolicy};
use crate::network::network;
use limiter::Limiter;

/// So many at once, and as many more in each window, evenly.
const BURST: RatePolicy = RatePolicy {
    name: "burst",
    quota: 20,
    window_s: 10,
};
/// The same for those who keep coming.
const SUSTAINED: RatePolicy = RatePolicy {
    name: "sustained",
    quota: 100,
    window_s: 60,
};
const POLICIES: [RatePolicy; 2] = [BURST, SUSTAINED];

/// After so many requests, or as many as addresses were left the last time if those are more, addresses are forgotten
/// that may come as often as any stranger. One request that is let through keeps its address for 1.2 s and each further
/// one for 0.6 s more, so of a crowd from ever new addresses those are left that came within the last moments.
const CHECKS_PER_SWEEP: i64 = 1_024;

/// Counts guests by address.
pub struct GuestLimits(Option<Limits>);

struct Limits {
    burst: Limiter,
    sustained: Limiter,
    checks_until_sweep: AtomicI64,
}

impl GuestLimits {
    /// Counts by this clock.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self(Some(Limits {
            burst: Limiter::new(BURST, clock.clone()),
            sustained: Limiter::new(SUSTAINED, clock),
            checks_until_sweep: AtomicI64::new(CHECKS_PER_SWEEP),
        }))
    }

    /// Lets everybody through.
    pub fn off() -> Self {
        Self(None)
    }

    /// Counts one request of a guest who comes from this address; `rate_limited` if there were too many.
    pub fn check(&self, address: IpAddr) -> Result<(), Problem> {
        self.0
            .as_ref()
            .map_or(Ok(()), |limits| limits.check(network(address)))
            .map_err(Problem::rate_limited)
    }
}

impl Limits {
    fn check(&self, address: IpAddr) -> Result<(), RateLimit> {
        self.sweep_now_and_then();
        // Both are asked in any case, because whoever is refused is told when both have room.
        match (self.burst.count(address), self.sustained.count(address)) {
            (Ok(()), Ok(())) => Ok(()),
            (Err(wait), Ok(())) => {
                self.sustained.give_back(address);
                Err(reached(BURST, wait))
            }
            (Ok(()), Err(wait)) => {
                self.burst.give_back(address);
                Err(reached(SUSTAINED, wait))
            }
            (Err(burst), Err(sustained)) if burst > sustained => Err(reached(BURST, burst)),
            (Err(_), Err(sustained)) => Err(reached(SUSTAINED, sustained)),
        }
    }

    fn sweep_now_and_then(&self) {
        // Others count on below zero while one sweeps.
        if self.checks_until_sweep.fetch_sub(1, Ordering::Relaxed) != 1 {
            return;
        }
        self.burst.sweep();
        self.sustained.sweep();
        let left = i64::try_from(self.remembered()).unwrap_or(i64::MAX);
        self.checks_until_sweep
            .store(left.max(CHECKS_PER_SWEEP), Ordering::Relaxed);
    }

    /// How many addresses are remembered.
    fn remembered(&self) -> usize {
        self.burst.remembered().max(self.sustained.remembered())
    }
}

fn reached(policy: RatePolicy, wait: Duration) -> RateLimit {
    RateLimit {
        policies: &POLICIES,
        reached: policy,
        // Rounded up, so that nobody comes too early.
        resets_in_ms: u64::try_from(wait.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use turnout_actors::domain::Timestamp;
    use turnout_actors::testing::ManualClock;

    use super::*;
    use crate::api::Code;

    struct Door {
        clock: Arc<ManualClock>,
        limits: GuestLimits,
    }

    impl Door {
        fn open() -> Self {
            let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_777_636_800_000)));
            let limits = GuestLimits::new(clock.clone());
            Self { clock, limits }
        }

        fn pass_ms(&self, ms: i64) {
            self.clock.set(self.clock.now().plus_millis(ms));
        }

        fn knock(&self, address: &str) -> Result<(), RateLimit> {
            let answer = self.limits.check(address.parse().unwrap());
            answer.map_err(|problem| {
                assert_eq!(problem.code(), Code::RateLimited);
                *problem.rate_limit().unwrap()
            })
        }

        /// How many of so many get in at once.
        fn let_in(&self, address: &str, guests: usize) -> usize {
            (0..guests).filter(|_| self.knock(address).is_ok()).count()
        }

        fn remembered(&self) -> usize {
            self.limits.0.as_ref().unwrap().remembered()
        }
    }

    const HERE: &str = "192.0.2.1";

    #[test]
    fn twenty_guests_get_in_at_once_and_one_more_each_half_second() {
        let door = Door::open();
        assert_eq!(door.let_in(HERE, 50), 20);
        door.pass_ms(499);
        assert_eq!(door.let_in(HERE, 50), 0);
        door.pass_ms(1);
        assert_eq!(door.let_in(HERE, 50), 1);
        door.pass_ms(10_000);
        assert_eq!(door.let_in(HERE, 50), 20);
    }

    #[test]
    fn whoever_keeps_coming_gets_in_a_hundred_times_a_minute_however_often_they_try() {
        for every_ms in [10, 70, 250, 300] {
            let door = Door::open();
            let mut let_in = 0;
            for _ in 0..=10 * 60 * 1_000 / every_ms {
                let_in += door.let_in(HERE, 5);
                door.pass_ms(every_ms);
            }
            // What may come at once, and then a hundred each minute.
            assert!(
                (1_098..=1_100).contains(&let_in),
                "{let_in} at every {every_ms} ms"
            );
        }
    }

    #[test]
    fn whoever_stays_within_both_limits_is_never_refused() {
        let door = Door::open();
        for _ in 0..10 {
            for _ in 0..5 {
                assert_eq!(door.let_in(HERE, 20), 20);
                door.pass_ms(10_000);
            }
            door.pass_ms(10_000);
        }
    }

    #[test]
    fn whoever_waits_as_long_as_they_are_told_gets_in_however_often_others_knock() {
        let door = Door::open();
        let mut met = Vec::new();
        for _ in 0..1_000 {
            if let Err(limit) = door.knock(HERE) {
                assert_eq!(door.let_in(HERE, 100), 0);
                door.pass_ms(i64::try_from(limit.resets_in_ms).unwrap() - 1);
                assert_eq!(door.let_in(HERE, 100), 0, "it is no longer than it must be");
                door.pass_ms(1);
                assert_eq!(door.knock(HERE), Ok(()));
                met.push(limit.reached);
            }
        }
        assert!(met.contains(&BURST) && met.contains(&SUSTAINED));
    }

    #[test]
    fn a_refusal_says_which_limit_was_reached_and_when_to_come_back() {
        let door = Door::open();
        door.let_in(HERE, 20);
        door.pass_ms(200);
        let address = HERE.parse().unwrap();
        let problem = door.limits.check(address).unwrap_err();
        let expected = RateLimit {
            policies: &[BURST, SUSTAINED],
            reached: BURST,
            resets_in_ms: 300,
        };
        assert_eq!(problem.rate_limit(), Some(&expected));
        assert_eq!(problem.retry_in_ms(), Some(300));
    }

    #[test]
    fn nobody_suffers_from_guests_elsewhere() {
        let door = Door::open();
        door.let_in(HERE, 50);
        assert_eq!(door.let_in("192.0.2.2", 50), 20);
    }

    #[test]
    fn a_network_of_ipv6_counts_as_one_address_and_ipv4_in_both_forms_too() {
        let door = Door::open();
        assert_eq!(door.let_in("2001:db8:0:1::1", 20), 20);
        assert_eq!(door.let_in("2001:db8:0:1:ffff::2", 20), 0);
        assert_eq!(door.let_in("2001:db8:0:2::1", 20), 20);
        assert_eq!(door.let_in(HERE, 20), 20);
        assert_eq!(door.let_in("::ffff:192.0.2.1", 20), 0);
    }

    #[test]
    fn switched_off_nobody_is_counted() {
        let limits = GuestLimits::off();
        assert!((0..10_000).all(|_| limits.check(HERE.parse().unwrap()).is_ok()));
    }

    #[test]
    fn addresses_are_forgotten_once_they_count_as_strangers_and_not_before() {
        let door = Door::open();
        assert_eq!(door.let_in(HERE, 20), 20);
        let mut most = 0;
        for stranger in 0..200_000_u32 {
            let address = IpAddr::from((0x0a00_0000 + stranger).to_be_bytes());
            assert!(door.limits.check(address).is_ok());
            most = most.max(door.remembered());
            // 20,000 a second, of which each is remembered for no longer than 1.2 s.
            if stranger % 20 == 19 {
                door.pass_ms(1);
            }
        }
        assert!(most < 2 * 24_000 + 1_024, "{most} addresses were remembered");

        // Those who came before are still counted while it matters.
        assert_eq!(door.let_in("198.51.100.7", 20), 20);
        for stranger in 0..10 * CHECKS_PER_SWEEP as u32 {
            let address = IpAddr::from((0x0a00_0000 + stranger).to_be_bytes());
            assert!(door.limits.check(address).is_ok());
        }
        assert_eq!(door.let_in("198.51.100.7", 20), 0);
    }
}
