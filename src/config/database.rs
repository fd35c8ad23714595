//! Which database is used, and where what belongs to it is kept.

use std::fmt;
use std::path::{Path, PathBuf};

use url::Url;

use crate::secret::Secret;

/// The database.
#[derive(Clone, Debug)]
pub enum Database {
    /// A file, used by this process alone.
    Sqlite(SqliteFile),
    /// A server, which several processes may use.
    Postgres(PostgresServer),
}

/// An SQLite database as the path of its file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SqliteFile(PathBuf);

/// A Postgres database as the way to it. Shown without user and password.
#[derive(Clone, Debug)]
pub struct PostgresServer {
    url: Secret,
    shown: String,
}

impl Database {
    /// Reads the address of a database. It may hold a password, so reasons do not repeat it.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        if text.starts_with("postgres://") || text.starts_with("postgresql://") {
            let url = Url::parse(text)
                .map_err(|_| "is not of the form postgres://USER:PASSWORD@HOST:PORT/DATABASE".to_owned())?;
            return Ok(Self::Postgres(PostgresServer::new(&url)));
        }
        match text.strip_prefix("sqlite://") {
            None | Some("") => Err("is not of the form sqlite://FILE or postgres://HOST/DATABASE".to_owned()),
            Some(":memory:") => Err("needs a file: what is acknowledged must outlive the process".to_owned()),
            Some(path) if path.contains('?') => Err("takes no parameters after the file".to_owned()),
            Some(path) => Ok(Self::Sqlite(SqliteFile(path.into()))),
        }
    }

    /// The folder in which the server keeps what it must remember: that of the file, or `data`.
    pub fn data_folder(&self) -> &Path {
        match self {
            Self::Sqlite(file) => file.folder(),
            Self::Postgres(_) => Path::new("data"),
        }
    }
}

impl SqliteFile {
    /// The database file.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The folder that holds it.
    pub fn folder(&self) -> &Path {
        match self.0.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        }
    }
}

impl PostgresServer {
    fn new(url: &Url) -> Self {
        let (host, port) = (url.host_str().unwrap_or_default(), url.port().unwrap_or(5432));
        Self {
            url: Secret::new(url.to_string()),
            shown: format!("postgres://{host}:{port}{}", url.path()),
        }
    }

    /// The whole address.
    pub fn url(&self) -> &Secret {
        &self.url
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(file) => file.path().display().fmt(f),
            Self::Postgres(server) => server.fmt(f),
        }
    }
}

impl fmt::Display for PostgresServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.shown.fmt(f)
    }
}
