//! The database's process on the command line.

use clap::Args;

#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct DatabaseArgs {
    /// The database's first process on this machine, to tell what it and those that it starts use. SQLite is part of the
    /// server's.
    #[arg(long, value_name = "ID")]
    pub(super) database_pid: Option<u32>,
}
