//! Random histories: few people, few spots and narrow time windows, so that rules meet each other often.

use proptest::prelude::*;
use turnout_actors::domain::SettingsChange;

use super::changes::{TICKS, change};
use super::people::{ACCOUNTS, PEOPLE};

/// From how many keyed commands one may come again.
pub const AGAIN_MAX: usize = 6;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Order(Order),
    /// One of the latest commands that carried a key comes again, the last one being 0.
    Again(usize),
    /// The activity looks whether offers are over.
    Alarm,
    /// The clock moves by so many ticks, sometimes backwards.
    Tick(i64),
    Commit,
    Abort,
    Reload,
}

/// A command is given.
#[derive(Clone, Debug)]
pub struct Order {
    pub what: What,
    pub asker: Asker,
    pub version: Version,
    pub key: Option<u8>,
    /// Whether offers that are over end before it, as they do where an activity is live.
    pub on_time: bool,
}

/// What is ordered.
#[derive(Clone, Debug)]
pub enum What {
    Reserve {
        whom: Whom,
        guests: u16,
        wishes: bool,
    },
    Group {
        members: Vec<(Whom, u16)>,
        together: bool,
    },
    Update {
        whom: Whom,
        guests: Option<u16>,
        wishes: Option<bool>,
        name: Option<bool>,
    },
    Cancel(Whom),
    Accept(Whom),
    Decline(Whom),
    Transfer {
        whom: Whom,
        to: Recipient,
    },
    CheckIn {
        whom: Whom,
        code: Option<Version>,
    },
    UndoCheckIn(Whom),
    Promote(Vec<Whom>),
    PromoteNext(u32),
    Bulk {
        promote: Vec<Whom>,
        remove: Vec<Whom>,
    },
    Change(Box<SettingsChange>),
    /// The activity is moved to begin so many ticks from now, and to last so many.
    Reschedule {
        from_now: i64,
        length: i64,
    },
    CancelActivity,
    Expire,
}

/// Somebody of those who stand so, or anybody if none does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Whom {
    pub standing: Standing,
    pub number: u8,
}

/// How somebody stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In any way, also not at all.
    Anyhow,
    Confirmed,
    Waiting,
    Offered,
    /// Waiting or offered with a party that they came with.
    Accompanied,
    Cancelled,
    /// Not at all, or cancelled.
    Out,
    /// Without an account, in any way.
    Guest,
    /// Without an account and with nothing that stands.
    Absent,
    /// Without an account and cancelled.
    Gone,
    /// Without an account and cancelled by the host.
    PutOut,
    /// In any way that is not cancelled.
    Live,
}

impl Standing {
    /// Whom to take where nobody stands so.
    pub fn otherwise(self) -> Self {
        match self {
            Self::Guest | Self::Absent | Self::Gone | Self::PutOut => Self::Guest,
            Self::Anyhow | Self::Live | Self::Cancelled | Self::Out => Self::Anyhow,
            Self::Confirmed | Self::Waiting | Self::Offered | Self::Accompanied => Self::Live,
        }
    }
}

/// Who gets an RSVP.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Recipient {
    Whom(Whom),
    /// Whoever gives it.
    Oneself,
}

/// Who gives a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Asker {
    /// Whom it is about; of those without an account, whoever has an RSVP comes with its manage token, but not
    /// for coming in.
    Own,
    /// The same, and those without an account with a token in any case.
    Token,
    /// The same with a token of another time.
    OldToken,
    /// The same without a token.
    Unproved,
    /// Whom it is about, with the rights of an administrator.
    Elevated,
    /// Whoever booked it for whom it is about.
    Booker,
    /// Another member of the party.
    Companion,
    Host,
    /// An administrator who never comes.
    Administrator,
    /// Anybody.
    Other(u8),
    /// Nobody: time has passed.
    System,
}

/// Which version a caller acts on.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Version {
    Any,
    Current,
    Stale,
}

impl Whom {
    fn of(standing: Standing) -> impl Strategy<Value = Self> {
        any::<u8>().prop_map(move |number| Self { standing, number })
    }

    /// Anybody or, far more often, somebody who stands in one of these ways.
    fn mostly(standings: &'static [Standing]) -> impl Strategy<Value = Self> {
        prop_oneof![
            1 => Self::of(Standing::Anyhow),
            6 => prop::sample::select(standings).prop_flat_map(Self::of),
        ]
    }

    /// Exactly this one.
    pub fn exactly(number: u8) -> Self {
        Self {
            standing: Standing::Anyhow,
            number,
        }
    }
}

