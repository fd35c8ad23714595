//! Who may know of an activity.

use turnout_actors::domain::{Activity, Principal};

use crate::api::{Code, Problem};

/// Checks that somebody may know of an activity; `None` is somebody who has not said who they are. Whoever comes with
/// the token of an earlier life of an RSVP is told so, also where everybody may look: they mean to be known.
pub(super) fn require_sight(activity: &Activity, by: Option<&Principal>) -> Result<(), Problem> {
    if by.is_some_and(|by| activity.has_outlived(by)) {
        return Err(Problem::new(Code::TokenRevoked));
    }
    if activity.is_visible_to(by) {
        Ok(())
    } else {
        Err(Problem::new(Code::NotFound))
    }
}
