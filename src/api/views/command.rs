//! The answer to a command about RSVPs.

use serde::Serialize;
use serde_json::Value;
use turnout_actors::Reply;
use turnout_actors::domain::{ActivityId, Answered, Rejection, Seq, Timestamp, Told};

use super::{CountsView, RsvpView};
use crate::api::refusal;

/// What has come of a command: the RSVP that it was about, or all of them.
#[derive(Serialize)]
pub(crate) struct CommandView<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    rsvp: Option<RsvpView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rsvps: Option<Vec<RsvpView<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Vec<ResultView<'a>>>,
    /// The RSVP of whoever got the one that was given away.
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient: Option<RsvpView<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manage_token: Option<String>,
    /// Whether there was nothing left to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    already: Option<bool>,
    seq: Seq,
    replayed: bool,
    counts: CountsView,
}

/// What has come of one of several, each of which is judged for itself.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum ResultView<'a> {
    Rsvp(Box<RsvpView<'a>>),
    Error(Value),
}

impl<'a> CommandView<'a> {
    /// How it looks at this time.
    pub(crate) fn new(activity: ActivityId, reply: &'a Reply, now: Timestamp) -> Self {
        let view = |answered: &'a Answered| RsvpView::new(activity, answered, now);
        let result = |result: &'a Result<Answered, Rejection>| match result {
            Ok(answered) => ResultView::Rsvp(Box::new(view(answered))),
            Err(rejection) => {
                ResultView::Error(refusal::rejected(rejection.clone(), activity, now).members())
            }
        };
        let answer = &reply.answer;
        let mut command = Self {
            rsvp: None,
            rsvps: None,
            results: None,
            recipient: None,
            manage_token: None,
            already: None,
            seq: answer.seq,
            replayed: answer.replayed,
            counts: reply.counts.into(),
        };
        match &answer.told {
            Told::Nothing => {}
            Told::One(answered) => command.rsvp = Some(view(answered)),
            Told::Several(several) => command.rsvps = Some(several.iter().map(view).collect()),
            Told::Each(each) => command.results = Some(each.iter().map(result).collect()),
        }
        command
    }

    /// The version of the RSVP that the command was about, where it was about a single one.
    pub(crate) fn version(&self) -> Option<u32> {
        self.rsvp.as_ref().map(RsvpView::version)
    }

    /// As whoever booked the RSVP for somebody else is told.
    #[must_use]
    pub(crate) fn for_booker(self) -> Self {
        Self {
            rsvp: self.rsvp.map(RsvpView::for_booker),
            ..self
        }
    }

    /// As that of bringing people in. What they have wished for since is not for whoever brought them in, who may ask
    /// again under the same key.
    #[must_use]
    pub(crate) fn of_arrivals(self) -> Self {
        let result = |result| match result {
            ResultView::Rsvp(rsvp) => ResultView::Rsvp(Box::new(rsvp.without_wishes())),
            refused @ ResultView::Error(_) => refused,
        };
        let all = |rsvps: Vec<RsvpView<'a>>| rsvps.into_iter().map(RsvpView::without_wishes).collect();
        Self {
            rsvps: self.rsvps.map(all),
            results: self
                .results
                .map(|results| results.into_iter().map(result).collect()),
            ..self
        }
    }

    /// With the token by which the RSVP is changed that was made.
    #[must_use]
    pub(crate) fn with_manage_token(self, manage_token: Option<String>) -> Self {
        Self { manage_token, ..self }
    }

    /// With such a token for each of those who have come in, in their order.
    #[must_use]
    pub(crate) fn with_manage_tokens(mut self, tokens: impl IntoIterator<Item = Option<String>>) -> Self {
        let one_by_one = self
            .results
            .iter_mut()
            .flatten()
            .filter_map(|result| match result {
                ResultView::Rsvp(rsvp) => Some(&mut **rsvp),
                ResultView::Error(_) => None,
            });
        let all = self.rsvps.iter_mut().flatten().chain(one_by_one);
        for (rsvp, token) in all.zip(tokens) {
            rsvp.set_manage_token(token);
        }
        self
    }

    /// As that of a transfer, whose RSVPs are the one that was given away and the one that took its place.
    #[must_use]
    pub(crate) fn of_transfer(mut self) -> Self {
        if let Some(rsvps) = self.rsvps.take() {
            let mut rsvps = rsvps.into_iter();
            (self.rsvp, self.recipient) = (rsvps.next(), rsvps.next().map(RsvpView::without_wishes));
        }
        self
    }

    /// With whether there was nothing left to do.
    #[must_use]
    pub(crate) fn with_already(self, already: bool) -> Self {
        Self {
            already: Some(already),
            ..self
        }
    }
}
