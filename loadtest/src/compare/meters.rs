//! CPU time of everybody who takes part, from one moment on.

use std::time::Duration;

use super::services::Services;
use crate::clock;
use crate::process::Process;
use crate::report::comparison::CpuUs;

/// CPU time of client, server, Postgres and Redis.
pub(super) struct Meters {
    server: Option<Process>,
    postgres: Option<Process>,
    redis: Option<Process>,
    before: Readings,
}

struct Readings {
    client: Duration,
    server: Option<Duration>,
    postgres: Option<Duration>,
    redis: Option<Duration>,
}

impl Meters {
    /// From now on. Who is no part of it has no server.
    pub(super) fn start(server: Option<u32>, services: &Services) -> Self {
        let mut meters = Self {
            server: server.map(Process::with_id),
            postgres: services.postgres.id().map(Process::with_id),
            redis: services.redis.id().map(Process::with_id),
            before: Readings {
                client: Duration::ZERO,
                server: None,
                postgres: None,
                redis: None,
            },
        };
        meters.before = meters.read();
        meters
    }

    fn read(&self) -> Readings {
        let used = |process: Option<Process>| process.and_then(|process| process.cpu_time());
        Readings {
            client: clock::cpu_time(),
            server: used(self.server),
            postgres: self.postgres.and_then(|process| process.cpu_time_with_ended()),
            redis: used(self.redis),
        }
    }

    /// So far, in microseconds for each of so many items.
    pub(super) fn used(&self, items: u64) -> CpuUs {
        let now = self.read();
        let each = |used: Duration| used.as_secs_f64() * 1e6 / items.max(1) as f64;
        let between =
            |before: Option<Duration>, after: Option<Duration>| Some(each(after?.saturating_sub(before?)));
        CpuUs {
            client: Some(each(now.client.saturating_sub(self.before.client))),
            server: between(self.before.server, now.server),
            postgres: between(self.before.postgres, now.postgres),
            redis: between(self.before.redis, now.redis),
        }
    }
}
