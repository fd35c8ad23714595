//! Every journal passes the same suite. One line each.

use std::sync::Arc;

use turnout::config::{Config, Sources};
use turnout::store::Db;
use turnout_actors::domain::Timestamp;
use turnout_actors::ports::Journal;
use turnout_actors::testing::ManualClock;

use crate::support::{node, postgres_of, sqlite_of};

/// A journal in a fresh database; a file is removed with it.
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
    open(sqlite_of(folder.path()), folder).await
}

async fn postgres() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    open(postgres_of(folder.path()), folder).await
}

async fn open(url: String, folder: tempfile::TempDir) -> Fresh {
    let environment = vec![("TURNOUT_DATABASE_URL".into(), url.into())];
    let config = Config::load(Sources {
        environment,
        ..Sources::default()
    })
    .unwrap();
    let db = Db::open(&config.database, 2).await.unwrap();
    let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
    Fresh {
        journal: db.journal(node(), clock).await.unwrap(),
        _folder: folder,
    }
}

turnout_actors::journal_conformance!(sqlite_file, sqlite().await);
turnout_actors::journal_conformance!(postgres_server, postgres().await);
