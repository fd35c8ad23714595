//! The host changes what was set, or ends the activity.

use std::sync::Arc;

use crate::domain::command::Request;
use crate::domain::draft::State;
use crate::domain::event::Fact;
use crate::domain::rejection::{Current, Rejection};
use crate::domain::settings::{Settings, SettingsChange};

pub(super) fn decide(
    state: State<'_>,
    request: &Request,
    change: &SettingsChange,
) -> Result<Vec<Fact>, Rejection> {
    expected_version(state, request)?;
    let before = &state.head().settings;
    let after = change.applied_to(before);
    let errors = after.errors();
    if !errors.is_empty() {
        return Err(Rejection::Invalid(errors));
    }
    let mut facts = Vec::new();
    // Capacity and pause have events of their own, so that whoever reads the log finds them by kind.
    let rest = Settings {
        capacity: before.capacity,
        waitlist_paused: before.waitlist_paused,
        ..after.clone()
    };
    if rest != **before {
        facts.push(Fact::ActivityUpdated {
            settings: Arc::new(rest),
        });
    }
    if after.capacity != before.capacity {
        facts.push(Fact::CapacityChanged {
            capacity: after.capacity,
        });
    }
    if after.waitlist_paused != before.waitlist_paused {
        facts.push(if after.waitlist_paused {
            Fact::WaitlistPaused
        } else {
            Fact::WaitlistResumed
        });
    }
    Ok(facts)
}

pub(super) fn cancel_activity(state: State<'_>, request: &Request) -> Result<Vec<Fact>, Rejection> {
    expected_version(state, request)?;
    Ok(vec![Fact::ActivityCancelled])
}

fn expected_version(state: State<'_>, request: &Request) -> Result<(), Rejection> {
    let version = state.head().version;
    match request.if_version {
        Some(expected) if expected != version => {
            Err(Rejection::VersionConflict(Box::new(Current::Activity {
                version,
            })))
        }
        _ => Ok(()),
    }
}
