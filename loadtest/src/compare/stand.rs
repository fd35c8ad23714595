//! Everything that runs for one comparison, and each measurement on it.
//!
//! It owns the servers. They all run at once, idle but for the one that is asked, so that the last of them is as warm as
//! the first.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::time::sleep;
use uuid::Uuid;

use super::audit::audit;
use super::baseline::{self, Baseline};
use super::contender::{Contender, Design};
use super::contest::contest;
use super::meters::Meters;
use super::opening::{Opened, Opening};
use super::reads::read;
use super::services::Services;
use super::turnout::{Turnout, told};
use super::{CompareError, CompareOptions, limits, people};
use crate::alternate::alternate;
use crate::attempt::Attempts;
use crate::clock;
use crate::host::open_settings;
use crate::report::comparison::{CpuUs, Findings, Taken};
use crate::run::{Effort, faults, open_all, open_sockets, tell};
use crate::scene::{Plan, Scene};
use crate::shared::{SharedTally, lock};
use crate::tally::Latencies;
use crate::target::Target;
use crate::tokens::{Mint, Person};
use crate::ws::Encoding;

/// The databases of Turnout, of the designs, and of a limit, which is made for it alone.
const TURNOUT: &str = "turnout";
const DESIGNS: &str = "designs";
const LIMIT: &str = "one_limit";
/// Within which time Postgres has counted what it did.
const COUNTED_WITHIN: Duration = Duration::from_millis(1_200);

/// All of it.
pub(super) struct Stand {
    pub(super) options: CompareOptions,
    effort: Effort,
    progress: ProgressBar,
    secret: String,
    host: Person,
    people: Arc<[Person]>,
    on_postgres: Turnout,
    on_sqlite: Turnout,
    bare: Baseline,
    /// Each at its best pool.
    designs: Vec<(Design, u32, Baseline)>,
    /// What is read of Turnout.
    live: Uuid,
    program: PathBuf,
    /// The last, because the others use it until they end.
    services: Services,
}

/// A measurement, and what may be judged.
pub(super) struct Measured {
    pub(super) taken: Taken,
    pub(super) found: Vec<String>,
}

impl Stand {
    /// Starts everything but the designs.
    pub(super) async fn start(
        options: &CompareOptions,
        effort: &Effort,
        progress: &ProgressBar,
    ) -> Result<Self, CompareError> {
        let program = baseline::program(options.baselines.as_deref())?;
        let services = Services::start().await?;
        let secret = format!("{}{}", clock::run_id().simple(), clock::run_id().simple());
        let host = Mint::new(&secret, clock::unix_s()).host(clock::run_id())?;
        let turnout = options.turnout.as_deref();
        let settings = [
            ("TURNOUT_DATABASE_URL", services.postgres.create(TURNOUT).await?),
            ("TURNOUT_REDIS_URL", services.redis.url()),
        ];
        let on_postgres = Turnout::start(turnout, &secret, &settings).await?;
        // A database file, as a throw-away server has it anyway: it is written with `synchronous=FULL`, always.
        let on_sqlite = Turnout::start(turnout, &secret, &[]).await?;
        services.postgres.create(DESIGNS).await?;
        let bare = Baseline::start(&program, Contender::Bare.name(), &["bare".to_owned()], &secret).await?;
        let live = on_postgres.live(&host, effort).await?;
        Ok(Self {
            people: people(&secret, effort, options)?,
            options: options.clone(),
            effort: *effort,
            progress: progress.clone(),
            secret,
            host,
            on_postgres,
            on_sqlite,
            bare,
            designs: Vec::new(),
            live,
            program,
            services,
        })
    }

    /// Starts a design with this pool.
    pub(super) async fn serve(&self, design: Design, pool: u32) -> Result<Baseline, CompareError> {
        let mut arguments: Vec<String> = design.arguments().iter().map(|word| (*word).to_owned()).collect();
        arguments.extend(["--database-url".to_owned(), self.services.postgres.url(DESIGNS)]);
        arguments.extend(["--pool".to_owned(), pool.to_string()]);
        if design == Design::RedisCounter {
            arguments.extend(["--redis-url".to_owned(), self.services.redis.url()]);
        }
        Baseline::start(&self.program, design.name(), &arguments, &self.secret).await
    }

