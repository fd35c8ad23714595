//! One activity and the people who want to be there, set up before a server.
//!
//! It owns what every kind of run does before the clock starts, and after it has stopped: mint and create, read back
//! and judge. What happens in between is the run's own.

use std::sync::Arc;

use indicatif::ProgressBar;
use tokio::task::spawn_blocking;
use tokio::time::Instant;
use uuid::Uuid;

use crate::attempt::Attempts;
use crate::clock;
use crate::drive::{Deed, Driven, Stage, drive};
use crate::history::{History, Record, Ticks};
use crate::host::{Host, NewActivity};
use crate::line::{Line, Put};
use crate::model::Settings;
use crate::run::{ActivityFinding, Effort, End, RunError, Server, faults, tell};
use crate::seen::LastState;
use crate::shared::{SharedTally, lock};
use crate::tokens::{Mint, Person};
use crate::verdict::judge;
use crate::watch::{Finished, Sending};

/// An activity to be set up.
pub(crate) struct Plan {
    /// What it is called.
    pub(crate) title: String,
    /// What the model judges it by.
    pub(crate) settings: Settings,
    /// How many people there are.
    pub(crate) people: u32,
}

/// What was read back in the end, and what is wrong with it.
pub(crate) struct Judged {
    pub(crate) end: End,
    pub(crate) findings: Vec<ActivityFinding>,
    pub(crate) last: LastState,
}

/// An activity that is there, and its people.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) effort: Effort,
    pub(crate) activity: Uuid,
    pub(crate) people: Vec<Person>,
    pub(crate) host: Person,
    pub(crate) stage: Arc<Stage>,
    pub(crate) progress: ProgressBar,
    settings: Settings,
    pub(crate) run_id: Uuid,
    /// What was asked before and after.
    around: SharedTally,
}

impl Scene {
    /// Mints the people and creates the activity. Commands are counted in `tally`.
    pub(crate) async fn set(
        server: &Server,
        effort: &Effort,
        progress: &ProgressBar,
        tally: &SharedTally,
        plan: Plan,
    ) -> Result<Self, RunError> {
        let run_id = clock::run_id();
        let mint = Mint::new(&server.secret, clock::unix_s());
        let host = mint.host(run_id)?;
        let people = (0..u64::from(plan.people))
            .map(|number| mint.member(effort.seed, number))
            .collect::<Result<Vec<_>, _>>()?;
        let around = SharedTally::default();
        let mut backstage = effort.backstage(&server.target, &around).swap_remove(0);
        let activity = Host::new(&mut backstage, &host)
            .create(
                &NewActivity::of(plan.title, &plan.settings),
                &format!("burst-{run_id}"),
            )
            .await?;
        Ok(Self {
            server: server.clone(),
            effort: *effort,
            activity,
            people,
            host,
            stage: Arc::new(Stage {
                ticks: Ticks::default(),
                tally: SharedTally::clone(tally),
            }),
            progress: progress.clone(),
            settings: plan.settings,
            run_id,
            around,
        })
    }

    /// What time it is by the server's clock, to the second, in microseconds since 1970.
    pub(crate) async fn server_time_us(server: &Server, effort: &Effort) -> Result<i64, RunError> {
        let host = Mint::new(&server.secret, clock::unix_s()).host(clock::run_id())?;
        let mut backstage = effort
            .backstage(&server.target, &SharedTally::default())
            .swap_remove(0);
        Ok(Host::new(&mut backstage, &host).time_us().await?)
    }

    /// Lets the person with this index do something. `number` tells the deeds of one person apart, of one kind.
    pub(crate) async fn act<L: Line>(
        &self,
        line: &mut L,
        index: usize,
        deed: Deed,
        number: u64,
        since: Instant,
    ) -> Driven {
        let word = match deed {
            Deed::Reserve { .. } => "r",
            Deed::Cancel => "c",
        };
        let key = format!("{}-{word}{index}-{number}", self.run_id.simple());
        let put = Put {
            activity: self.activity,
            person: &self.people[index],
            deed,
            key: &key,
        };
        drive(line, &self.stage, &put, since).await
    }

    /// A connection for what is no part of what is measured.
    pub(crate) fn backstage(&self) -> Attempts {
        self.effort
            .backstage(&self.server.target, &self.around)
            .swap_remove(0)
    }

    /// How the activity has ended, as everybody may read it, and when what was carried out was due.
    pub(crate) async fn finished(&self, sendings: &[Sending]) -> Result<Finished, RunError> {
        let mut backstage = self.backstage();
        let (seq, fields) = Host::new(&mut backstage, &self.host)
            .snapshot(self.activity)
            .await?;
        Ok(Finished {
            seq,
            fields,
            sendings: sendings.to_vec(),
        })
    }

    /// Reads everything back and judges it. What the server did wrong when commands were put is not among the
    /// findings, because others may share the tally.
    pub(crate) async fn judged(&self, records: Vec<Record>, unasked: u64) -> Result<Judged, RunError> {
        tell(&self.progress, "reading back …");
        let mut backstage = self.backstage();
        let last = Host::new(&mut backstage, &self.host)
            .read_back(self.activity)
            .await?;
        let end = End::of(&last);
        tell(
            &self.progress,
            &format!(
                "judging {} answers and {} events …",
                lock(&self.stage.tally).answered(),
                last.events.len()
            ),
        );
        let history = History {
            activity: self.activity,
            settings: self.settings.clone(),
            records,
            unasked,
        };
        // Beside the runtime, which goes on listening to signals.
        let (found, last) = spawn_blocking(move || (judge(&history, &last), last)).await?;
        let mut findings = faults(&self.around);
        findings.extend(found.into_iter().map(|finding| ActivityFinding {
            activity: self.activity.to_string(),
            finding,
        }));
        Ok(Judged { end, findings, last })
    }
}
