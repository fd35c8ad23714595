//! What happened in random histories, so that a rule that no history meets is noticed.

use std::collections::BTreeMap;

use turnout_loadtest::model::{About, Answer, Event, EventKind, Refusal, Told};

use super::history::{Asker, Order, What};
use super::moment::Moment;

/// How often each thing happened.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, u64>);

impl Tally {
    /// Counts one command.
    pub fn count(&mut self, order: &Order, outcome: &Result<Answer, Refusal>, moment: Moment) {
        let command = command(&order.what);
        let told = match outcome {
            Ok(answer) if answer.replayed => "replayed",
            Ok(answer) if answer.events.is_empty() => "nothing",
            Ok(_) => "done",
            Err(refusal) => refusal.code(),
        };
        self.add(format!("{command}: {told}"), 1);
        if let Some(asker) = asker(order.asker) {
            self.add(format!("{command} {asker}: {told}"), 1);
        }
        if told != "replayed" {
            self.count_moment(command, told, moment);
        }
        match outcome {
            Ok(answer) => self.count_answer(command, answer, moment),
            Err(Refusal { about: None, .. }) => {}
            Err(Refusal {
                about: Some(About::Member(_)),
                ..
            }) => self.add(format!("{command}: {told} about a member"), 1),
            Err(Refusal {
                about: Some(About::Person(_)),
                ..
            }) => self.add(format!("{command}: {told} about one of them"), 1),
        }
    }

    fn count_moment(&mut self, command: &str, told: &str, moment: Moment) {
        if moment.is_offer_over {
            self.add(format!("{command} while an offer is over: {told}"), 1);
        }
        if moment.guests_are_off {
            self.add(format!("{command} while guests are off: {told}"), 1);
        }
        if let Some(standing) = moment.standing
            && matches!(command, "update" | "cancel" | "accept" | "decline" | "transfer")
        {
            let change = moment
                .change
                .map_or_else(String::new, |change| format!(" {change}"));
            self.add(format!("{command}{change} of {standing}: {told}"), 1);
        }
        if moment.is_in && matches!(command, "update" | "cancel" | "transfer") {
            self.add(format!("{command} of somebody who is in: {told}"), 1);
        }
        if let Some(recipient) = moment.recipient {
            self.add(format!("{command} to {recipient}: {told}"), 1);
        }
        if moment.names_twice && matches!(command, "promote" | "bulk") {
            self.add(format!("{command} of a party named twice: {told}"), 1);
        }
    }

    /// Counts an offer that is about to end.
    pub fn count_end(&mut self, why: &str) {
        self.add(format!("offer over: {why}"), 1);
    }

    /// Counts what the end of offers that are over came to.
    pub fn count_alarm(&mut self, outcome: &Result<Answer, Refusal>) {
        let told = match outcome {
            Ok(answer) if answer.events.is_empty() => "nothing",
            Ok(_) => "done",
            Err(refusal) => refusal.code(),
        };
        self.add(format!("alarm: {told}"), 1);
        if let Ok(answer) = outcome {
            self.count_events("alarm", answer);
        }
    }

    fn count_answer(&mut self, command: &str, answer: &Answer, moment: Moment) {
        self.count_events(command, answer);
        if let Told::Each(results) = &answer.told
            && !answer.replayed
        {
            for result in results {
                let told = match result {
                    Ok(rsvp) => rsvp.status.as_str(),
                    Err(rejection) => rejection.code(),
                };
                self.add(format!("{command}, one of them: {told}"), 1);
            }
        }
        let is_promotion = |event: &Event| matches!(event.kind, EventKind::Promoted | EventKind::Offered);
        if moment.promotion_is_over
            && let Some(event) = answer.events.iter().find(|event| is_promotion(event))
        {
            let kind = event.kind.as_str();
            self.add(format!("{command} after promotion was over: {kind}"), 1);
        }
    }

    /// Counts events, those of one kind with one ticket in one answer once more as those of a party.
    fn count_events(&mut self, command: &str, answer: &Answer) {
        for event in &answer.events {
            let reason = event.reason.as_deref();
            let kind = event.kind.as_str();
            let why = reason.map_or_else(String::new, |reason| format!(" {reason}"));
            self.add(format!("event of {command}: {kind}{why}"), 1);
        }
        for two in answer.events.windows(2) {
            if two[0].kind == two[1].kind && two[0].ticket == two[1].ticket && two[0].ticket.is_some() {
                self.add(format!("party: {}", two[0].kind.as_str()), 1);
            }
        }
    }

    pub fn merge(&mut self, other: Self) {
        for (what, times) in other.0 {
            self.add(what, times);
        }
    }

    pub fn of(&self, what: &str) -> u64 {
        self.0.get(what).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(what, times)| (what.as_str(), *times))
    }

    fn add(&mut self, what: String, times: u64) {
        *self.0.entry(what).or_default() += times;
    }
}

fn command(what: &What) -> &'static str {
    match what {
        What::Reserve { .. } => "reserve",
        What::Group { together: true, .. } => "group",
        What::Group { together: false, .. } => "each",
        What::Update { .. } => "update",
        What::Cancel(_) => "cancel",
        What::Accept(_) => "accept",
        What::Decline(_) => "decline",
        What::Transfer { .. } => "transfer",
        What::CheckIn { .. } => "check_in",
        What::UndoCheckIn(_) => "undo_check_in",
        What::Promote(_) => "promote",
        What::PromoteNext(_) => "promote next",
        What::Bulk { .. } => "bulk",
        What::Change(_) => "change",
        What::Reschedule { .. } => "reschedule",
        What::CancelActivity => "cancel_activity",
        What::Expire => "expire",
    }
}

/// Whoever gives a command and is not simply whose it is.
fn asker(asker: Asker) -> Option<&'static str> {
    match asker {
        Asker::Own | Asker::Host => None,
        Asker::Token => Some("by token"),
        Asker::OldToken => Some("by an old token"),
        Asker::Unproved => Some("by a visitor"),
        Asker::Elevated | Asker::Administrator => Some("by an administrator"),
        Asker::Booker => Some("by its booker"),
        Asker::Companion => Some("by a companion"),
        Asker::Other(_) => Some("by somebody"),
        Asker::System => Some("by time"),
    }
}
