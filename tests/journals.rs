//! Every journal passes the same suite. One line each.

use std::sync::Arc;

use turnout_actors::ports::Journal;

use crate::support::{journal, postgres_of, sqlite_of};

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
    Fresh {
        journal: journal(&sqlite_of(folder.path())).await,
        _folder: folder,
    }
}

async fn postgres() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    Fresh {
        journal: journal(&postgres_of(folder.path())).await,
        _folder: folder,
    }
}

turnout_actors::journal_conformance!(sqlite_file, sqlite().await);
turnout_actors::journal_conformance!(postgres_server, postgres().await);