impl What {
    /// All whom it names.
    pub fn whoms(&mut self) -> Vec<&mut Whom> {
        match self {
            Self::Reserve { whom, .. }
            | Self::Update { whom, .. }
            | Self::Cancel(whom)
            | Self::Accept(whom)
            | Self::Decline(whom)
            | Self::CheckIn { whom, .. }
            | Self::UndoCheckIn(whom)
            | Self::Transfer {
                whom,
                to: Recipient::Oneself,
            } => vec![whom],
            Self::Transfer {
                whom,
                to: Recipient::Whom(to),
            } => vec![whom, to],
            Self::Group { members, .. } => members.iter_mut().map(|(whom, _)| whom).collect(),
            Self::Promote(people) => people.iter_mut().collect(),
            Self::Bulk { promote, remove } => promote.iter_mut().chain(remove).collect(),
            Self::PromoteNext(_)
            | Self::Change(_)
            | Self::Reschedule { .. }
            | Self::CancelActivity
            | Self::Expire => Vec::new(),
        }
    }
}

fn key() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![2 => Just(None), 1 => (0..8_u8).prop_map(Some)]
}

/// For what is seldom accepted, so that some of it comes again.
fn often_a_key() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![1 => Just(None), 1 => (0..16_u8).prop_map(Some)]
}

fn guests() -> impl Strategy<Value = u16> {
    prop_oneof![5 => 0..4_u16, 1 => 0..12_u16]
}

fn few_guests() -> impl Strategy<Value = u16> {
    prop_oneof![8 => Just(0), 2 => 0..4_u16, 1 => 0..12_u16]
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![4 => Just(Version::Any), 1 => Just(Version::Current), 1 => Just(Version::Stale)]
}

fn other() -> impl Strategy<Value = Asker> {
    (0..PEOPLE).prop_map(Asker::Other)
}

/// Who gives a command about somebody's RSVP.
fn asker() -> impl Strategy<Value = Asker> {
    prop_oneof![
        60 => Just(Asker::Own),
        3 => Just(Asker::Elevated),
        5 => Just(Asker::Booker),
        3 => Just(Asker::Companion),
        5 => Just(Asker::Host),
        3 => Just(Asker::Administrator),
        3 => Just(Asker::OldToken),
        2 => Just(Asker::Unproved),
        2 => other(),
    ]
}

/// Who comes.
fn newcomer() -> impl Strategy<Value = Asker> {
    prop_oneof![
        30 => Just(Asker::Own),
        2 => Just(Asker::Elevated),
        2 => Just(Asker::Host),
        2 => Just(Asker::Token),
        1 => Just(Asker::OldToken),
        1 => other(),
    ]
}

/// Who books for several.
fn booker() -> impl Strategy<Value = Asker> {
    prop_oneof![
        16 => (0..ACCOUNTS).prop_map(Asker::Other),
        3 => Just(Asker::Host),
        2 => Just(Asker::Administrator),
        1 => other(),
        1 => Just(Asker::OldToken),
        1 => Just(Asker::Unproved),
    ]
}

/// Who gives a command about the activity as a whole, its line or its door.
fn host() -> impl Strategy<Value = Asker> {
    prop_oneof![
        16 => Just(Asker::Host),
        3 => Just(Asker::Administrator),
        2 => other(),
    ]
}

fn order(
    what: impl Strategy<Value = What> + 'static,
    asker: impl Strategy<Value = Asker> + 'static,
) -> BoxedStrategy<Step> {
    ordered(what, asker, version(), key())
}

/// Boxed, or the many kinds of orders together would be larger than the stack of a thread in a build that is not optimised.
fn ordered(
    what: impl Strategy<Value = What> + 'static,
    asker: impl Strategy<Value = Asker> + 'static,
    version: impl Strategy<Value = Version> + 'static,
    key: impl Strategy<Value = Option<u8>> + 'static,
) -> BoxedStrategy<Step> {
    let orders = (what, asker, version, key, prop::bool::weighted(0.9));
    let order = |(what, asker, version, key, on_time)| {
        Step::Order(Order {
            what,
            asker,
            version,
            key,
            on_time,
        })
    };
    orders.prop_map(order).boxed()
}

impl Step {
    pub fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            60 => people_come(),
            60 => people_change(),
            24 => hosts_work(),
            20 => hosts_set(),
            12 => (0..AGAIN_MAX).prop_map(Self::Again),
            4 => Just(Self::Alarm),
            20 => prop_oneof![4 => 1..8_i64, 1 => -5..0_i64, 1 => 20..80_i64].prop_map(Self::Tick),
            24 => Just(Self::Commit),
            4 => Just(Self::Abort),
            4 => Just(Self::Reload),
        ]
    }
}

