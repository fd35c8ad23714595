//! Random histories: few people, few spots and narrow time windows, so that rules meet each other often.

use proptest::prelude::*;
use turnout_actors::domain::{Settings, SettingsChange, Timestamp};
use turnout_actors::testing::settings;

/// Time is counted in ticks of a millisecond; windows lie within this many.
const TICKS: i64 = 400;

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
        guests: u16,
        wishes: bool,
        key: Option<u8>,
    },
    Update {
        person: u8,
        guests: Option<u16>,
        wishes: Option<bool>,
        version: Version,
        by_host: bool,
        key: Option<u8>,
    },
    Cancel {
        person: u8,
        version: Version,
        by_host: bool,
        key: Option<u8>,
    },
    Change {
        change: Box<SettingsChange>,
        key: Option<u8>,
    },
    CancelActivity,
    /// The clock moves, sometimes backwards.
    Tick(i64),
    Commit,
    Abort,
    Reload,
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
            TICKS / 2..TICKS,
            1..TICKS,
        );
        let policy = (1..12_u32, 0..5_u32, 0..11_u16, waitlist_capacity());
        (times, policy)
            .prop_map(
                |((opens_at, closes_at, cancel_until, promote_until, starts, length), policy)| {
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
        let person = || 0..14_u8;
        let by_host = || prop::bool::weighted(0.15);
        prop_oneof![
            30 => (person(), guests(), any::<bool>(), key())
                .prop_map(|(person, guests, wishes, key)| Self::Reserve { person, guests, wishes, key }),
            14 => (person(), prop::option::of(guests()), prop::option::of(any::<bool>()), version(), by_host(), key())
                .prop_map(|(person, guests, wishes, version, by_host, key)| {
                    Self::Update { person, guests, wishes, version, by_host, key }
                }),
            18 => (person(), version(), by_host(), key())
                .prop_map(|(person, version, by_host, key)| Self::Cancel { person, version, by_host, key }),
            6 => (change(), key()).prop_map(|(change, key)| Self::Change { change: Box::new(change), key }),
            1 => prop::bool::weighted(0.2).prop_map(|really| if really { Self::CancelActivity } else { Self::Commit }),
            8 => prop_oneof![4 => 1..8_i64, 1 => -5..0_i64, 1 => 20..80_i64].prop_map(Self::Tick),
            12 => Just(Self::Commit),
            2 => Just(Self::Abort),
            2 => Just(Self::Reload),
        ]
    }
}

fn change() -> impl Strategy<Value = SettingsChange> {
    prop_oneof![
        5 => (1..14_u32).prop_map(|capacity| SettingsChange { capacity: Some(capacity), ..Default::default() }),
        3 => any::<bool>().prop_map(|paused| SettingsChange { waitlist_paused: Some(paused), ..Default::default() }),
        1 => (0..5_u32).prop_map(|patience| SettingsChange { patience: Some(patience), ..Default::default() }),
        1 => (0..11_u16).prop_map(|guests| SettingsChange { max_guests: Some(guests), ..Default::default() }),
        1 => waitlist_capacity().prop_map(|most| SettingsChange { waitlist_capacity: Some(most), ..Default::default() }),
        1 => maybe_time().prop_map(|until| SettingsChange { promote_until: Some(until), ..Default::default() }),
        1 => maybe_time().prop_map(|until| SettingsChange { cancel_until: Some(until), ..Default::default() }),
        1 => maybe_time().prop_map(|opens_at| SettingsChange { opens_at: Some(opens_at), ..Default::default() }),
        1 => (1..14_u32, any::<bool>(), 0..5_u32).prop_map(|(capacity, paused, patience)| SettingsChange {
            capacity: Some(capacity),
            waitlist_paused: Some(paused),
            patience: Some(patience),
            ..Default::default()
        }),
    ]
}