    /// Lets a design run with this pool from now on.
    pub(super) async fn settle_on(&mut self, design: Design, pool: u32) -> Result<(), CompareError> {
        tell(&self.progress, &format!("{}: pool of {pool}", design.name()));
        let server = self.serve(design, pool).await?;
        self.designs.push((design, pool, server));
        Ok(())
    }

    /// Lets people contend for few seats everywhere, and judges.
    pub(super) async fn judge_all(&self, findings: &mut Findings) -> Result<(), CompareError> {
        tell(&self.progress, "judging a contest for few seats everywhere …");
        let contested = self.options.contest;
        for (contender, turnout) in [
            (Contender::RestPostgres, &self.on_postgres),
            (Contender::RestSqlite, &self.on_sqlite),
        ] {
            let ended = turnout.contest(contested, &self.effort, &self.progress).await?;
            findings.add(contender, ended.acknowledged, ended.found);
        }
        for (design, _, server) in &self.designs {
            let activity = server.open(&self.host, &self.effort, contested.seats).await?;
            let lines = self.lines(&server.target).await?;
            let seed = self.effort.seed;
            let kept = contest(contested, &self.people, activity, seed, lines).await?;
            let found = self.audited(server, activity, &kept).await?;
            let done = kept.iter().filter(|kept| kept.is_done()).count() as u64;
            findings.add(Contender::Design(*design), done, found);
        }
        Ok(())
    }

    /// One measurement of a round.
    pub(super) async fn measure(
        &self,
        contender: Contender,
        round: u32,
        findings: &mut Findings,
    ) -> Result<Taken, CompareError> {
        tell(&self.progress, &format!("  {} …", contender.name()));
        self.services.postgres.checkpoint().await?;
        let measured = match contender {
            Contender::Bare => {
                self.reads(&self.bare.target, self.bare.id(), Uuid::nil(), false)
                    .await?
            }
            Contender::Reads => {
                let server = &self.on_postgres.server;
                self.reads(&server.target, server.pid, self.live, true).await?
            }
            Contender::RestPostgres => self.rest(&self.on_postgres, None).await?,
            Contender::RestSqlite => self.rest(&self.on_sqlite, None).await?,
            Contender::WsPostgres => self.sockets().await?,
            Contender::Design(design) => {
                let found = self.designs.iter().find(|(found, _, _)| *found == design);
                let (_, pool, server) =
                    found.ok_or_else(|| CompareError::of(design.name(), "it was not started"))?;
                self.open_baseline(server, *pool, None).await?
            }
            Contender::Straight => self.limit(contender, &["straight"], true).await?,
            Contender::CommitterPostgres => self.limit(contender, &["committer"], true).await?,
            Contender::CommitterSqlite => self.limit(contender, &["committer"], false).await?,
            Contender::Engine => {
                let callers = self.effort.connections.to_string();
                self.limit(contender, &["engine", "--callers", &callers], true)
                    .await?
            }
            Contender::Actor => self.actor().await?,
        };
        if contender.is_judged() {
            findings.add(contender, measured.taken.count, measured.found);
        }
        Ok(Taken {
            contender: Some(contender),
            round,
            ..measured.taken
        })
    }

    /// Turnout over REST on Postgres in an open loop.
    pub(super) async fn at_rate(&self, rate: f64, findings: &mut Findings) -> Result<Taken, CompareError> {
        self.services.postgres.checkpoint().await?;
        let measured = self.rest(&self.on_postgres, Some(rate.max(1.0))).await?;
        findings.add(Contender::RestPostgres, measured.taken.count, measured.found);
        Ok(measured.taken)
    }

