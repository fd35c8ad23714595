//! How many files this process may have open: each socket is one.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit as far as the operating system lets everybody: the usual one is small, for the sake of old
/// programs. Where it cannot be raised, opening will say so.
pub(crate) fn allow_all() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
}
