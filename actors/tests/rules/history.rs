//! Random histories: few people, few spots and narrow time windows, so that rules meet each other often.

use proptest::prelude::*;
use turnout_actors::domain::{
    AttendeesVisible, CAPACITY_MAX, GuestPolicy, MAX_GUESTS_MAX, PATIENCE_MAX, Settings, SettingsChange,
    Timestamp, Visibility,
};
use turnout_actors::testing::settings;

/// Time is counted in ticks of a millisecond; windows lie within this many.
const TICKS: i64 = 400;

/// How many people there are. The first of them is the host.
pub const PEOPLE: u8 = 14;

/// From how many keyed commands one may come again.
pub const AGAIN_MAX: usize = 6;

/// How an activity begins.
#[derive(Clone, Debug)]
pub struct Opening {
    pub settings: Settings,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    Reserve {
        person: u8,
        asker: Asker,
        guests: u16,
        wishes: bool,
        key: Option<u8>,
    },
    Update {
        person: u8,
        asker: Asker,
        guests: Option<u16>,
        wishes: Option<bool>,
        version: Version,
        key: Option<u8>,
    },
    Cancel {
        person: u8,
        asker: Asker,
        version: Version,
        key: Option<u8>,
    },
    Change {
        change: Box<SettingsChange>,
        asker: Asker,
        version: Version,
        key: Option<u8>,
    },
    /// The activity is moved to begin so many ticks from now, and to last so many.
    Reschedule {
        from_now: i64,
        length: i64,
        asker: Asker,
    },
    CancelActivity {
        asker: Asker,
        version: Version,
        key: Option<u8>,
    },
    /// One of the latest commands that carried a key comes again, the last one being 0.
    Again(usize),
    /// The clock moves, sometimes backwards.
    Tick(i64),
    Commit,
    Abort,
    Reload,
}

/// Who gives a command.
#[derive(Clone, Copy, Debug)]
pub enum Asker {
    /// Whom it is about.
    Own,
    /// Whom it is about, with the rights of an administrator.
    Elevated,
    Host,
    /// An administrator who never comes.
    Administrator,
    /// Anybody.
    Other(u8),
}

/// Which version a caller acts on.
#[derive(Clone, Copy, Debug)]
pub enum Version {
    Any,
    Current,
    Stale,
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..TICKS).prop_map(Timestamp::from_millis)
}

fn maybe_time() -> impl Strategy<Value = Option<Timestamp>> {
    prop_oneof![2 => Just(None), 1 => time().prop_map(Some)]
}

fn key() -> impl Strategy<Value = Option<u8>> {
    prop_oneof![3 => Just(None), 1 => (0..4_u8).prop_map(Some)]
}

fn guests() -> impl Strategy<Value = u16> {
    prop_oneof![5 => 0..4_u16, 1 => 0..12_u16]
}

fn version() -> impl Strategy<Value = Version> {
    prop_oneof![4 => Just(Version::Any), 1 => Just(Version::Current), 1 => Just(Version::Stale)]
}

fn person() -> impl Strategy<Value = u8> {
    0..PEOPLE
}

/// Who gives a command about somebody's RSVP.
fn asker() -> impl Strategy<Value = Asker> {
    prop_oneof![
        30 => Just(Asker::Own),
        2 => Just(Asker::Elevated),
        4 => Just(Asker::Host),
        2 => Just(Asker::Administrator),
        2 => person().prop_map(Asker::Other),
    ]
}

/// Who comes.
fn newcomer() -> impl Strategy<Value = Asker> {
    prop_oneof![
        30 => Just(Asker::Own),
        2 => Just(Asker::Elevated),
        1 => person().prop_map(Asker::Other),
    ]
}

/// Who gives a command about the activity as a whole.
fn host() -> impl Strategy<Value = Asker> {
    prop_oneof![
        12 => Just(Asker::Host),
        3 => Just(Asker::Administrator),
        1 => person().prop_map(Asker::Other),
    ]
}