    /// Ends the servers, and tells of those that did not end well.
    pub(super) async fn stop(self, findings: &mut Findings) -> Result<(), CompareError> {
        for (contender, turnout) in [
            (Contender::RestPostgres, self.on_postgres),
            (Contender::RestSqlite, self.on_sqlite),
        ] {
            findings.add(contender, 0, turnout.stop().await?.into_iter().collect());
        }
        Ok(())
    }

    /// A design lets everybody in. Its rows are read and judged.
    pub(super) async fn open_baseline(
        &self,
        server: &Baseline,
        pool: u32,
        rate: Option<f64>,
    ) -> Result<Measured, CompareError> {
        let activity = server.open(&self.host, &self.effort, self.seats()).await?;
        let before = server.counts(&self.host, &self.effort, activity).await?;
        let opening = self.opening(activity, rate);
        let (opened, mut taken) = self.timed(opening, &server.target, server.id()).await?;
        let after = server.counts(&self.host, &self.effort, activity).await?;
        taken.pool = Some(pool);
        taken.tries_in_vain = after.retries - before.retries;
        let found = self.audited(server, activity, &opened.kept).await?;
        Ok(Measured { taken, found })
    }

    async fn audited(
        &self,
        server: &Baseline,
        activity: Uuid,
        kept: &[super::opening::Kept],
    ) -> Result<Vec<String>, CompareError> {
        let rows = server.rows(&self.host, &self.effort, activity).await?;
        let counts = server.counts(&self.host, &self.effort, activity).await?;
        Ok(audit(kept, &self.people, &rows, counts))
    }

    /// Turnout lets everybody in, and is judged by the whole verdict.
    async fn rest(&self, turnout: &Turnout, rate: Option<f64>) -> Result<Measured, CompareError> {
        let seats = self.seats();
        let activity = turnout.open(&self.host, &self.effort, seats).await?;
        let server = &turnout.server;
        let opening = self.opening(activity, rate);
        let (opened, taken) = self.timed(opening, &server.target, server.pid).await?;
        let about = (activity, seats);
        let found = turnout
            .judge(&self.host, &self.effort, about, opened.kept, &self.people)
            .await?;
        Ok(Measured { taken, found })
    }

    fn opening(&self, activity: Uuid, rate: Option<f64>) -> Opening {
        Opening {
            people: Arc::clone(&self.people),
            activity,
            run_id: clock::run_id(),
            duration: self.options.duration,
            rate,
        }
    }

    async fn timed(
        &self,
        opening: Opening,
        target: &Target,
        server: Option<u32>,
    ) -> Result<(Opened, Taken), CompareError> {
        let tally = SharedTally::default();
        let mut lines = self.effort.connections(target, &tally);
        open_all(&mut lines).await?;
        let meters = Meters::start(server, &self.services);
        let opened = opening.run(lines).await?;
        let count = opened.count();
        let cpu = meters.used(count);
        let mut taken = taken(count, opened.elapsed, &opened.latencies(), cpu);
        taken.retries = lock(&tally).retries;
        Ok((opened, taken))
    }

    /// Turnout over WebSockets: everybody is greeted before the clock starts, then reserves and cancels in turn.
    async fn sockets(&self) -> Result<Measured, CompareError> {
        let server = &self.on_postgres.server;
        let tally = SharedTally::default();
        let people = u32::try_from(self.effort.connections).unwrap_or(u32::MAX);
        let plan = Plan {
            title: format!("{people} people over WebSockets"),
            settings: open_settings(people),
            people,
        };
        let scene = Scene::set(server, &self.effort, &self.progress, &tally, plan).await?;
        let scene = Arc::new(scene);
        let mut lines = self.effort.socket_lines(&server.target, Encoding::Json, &tally);
        open_sockets(&mut lines, &scene.people).await?;
        let meters = Meters::start(server.pid, &self.services);
        let records = alternate(&scene, lines, self.options.duration).await?;
        let mut taken = {
            let tally = lock(&tally);
            let cpu = meters.used(tally.committed());
            let (elapsed, _) = tally.measured();
            taken(tally.committed(), elapsed, &tally.acknowledged_latency, cpu)
        };
        taken.retries = lock(&tally).retries;
        let judged = scene.judged(records, 0).await?;
        let mut found = told(&faults(&tally));
        found.extend(told(&judged.findings));
        Ok(Measured { taken, found })
    }

