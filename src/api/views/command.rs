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
}