fn visibility() -> impl Strategy<Value = Visibility> {
    prop_oneof![
        3 => Just(Visibility::Public),
        1 => Just(Visibility::Unlisted),
        2 => Just(Visibility::Private),
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![Just("One"), Just("Another")].prop_map(Into::into)
}

fn waitlist_capacity() -> impl Strategy<Value = Option<u32>> {
    prop_oneof![4 => Just(None), 1 => (0..5_u32).prop_map(Some)]
}

impl Opening {
    pub fn any() -> impl Strategy<Value = Self> {
        let times = (
            maybe_time(),
            maybe_time(),
            maybe_time(),
            maybe_time(),
            TICKS / 8..TICKS,
            1..TICKS,
        );
        let policy = (1..12_u32, 0..5_u32, 0..11_u16, waitlist_capacity());
        let visibility = prop_oneof![9 => Just(Visibility::Public), 1 => visibility()];
        (times, policy, visibility)
            .prop_map(
                |((opens_at, closes_at, cancel_until, promote_until, starts, length), policy, visibility)| {
                    let (capacity, patience, max_guests, waitlist_capacity) = policy;
                    Settings {
                        starts_at: Timestamp::from_millis(starts),
                        ends_at: Timestamp::from_millis(starts + length),
                        patience,
                        max_guests,
                        opens_at,
                        closes_at,
                        cancel_until,
                        promote_until,
                        waitlist_capacity,
                        visibility,
                        ..settings(capacity)
                    }
                },
            )
            .prop_filter("valid settings", |settings| settings.errors().is_empty())
            .prop_map(|settings| Self { settings })
    }
}

impl Step {
    pub fn any() -> impl Strategy<Value = Self> {
        prop_oneof![
            30 => (person(), newcomer(), guests(), any::<bool>(), key())
                .prop_map(|(person, asker, guests, wishes, key)| Self::Reserve { person, asker, guests, wishes, key }),
            14 => (person(), asker(), prop::option::of(guests()), prop::option::of(any::<bool>()), version(), key())
                .prop_map(|(person, asker, guests, wishes, version, key)| {
                    Self::Update { person, asker, guests, wishes, version, key }
                }),
            18 => (person(), asker(), version(), key())
                .prop_map(|(person, asker, version, key)| Self::Cancel { person, asker, version, key }),
            8 => (change(), host(), version(), key()).prop_map(|(change, asker, version, key)| {
                Self::Change { change: Box::new(change), asker, version, key }
            }),
            2 => (-40..80_i64, 1..TICKS / 4, host())
                .prop_map(|(from_now, length, asker)| Self::Reschedule { from_now, length, asker }),
            4 => (0..AGAIN_MAX).prop_map(Self::Again),
            1 => prop::bool::weighted(0.4)
                .prop_flat_map(|really| if really { cancel_activity().boxed() } else { Just(Self::Commit).boxed() }),
            8 => prop_oneof![4 => 1..8_i64, 1 => -5..0_i64, 1 => 20..80_i64].prop_map(Self::Tick),
            12 => Just(Self::Commit),
            2 => Just(Self::Abort),
            2 => Just(Self::Reload),
        ]
    }

    /// Whether it is a command with a key.
    pub fn is_keyed(&self) -> bool {
        match self {
            Self::Reserve { key, .. }
            | Self::Update { key, .. }
            | Self::Cancel { key, .. }
            | Self::Change { key, .. }
            | Self::CancelActivity { key, .. } => key.is_some(),
            Self::Reschedule { .. }
            | Self::Again(_)
            | Self::Tick(_)
            | Self::Commit
            | Self::Abort
            | Self::Reload => false,
        }
    }
}

/// The end of the activity, which must not come early in most histories. Its few keys come back the more often.
fn cancel_activity() -> impl Strategy<Value = Step> {
    let asker = prop_oneof![4 => host(), 1 => person().prop_map(Asker::Other)];
    let key = prop_oneof![1 => Just(None), 2 => (0..2_u8).prop_map(Some)];
    (asker, version(), key).prop_map(|(asker, version, key)| Step::CancelActivity { asker, version, key })
}

fn change() -> impl Strategy<Value = SettingsChange> {
    prop_oneof![
        10 => (1..14_u32).prop_map(|capacity| SettingsChange { capacity: Some(capacity), ..Default::default() }),
        6 => any::<bool>().prop_map(|paused| SettingsChange { waitlist_paused: Some(paused), ..Default::default() }),
        2 => (0..5_u32).prop_map(|patience| SettingsChange { patience: Some(patience), ..Default::default() }),
        2 => (0..11_u16).prop_map(|guests| SettingsChange { max_guests: Some(guests), ..Default::default() }),
        2 => waitlist_capacity().prop_map(|most| SettingsChange { waitlist_capacity: Some(most), ..Default::default() }),
        8 => times(),
        4 => texts(),
        2 => visibility().prop_map(|visibility| SettingsChange { visibility: Some(visibility), ..Default::default() }),
        1 => beyond_a_limit(),
        2 => (1..14_u32, any::<bool>(), 0..5_u32).prop_map(|(capacity, paused, patience)| SettingsChange {
            capacity: Some(capacity),
            waitlist_paused: Some(paused),
            patience: Some(patience),
            ..Default::default()
        }),
    ]
}

/// Windows that open again, close early, or contradict each other.
fn times() -> impl Strategy<Value = SettingsChange> {
    prop_oneof![
        1 => maybe_time().prop_map(|until| SettingsChange { promote_until: Some(until), ..Default::default() }),
        1 => maybe_time().prop_map(|until| SettingsChange { cancel_until: Some(until), ..Default::default() }),
        1 => maybe_time().prop_map(|opens_at| SettingsChange { opens_at: Some(opens_at), ..Default::default() }),
        1 => maybe_time().prop_map(|closes_at| SettingsChange { closes_at: Some(closes_at), ..Default::default() }),
        1 => time().prop_map(|ends_at| SettingsChange { ends_at: Some(ends_at), ..Default::default() }),
        2 => time().prop_map(|starts_at| SettingsChange { starts_at: Some(starts_at), ..Default::default() }),
        4 => (time(), 1..TICKS).prop_map(|(starts_at, length)| SettingsChange {
            starts_at: Some(starts_at),
            ends_at: Some(starts_at.plus_millis(length)),
            ..Default::default()
        }),
        2 => (prop::option::of(time()), prop::option::of(maybe_time()), prop::option::of(maybe_time()), 0..14_u32)
            .prop_map(|(starts_at, opens_at, closes_at, capacity)| SettingsChange {
                starts_at,
                opens_at,
                closes_at,
                capacity: Some(capacity),
                ..Default::default()
            }),
    ]
}

/// What no rule looks at.
fn texts() -> impl Strategy<Value = SettingsChange> {
    let (shared, hidden) = (AttendeesVisible::Attendees, AttendeesVisible::Host);
    prop_oneof![
        text().prop_map(|title| SettingsChange {
            title: Some(title),
            ..Default::default()
        }),
        prop::option::of(text()).prop_map(|text| SettingsChange {
            description: Some(text),
            ..Default::default()
        }),
        prop::option::of(text()).prop_map(|venue| SettingsChange {
            venue: Some(venue),
            ..Default::default()
        }),
        text().prop_map(|zone| SettingsChange {
            time_zone: Some(zone),
            ..Default::default()
        }),
        any::<bool>().prop_map(|open| SettingsChange {
            guests: Some(if open { GuestPolicy::Open } else { GuestPolicy::Off }),
            ..Default::default()
        }),
        any::<bool>().prop_map(move |open| SettingsChange {
            attendees_visible: Some(if open { shared } else { hidden }),
            ..Default::default()
        }),
    ]
}

fn beyond_a_limit() -> impl Strategy<Value = SettingsChange> {
    prop_oneof![
        Just(SettingsChange {
            capacity: Some(0),
            ..Default::default()
        }),
        Just(SettingsChange {
            capacity: Some(CAPACITY_MAX + 1),
            ..Default::default()
        }),
        Just(SettingsChange {
            max_guests: Some(MAX_GUESTS_MAX + 1),
            ..Default::default()
        }),
        Just(SettingsChange {
            patience: Some(PATIENCE_MAX + 1),
            ..Default::default()
        }),
    ]
}
