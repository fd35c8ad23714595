//! What must be true of each event when it happens, by the clock and the settings of that moment. It looks at
//! nothing that a command was judged by.

use super::{Command, Event, EventKind, Model, Request};

impl Model {
    /// Notes what the latest events of `request` did against a time window.
    pub(super) fn witness(&mut self, request: &Request, events_before: usize) {
        let host_takes_it = matches!(request.command, Command::Cancel { by_host: true, .. });
        let is_exempt = request.by_host || host_takes_it;
        for index in events_before..self.events.len() {
            if let Some(breach) = self.breach(&self.events[index], is_exempt) {
                self.breaches.push(format!("#{}: {breach}", index + 1));
            }
        }
    }

    fn breach(&self, event: &Event, is_exempt: bool) -> Option<&'static str> {
        let (settings, now_us) = (&self.settings, self.now_us);
        let is_open = settings
            .opens_at_us
            .is_none_or(|opens_at_us| opens_at_us <= now_us)
            && now_us < settings.closes_at_us.unwrap_or(settings.starts_at_us);
        let may_leave = now_us < settings.cancel_until_us.unwrap_or(settings.ends_at_us);
        let may_promote =
            !self.waitlist_paused && now_us < settings.promote_until_us.unwrap_or(settings.starts_at_us);
        let has_reason = event.reason.is_some();
        match event.kind {
            EventKind::Confirmed | EventKind::Waitlisted if !has_reason && !is_open && !is_exempt => {
                Some("somebody entered while the doors were closed")
            }
            EventKind::Updated if !is_open && !is_exempt && self.has_grown(event) => {
                Some("somebody grew while the doors were closed")
            }
            EventKind::Cancelled | EventKind::Declined | EventKind::Transferred
                if !may_leave && !is_exempt =>
            {
                Some("somebody left too late")
            }
            EventKind::Promoted | EventKind::Offered if !has_reason && !may_promote => {
                Some("the scan promoted while nobody may be promoted")
            }
            _ => None,
        }
    }

    fn has_grown(&self, event: &Event) -> bool {
        let before = &self.events[..event.seq as usize - 1];
        let last = before.iter().rev().find(|before| before.person == event.person);
        last.is_some_and(|last| last.spots < event.spots)
    }
}