    /// `GET` of an activity; whether Postgres has anything to do with it is looked at where that is asked.
    async fn reads(
        &self,
        target: &Target,
        server: Option<u32>,
        activity: Uuid,
        counts_transactions: bool,
    ) -> Result<Measured, CompareError> {
        let path = format!("/api/v1/activities/{activity}");
        let mut lines: Vec<Attempts> = self.effort.connections(target, &SharedTally::default());
        open_all(&mut lines).await?;
        let postgres = &self.services.postgres;
        let mut before = None;
        if counts_transactions {
            // What came before is counted by then.
            sleep(COUNTED_WITHIN).await;
            before = Some(postgres.transactions(TURNOUT).await?);
        }
        let meters = Meters::start(server, &self.services);
        let done = read(lines, &path, self.options.duration).await?;
        let count = done.latencies.count();
        let cpu = meters.used(count);
        let mut taken = taken(count, done.elapsed, &done.latencies, cpu);
        if let Some(before) = before {
            sleep(COUNTED_WITHIN).await;
            taken.transactions = Some(postgres.transactions(TURNOUT).await?.saturating_sub(before));
        }
        Ok(Measured {
            taken,
            found: Vec::new(),
        })
    }

    /// A limit on a new database, which is thrown away after.
    async fn limit(
        &self,
        contender: Contender,
        arguments: &[&str],
        on_postgres: bool,
    ) -> Result<Measured, CompareError> {
        let folder =
            tempfile::tempdir().map_err(|error| CompareError::of(contender.name(), error.to_string()))?;
        let url = if on_postgres {
            self.services.postgres.create(LIMIT).await?
        } else {
            format!("sqlite://{}", folder.path().join("turnout.db").display())
        };
        let arguments = [arguments, &["--database-url", &url]].concat();
        let measured = self.run_limit(contender, &arguments).await;
        if on_postgres {
            self.services.postgres.drop_database(LIMIT).await?;
        }
        measured
    }

    async fn actor(&self) -> Result<Measured, CompareError> {
        let callers = self.effort.connections.to_string();
        self.run_limit(Contender::Actor, &["actor", "--callers", &callers])
            .await
    }

    async fn run_limit(&self, contender: Contender, arguments: &[&str]) -> Result<Measured, CompareError> {
        let meters = Meters::start(None, &self.services);
        let (program, duration) = (&self.program, self.options.duration);
        let limit = limits::measure(program, contender.name(), arguments, duration).await?;
        let used = meters.used(limit.count);
        let taken = Taken {
            count: limit.count,
            per_s: limit.per_s,
            // There is no client: whoever measures is the one who is measured.
            cpu_us: CpuUs {
                client: None,
                server: Some(limit.own_cpu_us),
                ..used
            },
            ..Taken::default()
        };
        Ok(Measured {
            taken,
            found: Vec::new(),
        })
    }

    /// A seat for everybody.
    fn seats(&self) -> u32 {
        u32::try_from(self.people.len()).unwrap_or(u32::MAX)
    }

    /// Connections that are open.
    async fn lines(&self, target: &Target) -> Result<Vec<Attempts>, CompareError> {
        let mut lines = self.effort.connections(target, &SharedTally::default());
        open_all(&mut lines).await?;
        Ok(lines)
    }
}

fn taken(count: u64, elapsed: Duration, latencies: &Latencies, cpu_us: CpuUs) -> Taken {
    Taken {
        count,
        per_s: count as f64 / elapsed.max(Duration::from_micros(1)).as_secs_f64(),
        p50_ms: Some(latencies.ms(50.0)),
        p99_ms: Some(latencies.ms(99.0)),
        cpu_us,
        ..Taken::default()
    }
}
