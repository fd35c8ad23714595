//! What can be wrong, in words that name the person and the numbers.

use serde::Serialize;

/// One thing that is not as the rules want it. `said` is the server's word, `expected` the model's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, thiserror::Error)]
#[serde(tag = "finding", rename_all = "snake_case")]
#[expect(missing_docs, reason = "each message says what its fields are")]
pub enum Finding {
    #[error("overbooked: at seq {seq} {held} spots are held where {limit} may be")]
    Overbooked { seq: u64, held: u64, limit: u64 },
    #[error("double seat: {person} has {what}")]
    DoubleSeat { person: String, what: String },
    #[error("before the opening: seq {seq} entered at {at}, and the doors open at {opens_at}")]
    BeforeOpening { seq: u64, at: String, opens_at: String },
    #[error("lost acknowledgement: {person} was answered seq {seq}, but {what}")]
    LostAcknowledgement { person: String, seq: u64, what: String },
    #[error(
        "lost change: the activity was shown with version {version}, but its log makes {versions} of them"
    )]
    LostChange { version: u64, versions: u64 },
    #[error("offers remain: {spots} spots are still offered {after_s} s after nothing was offered any more")]
    OffersRemain { spots: u64, after_s: u64 },
    #[error("not cancelled: after the cancel was answered {what} is {said}, expected {expected}")]
    NotCancelled {
        what: &'static str,
        said: String,
        expected: String,
    },
    #[error("unanswered: {count} commands have no final answer")]
    Unanswered { count: u64 },
    #[error("repeated seq: {persons:?} were all answered seq {seq}")]
    RepeatedSeq { seq: u64, persons: Vec<String> },
    #[error("wrong seq: {person} was answered seq {said}, expected {expected}")]
    WrongSeq {
        person: String,
        said: u64,
        expected: u64,
    },
    #[error(
        "order broken: {earlier} was answered before {later} was sent, but has seq \
         {earlier_seq} and {later} has {later_seq}"
    )]
    OrderBroken {
        earlier: String,
        earlier_seq: u64,
        later: String,
        later_seq: u64,
    },
    #[error("wrong status: {person} at seq {seq} is {said}, expected {expected}")]
    WrongStatus {
        person: String,
        seq: u64,
        said: String,
        expected: String,
    },
    #[error("wrong position: {person} at seq {seq} has {said}, expected {expected}")]
    WrongPosition {
        person: String,
        seq: u64,
        said: String,
        expected: String,
    },
    #[error("wrong answer: {person} at seq {seq} has {field} {said}, expected {expected}")]
    WrongAnswer {
        person: String,
        seq: u64,
        field: &'static str,
        said: String,
        expected: String,
    },
    #[error(
        "wrong rejection: {person} was refused with {code}, which the rules allow at no moment \
         between sending and answer"
    )]
    WrongRejection { person: String, code: String },
    #[error("wrong wait: {person} came before the opening and was told to wait {said}, expected {expected}")]
    WrongWait {
        person: String,
        said: String,
        expected: String,
    },
    #[error("server fault: {count} times a request was answered {answer}")]
    ServerFault { answer: String, count: u64 },
    #[error("watching: {count} {what}; the first: {first}")]
    Watching {
        count: u64,
        what: &'static str,
        first: String,
    },
    #[error(
        "log differs: {acknowledged} commands were acknowledged and {logged} are in the log, with the sums \
         {sum_acknowledged:016x} and {sum_logged:016x}"
    )]
    LogDiffers {
        acknowledged: u64,
        logged: u64,
        sum_acknowledged: u64,
        sum_logged: u64,
    },
    #[error("counts differ: {field} is {said}, expected {expected}")]
    CountsDiffer {
        field: &'static str,
        said: String,
        expected: String,
    },
    #[error("events differ: at seq {seq} there is {said}, expected {expected}")]
    EventsDiffer {
        seq: u64,
        said: String,
        expected: String,
    },
}
