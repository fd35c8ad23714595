//! The baselines on the command line: a server for each design, and a line of JSON for each limit.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use clap::{Args, Parser, Subcommand};
use rustix::process::{Resource, getrlimit, setrlimit};
use turnout_baselines::design::Design;
use turnout_baselines::designs::{Conditional, Optimistic, RedisCounter, RowLock, Writes};
use turnout_baselines::limits::{self, Limit};
use turnout_baselines::serve::{listen, serve};
use turnout_baselines::tokens::Tokens;
use turnout_baselines::{bare, database, http};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The usual designs for selling seats, and the limits of all of them, to compare Turnout with.
#[derive(Debug, Parser)]
#[command(name = "turnout-baselines", version)]
struct Options {
    #[command(subcommand)]
    kind: Kind,
}

#[derive(Debug, Subcommand)]
enum Kind {
    /// A handler that answers with a constant.
    Bare(ListenArgs),
    /// Reservations under the activity's row lock.
    RowLock {
        #[command(flatten)]
        design: DesignArgs,
        /// Send the three writes as one statement.
        #[arg(long)]
        joined: bool,
    },
    /// Reservations by one conditional statement.
    Conditional(DesignArgs),
    /// Reservations that are tried again when somebody else was faster.
    Optimistic(DesignArgs),
    /// Seats in Redis, RSVPs in Postgres.
    RedisCounter {
        #[command(flatten)]
        design: DesignArgs,
        /// The Redis server.
        #[arg(long)]
        redis_url: String,
    },
    /// Batches straight into Postgres.
    Straight(LimitArgs),
    /// Batches through Turnout's journal.
    Committer(LimitArgs),
    /// Reservations through Turnout's engine, without a network.
    Engine {
        #[command(flatten)]
        limit: LimitArgs,
        #[command(flatten)]
        callers: CallersArgs,
    },
    /// Calls of a bare actor.
    Actor {
        #[command(flatten)]
        duration: DurationArgs,
        #[command(flatten)]
        callers: CallersArgs,
    },
}

#[derive(Debug, Args)]
struct ListenArgs {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
}

#[derive(Debug, Args)]
struct DesignArgs {
    #[command(flatten)]
    listen: ListenArgs,
    /// The Postgres database; its schema is brought up to date.
    #[arg(long)]
    database_url: String,
    /// Connections to it.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=300))]
    pool: u32,
    /// The secret that tokens are signed with.
    #[arg(long, env = "TURNOUT_JWT_SECRET", hide_env_values = true)]
    secret: String,
}

#[derive(Debug, Args)]
struct DurationArgs {
    /// For how many seconds.
    #[arg(long, default_value_t = 4.0)]
    duration_s: f64,
}

#[derive(Debug, Args)]
struct LimitArgs {
    /// A new database, which is left full: `postgres://…`, and for Turnout's parts also `sqlite://FILE`.
    #[arg(long)]
    database_url: String,
    #[command(flatten)]
    duration: DurationArgs,
}

#[derive(Debug, Args)]
struct CallersArgs {
    /// How many there are, each with one call in flight.
    #[arg(long, default_value_t = 1_000)]
    callers: usize,
}

impl DurationArgs {
    fn duration(&self) -> anyhow::Result<Duration> {
        Ok(Duration::try_from_secs_f64(self.duration_s)?)
    }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    allow_all_files();
    match Options::parse().kind {
        Kind::Bare(listen) => run(&listen, bare::routes()).await,
        Kind::RowLock { design, joined } => {
            let pool = database::open(&design.database_url, design.pool).await?;
            let writes = if joined { Writes::Joined } else { Writes::Apart };
            run_design(&design, RowLock::new(pool, writes)).await
        }
        Kind::Conditional(design) => {
            let pool = database::open(&design.database_url, design.pool).await?;
            run_design(&design, Conditional::new(pool)).await
        }
        Kind::Optimistic(design) => {
            let pool = database::open(&design.database_url, design.pool).await?;
            run_design(&design, Optimistic::new(pool)).await
        }
        Kind::RedisCounter { design, redis_url } => {
            let pool = database::open(&design.database_url, design.pool).await?;
            let redis = redis::Client::open(redis_url)?
                .get_multiplexed_async_connection()
                .await?;
            run_design(&design, RedisCounter::new(pool, redis)).await
        }
        Kind::Straight(limit) => {
            print(&limits::straight(&limit.database_url, limit.duration.duration()?).await?)
        }
        Kind::Committer(limit) => {
            print(&limits::committer(&limit.database_url, limit.duration.duration()?).await?)
        }
        Kind::Engine { limit, callers } => {
            let duration = limit.duration.duration()?;
            print(&limits::engine(&limit.database_url, callers.callers, duration).await?)
        }
        Kind::Actor { duration, callers } => {
            print(&limits::actor(callers.callers, duration.duration()?).await?)
        }
    }
}

async fn run_design(arguments: &DesignArgs, design: impl Design) -> anyhow::Result<()> {
    let tokens = Tokens::new(&arguments.secret);
    run(&arguments.listen, http::routes(design, tokens)).await
}

async fn run(arguments: &ListenArgs, routes: Router) -> anyhow::Result<()> {
    Ok(serve(listen(arguments.listen)?, routes).await?)
}

fn print(limit: &Limit) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(limit)?);
    Ok(())
}

/// Each connection is a file, and the usual limit is small. Where it cannot be raised, accepting will say so.
fn allow_all_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
