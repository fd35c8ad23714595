//! Every journal passes the same suite. One line each.

use std::sync::Arc;

use turnout::config::{Config, Sources};
use turnout::store::Db;
use turnout_actors::domain::Timestamp;
use turnout_actors::ports::Journal;
use turnout_actors::testing::ManualClock;

/// A journal in a fresh file, which is removed with it.
struct Fresh {
    journal: Arc<dyn Journal>,
    _folder: tempfile::TempDir,
}

impl std::ops::Deref for Fresh {
    type Target = dyn Journal;

    fn deref(&self) -> &Self::Target {
        self.journal.as_ref()
    }
}

async fn sqlite() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}", folder.path().join("turnout.db").display());
    let environment = vec![("TURNOUT_DATABASE_URL".into(), url.into())];
    let config = Config::load(Sources {
        environment,
        ..Sources::default()
    })
    .unwrap();
    let db = Db::open(&config.database, 2).await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
    Fresh {
        journal: db.journal(clock),
        _folder: folder,
    }
}

turnout_actors::journal_conformance!(sqlite_file, sqlite().await);
