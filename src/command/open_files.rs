//! How many files the process may have open: each connection is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// What the process needs beside its connections: the database, standard streams, timers.
const OTHERS: u64 = 100;

/// Raises the limit as far as the operating system lets everybody, and says so if that is not even half as far as
/// needed. The usual limit is small, for the sake of old programs.
pub(super) fn allow(connections: u64) {
    let needed = connections + OTHERS;
    let mut limit = getrlimit(Resource::Nofile);
    if is_enough(limit.current, needed) {
        return;
    }
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised");
    }
    let allowed = getrlimit(Resource::Nofile).current;
    if !is_enough(allowed, needed / 2) {
        tracing::warn!(
            allowed,
            needed,
            "the limit of open files (ulimit -n, LimitNOFILE) allows far fewer connections than the server would serve"
        );
    }
}

/// No limit at all is enough too.
fn is_enough(limit: Option<u64>, needed: u64) -> bool {
    limit.is_none_or(|limit| limit >= needed)
}
