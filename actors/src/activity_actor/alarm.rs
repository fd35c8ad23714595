//! Rings when the next offer ends. It alone of the actor's parts knows the clock.

use std::sync::Arc;
use std::time::Duration;

use ractor::ActorRef;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use super::ActivityMsg;
use crate::domain::Timestamp;
use crate::ports::Clock;

/// It rings so much later than an offer ends, so that who accepts in time and is still on the way comes first.
const GRACE_MS: i64 = 50;
/// It is silent for so long at first: those who waited for the activity to be loaded were stamped before that, and are
/// only now on their way.
const FIRST_GRACE: Duration = Duration::from_millis(500);
/// The longest sleep: the clock may be set meanwhile.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// The alarm of one activity.
pub(super) struct Alarm {
    clock: Arc<dyn Clock>,
    silent_until: Instant,
    set: Option<(Timestamp, JoinHandle<()>)>,
}

impl Alarm {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            silent_until: Instant::now() + FIRST_GRACE,
            set: None,
        }
    }

    /// Lets it ring after this time, or not at all.
    pub(super) fn set(&mut self, end: Option<Timestamp>, actor: &ActorRef<ActivityMsg>) {
        let as_before = self.set.as_ref().map(|(end, _)| *end) == end;
        if as_before
            && self
                .set
                .as_ref()
                .is_none_or(|(_, ringing)| !ringing.is_finished())
        {
            return;
        }
        self.stop();
        self.set = end.map(|end| (end, self.ring_at(end.plus_millis(GRACE_MS), actor.clone())));
    }

    /// Lets it ring again for the same end, in a while.
    pub(super) fn snooze(&mut self, actor: &ActorRef<ActivityMsg>) {
        self.stop();
        let again = self.clock.now().plus_millis(SLEEP_MAX.as_millis() as i64);
        self.set = Some((again, self.ring_at(again, actor.clone())));
    }

    fn ring_at(&self, time: Timestamp, actor: ActorRef<ActivityMsg>) -> JoinHandle<()> {
        let (clock, silent_until) = (self.clock.clone(), self.silent_until);
        tokio::spawn(async move {
            sleep_until(silent_until).await;
            loop {
                let now = clock.now();
                let rest = Duration::from_millis(time.millis_after(now));
                if rest.is_zero() {
                    // If the actor is gone, its successor has an alarm of its own.
                    let _ = actor.cast(ActivityMsg::Rung(now));
                    return;
                }
                sleep(rest.min(SLEEP_MAX)).await;
            }
        })
    }

    fn stop(&mut self) {
        if let Some((_, ringing)) = self.set.take() {
            ringing.abort();
        }
    }
}

impl Drop for Alarm {
    fn drop(&mut self) {
        self.stop();
    }
}
