//! What a client has asked for about each activity and what has not been done yet: it is done in that order, as soon as
//! the activity is live and the socket has room.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use turnout_actors::domain::{ActivityId, History, Seq};

use super::granted::Grant;
use crate::api::Problem;
use crate::ws::incoming::Id;
use crate::ws::limits::AGENDA_MAX;

/// Something to do about an activity.
pub(super) enum Step {
    /// To watch it, from where the client says it was.
    Watch(Watch),
    /// Not to watch it any more.
    Forget(Id),
}

impl Step {
    /// By what the client knows the answer.
    pub(super) fn id(&self) -> Option<&str> {
        match self {
            Self::Watch(watch) => watch.id.as_deref(),
            Self::Forget(id) => Some(id.as_str()),
        }
    }
}

/// A subscription that is wanted.
pub(super) struct Watch {
    pub(super) id: Option<Id>,
    pub(super) seen: Option<(History, Seq)>,
    /// Who watches, if it is somebody else than whoever the socket belongs to; or why they may not.
    pub(super) grant: Result<Option<Arc<Grant>>, Problem>,
}

/// All that is to be done.
#[derive(Default)]
pub(super) struct Agenda {
    of_activity: HashMap<ActivityId, Steps>,
}

#[derive(Default)]
struct Steps {
    steps: VecDeque<Step>,
    /// The activity is being loaded; nothing is done before that.
    waits: bool,
}

impl Agenda {
    /// Whether there is more to do than a client may ask for at once.
    pub(super) fn is_full(&self) -> bool {
        let count: usize = self.of_activity.values().map(|steps| steps.steps.len()).sum();
        count >= AGENDA_MAX
    }

    pub(super) fn add(&mut self, activity: ActivityId, step: Step) {
        self.of_activity
            .entry(activity)
            .or_default()
            .steps
            .push_back(step);
    }

    /// The activities about which something can be done now.
    pub(super) fn ready(&self) -> Vec<ActivityId> {
        let ready = self.of_activity.iter().filter(|(_, steps)| !steps.waits);
        ready.map(|(activity, _)| *activity).collect()
    }

    /// The next thing to do about an activity, unless that must wait.
    pub(super) fn next(&mut self, activity: ActivityId) -> Option<Step> {
        let steps = self.of_activity.get_mut(&activity).filter(|steps| !steps.waits)?;
        let step = steps.steps.pop_front()?;
        if steps.steps.is_empty() {
            self.of_activity.remove(&activity);
        }
        Some(step)
    }

    /// Puts back what could not be done before the activity is loaded.
    pub(super) fn wait(&mut self, activity: ActivityId, step: Step) {
        let steps = self.of_activity.entry(activity).or_default();
        steps.steps.push_front(step);
        steps.waits = true;
    }

    /// The activity was loaded, or could not be.
    pub(super) fn go_on(&mut self, activity: ActivityId) {
        if let Some(steps) = self.of_activity.get_mut(&activity) {
            steps.waits = false;
        }
    }
}
