//! The Postgres and the Redis of one comparison, and why there are none.

use std::io;

use super::postgres::ThrowawayPostgres;
use super::programs::{postgres_programs, redis_program};
use super::redis::ThrowawayRedis;

/// Why a service is not there.
#[derive(Debug, thiserror::Error)]
pub enum ServiceError {
    /// It is not installed.
    #[error("there is no {program}: install the package {package}, or put its folder into PATH")]
    Missing {
        /// The program.
        program: &'static str,
        /// What it comes with on Debian.
        package: &'static str,
    },
    /// It could not be started or asked.
    #[error("cannot run {program}")]
    Run {
        /// The program.
        program: &'static str,
        /// Why.
        source: io::Error,
    },
    /// It did not do what it should.
    #[error("{program} failed: {log}")]
    Failed {
        /// The program.
        program: &'static str,
        /// What it said.
        log: String,
    },
}

impl ServiceError {
    pub(super) fn run(program: &'static str) -> impl Fn(io::Error) -> Self {
        move |source| Self::Run { program, source }
    }
}

/// Both.
pub(super) struct Services {
    pub(super) postgres: ThrowawayPostgres,
    pub(super) redis: ThrowawayRedis,
}

impl Services {
    pub(super) async fn start() -> Result<Self, ServiceError> {
        // Whoever has neither is told so before anything runs.
        let (postgres, redis) = (postgres_programs()?, redis_program()?);
        Ok(Self {
            postgres: ThrowawayPostgres::start(postgres).await?,
            redis: ThrowawayRedis::start(&redis).await?,
        })
    }
}
