//! One socket watching one activity.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use turnout_actors::domain::{Activity, ActivityId, Answered, Person, Principal, RsvpId, Seq, Timestamp};

use super::channel::Channel;
use crate::api::Code;
use crate::api::views::MeView;

/// Whose RSVP a subscription follows.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) enum Focus {
    /// That of a person.
    Person(Person),
    /// This one.
    Rsvp(RsvpId),
}

/// On whose behalf an activity is watched, and which RSVP is followed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Eyes {
    pub(super) principal: Principal,
    pub(super) focus: Focus,
    /// What is said if there is no such RSVP for them. With nothing to say they look on without one.
    pub(super) without: Option<Code>,
}

/// One socket watching one activity.
pub(super) struct Subscription {
    pub(super) activity: ActivityId,
    pub(super) channel: Arc<Channel>,
    /// Nobody's, if the socket has no identity.
    pub(super) eyes: Option<Eyes>,
    /// The followed RSVP has changed, or whether the activity may be seen has to be found out anew: that comes before
    /// any difference.
    news: AtomicBool,
    /// The activity cannot be followed here any more.
    lost: AtomicBool,
}

/// What somebody sees of an activity beside what everybody does.
#[derive(Clone)]
pub(super) struct Sight {
    /// Why they may not follow it, if they may not.
    pub(super) refusal: Option<Code>,
    /// The RSVP that they follow, if there is one that they may see.
    pub(super) own: Option<Answered>,
    /// Whether they may see it because they have booked it for somebody else, and for no other reason.
    by_booker: bool,
    /// The last event that this includes.
    seq: Seq,
}

impl Sight {
    /// The RSVP that they follow as they are told of it at this time.
    pub(super) fn me(&self, activity: ActivityId, now: Timestamp) -> MeView<'_> {
        let me = MeView::new(activity, self.own.as_ref(), self.seq, now);
        if self.by_booker { me.for_booker() } else { me }
    }
}

impl Subscription {
    pub(super) fn new(activity: ActivityId, channel: Arc<Channel>, eyes: Option<Eyes>) -> Self {
        Self {
            activity,
            channel,
            eyes,
            news: AtomicBool::new(false),
            lost: AtomicBool::new(false),
        }
    }

    pub(super) fn has_news(&self) -> bool {
        self.news.load(Ordering::SeqCst)
    }

    pub(super) fn set_news(&self) {
        self.news.store(true, Ordering::SeqCst);
    }

    /// Whether there are news, which are about to be told.
    pub(super) fn take_news(&self) -> bool {
        self.news.swap(false, Ordering::SeqCst)
    }

    pub(super) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }
}

/// What these eyes see.
pub(super) fn look(activity: &Activity, eyes: Option<&Eyes>) -> Sight {
    let principal = eyes.map(|eyes| &eyes.principal);
    let own = eyes.and_then(|eyes| match &eyes.focus {
        Focus::Person(person) => activity.rsvp_of(person),
        Focus::Rsvp(rsvp) => activity
            .rsvp(*rsvp)
            .filter(|answered| activity.shows(&answered.rsvp, &eyes.principal)),
    });
    let refusal = if principal.is_some_and(|by| activity.has_outlived(by)) {
        Some(Code::TokenRevoked)
    } else if !activity.is_visible_to(principal) {
        Some(Code::NotFound)
    } else {
        eyes.and_then(|eyes| eyes.without).filter(|_| own.is_none())
    };
    let is_for_booker = |by| {
        own.as_ref()
            .is_some_and(|answered| activity.shows_as_booker(&answered.rsvp, by))
    };
    Sight {
        refusal,
        by_booker: principal.is_some_and(is_for_booker),
        own,
        seq: activity.counts().seq,
    }
}