fn people_come() -> impl Strategy<Value = Step> {
    let reserve = (
        Whom::mostly(&[Standing::Anyhow, Standing::Out]),
        guests(),
        any::<bool>(),
    )
        .prop_map(|(whom, guests, wishes)| What::Reserve { whom, guests, wishes });
    let member = prop_oneof![
        8 => Whom::of(Standing::Absent),
        1 => Whom::of(Standing::Guest),
    ];
    let group = (
        prop::collection::vec((member, few_guests()), 2..6),
        prop::bool::weighted(0.75),
    )
        .prop_map(|(members, together)| What::Group { members, together });
    prop_oneof![
        40 => order(reserve, newcomer()),
        26 => order(group, booker()),
    ]
}

fn people_change() -> impl Strategy<Value = Step> {
    use Standing::{Absent, Accompanied, Cancelled, Confirmed, Gone, Guest, Offered, PutOut, Waiting};
    let standing = || Whom::mostly(&[Confirmed, Waiting, Offered, Accompanied]);
    let update = (
        standing(),
        prop::option::of(guests()),
        prop::option::of(any::<bool>()),
        prop::option::weighted(0.2, any::<bool>()),
    )
        .prop_map(|(whom, guests, wishes, name)| What::Update {
            whom,
            guests,
            wishes,
            name,
        });
    let recipient = prop_oneof![
        8 => Whom::of(Absent).prop_map(Recipient::Whom),
        4 => Whom::of(Gone).prop_map(Recipient::Whom),
        2 => Whom::of(PutOut).prop_map(Recipient::Whom),
        2 => Whom::of(Guest).prop_map(Recipient::Whom),
        1 => Just(Recipient::Oneself),
    ];
    let transfer = (standing(), recipient).prop_map(|(whom, to)| What::Transfer { whom, to });
    let answer = || {
        Whom::mostly(&[
            Offered,
            Offered,
            Offered,
            Offered,
            Accompanied,
            Waiting,
            Cancelled,
        ])
    };
    prop_oneof![
        18 => order(update, asker()),
        22 => order(standing().prop_map(What::Cancel), asker()),
        12 => order(answer().prop_map(What::Accept), asker()),
        7 => order(answer().prop_map(What::Decline), asker()),
        9 => order(transfer, asker()),
    ]
}

fn hosts_work() -> impl Strategy<Value = Step> {
    use Standing::{Accompanied, Cancelled, Confirmed, Offered, Waiting};
    let code = prop_oneof![
        3 => Just(None),
        2 => Just(Some(Version::Current)),
        1 => Just(Some(Version::Stale)),
    ];
    let check_in = (Whom::mostly(&[Confirmed, Confirmed, Confirmed, Cancelled]), code)
        .prop_map(|(whom, code)| What::CheckIn { whom, code });
    let undo = Whom::mostly(&[Confirmed]).prop_map(What::UndoCheckIn);
    let some = |least: usize| {
        let waiting = prop_oneof![
            12 => prop::sample::select(&[Waiting, Waiting, Accompanied]).prop_flat_map(Whom::of),
            1 => Whom::of(Standing::Anyhow),
        ];
        prop::collection::vec(waiting, least..4)
    };
    let standing = prop_oneof![
        12 => prop::sample::select(&[Waiting, Confirmed, Offered, Accompanied]).prop_flat_map(Whom::of),
        1 => Whom::of(Standing::Anyhow),
    ];
    let bulk = (some(0), prop::collection::vec(standing, 1..4))
        .prop_map(|(promote, remove)| What::Bulk { promote, remove });
    prop_oneof![
        8 => ordered(check_in, host(), version(), often_a_key()),
        4 => ordered(undo, host(), version(), often_a_key()),
        5 => ordered(some(1).prop_map(What::Promote), host(), version(), often_a_key()),
        4 => ordered((1..4_u32).prop_map(What::PromoteNext), host(), version(), often_a_key()),
        7 => ordered(bulk, host(), version(), often_a_key()),
    ]
}

fn hosts_set() -> impl Strategy<Value = Step> {
    let reschedule =
        (-40..80_i64, 1..TICKS / 4).prop_map(|(from_now, length)| What::Reschedule { from_now, length });
    prop_oneof![
        160 => order(change().prop_map(|change| What::Change(Box::new(change))), host()),
        40 => ordered(reschedule, host(), Just(Version::Any), Just(None)),
        6 => cancel_activity(),
        4 => order(Just(What::Expire), prop_oneof![host(), Just(Asker::System)]),
        2 => order(change().prop_map(|change| What::Change(Box::new(change))), Just(Asker::System)),
    ]
}

/// The end of the activity, which must not come early in most histories. Its few keys come back the more often.
fn cancel_activity() -> impl Strategy<Value = Step> {
    let asker = prop_oneof![3 => host(), 1 => other()];
    let key = prop_oneof![1 => Just(None), 2 => (0..2_u8).prop_map(Some)];
    ordered(Just(What::CancelActivity), asker, version(), key)
}
