//! How an activity begins, and what its host changes.

use proptest::prelude::*;
use turnout_actors::domain::{
    AttendeesVisible, CAPACITY_MAX, GuestPolicy, MAX_GUESTS_MAX, OFFER_TTL_MAX_S, PATIENCE_MAX, Promotion,
    Settings, SettingsChange, Timestamp, Visibility,
};
use turnout_actors::testing::settings;

/// Windows lie within so many ticks.
pub const TICKS: i64 = 400;
/// Offers last for whole seconds, so that a tick must be long enough for some of them to end within a history.
pub const TICK_MS: i64 = 50;

/// How an activity begins.
#[derive(Clone, Debug)]
pub struct Opening {
    pub settings: Settings,
    /// Whether offers that are over end before the next command, as they do where an activity is live.
    pub alarm: bool,
}

/// The time at this tick.
pub fn at_tick(tick: i64) -> Timestamp {
    Timestamp::from_millis(tick * TICK_MS)
}

fn time() -> impl Strategy<Value = Timestamp> {
    (0..TICKS).prop_map(at_tick)
}

fn maybe_time() -> impl Strategy<Value = Option<Timestamp>> {
    prop_oneof![3 => Just(None), 1 => time().prop_map(Some)]
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

fn promotion() -> impl Strategy<Value = Promotion> {
    prop_oneof![
        1 => Just(Promotion::Auto),
        2 => (1..5_u32).prop_map(|ttl_s| Promotion::Offer { ttl_s }),
    ]
}

fn guest_policy() -> impl Strategy<Value = GuestPolicy> {
    prop_oneof![5 => Just(GuestPolicy::Open), 1 => Just(GuestPolicy::Off)]
}

impl Opening {
    pub fn any() -> impl Strategy<Value = Self> {
        let opens = prop_oneof![3 => Just(None), 1 => (0..TICKS / 4).prop_map(at_tick).prop_map(Some)];
        let times = (
            opens,
            maybe_time(),
            maybe_time(),
            maybe_time(),
            TICKS / 4..TICKS,
            1..TICKS,
        );
        let policy = (1..12_u32, 0..5_u32, 0..11_u16, waitlist_capacity(), promotion());
        let visibility = prop_oneof![9 => Just(Visibility::Public), 1 => visibility()];
        (times, policy, visibility)
            .prop_map(|(times, policy, visibility)| {
                let (opens_at, closes_at, cancel_until, promote_until, starts, length) = times;
                let (capacity, patience, max_guests, waitlist_capacity, promotion) = policy;
                Settings {
                    starts_at: at_tick(starts),
                    ends_at: at_tick(starts + length),
                    patience,
                    max_guests,
                    opens_at,
                    closes_at,
                    cancel_until,
                    promote_until,
                    waitlist_capacity,
                    promotion,
                    visibility,
                    ..settings(capacity)
                }
            })
            .prop_filter("valid settings", |settings| settings.errors().is_empty())
            .prop_flat_map(|settings| (Just(settings), prop::bool::weighted(0.8)))
            .prop_map(|(settings, alarm)| Self { settings, alarm })
    }
}

/// A change of settings, of which most are no surprise.
pub fn change() -> impl Strategy<Value = SettingsChange> {
    prop_oneof![
        10 => (1..14_u32).prop_map(|capacity| SettingsChange { capacity: Some(capacity), ..Default::default() }),
        6 => any::<bool>().prop_map(|paused| SettingsChange { waitlist_paused: Some(paused), ..Default::default() }),
        2 => (0..5_u32).prop_map(|patience| SettingsChange { patience: Some(patience), ..Default::default() }),
        2 => (0..11_u16).prop_map(|guests| SettingsChange { max_guests: Some(guests), ..Default::default() }),
        2 => waitlist_capacity().prop_map(|most| SettingsChange { waitlist_capacity: Some(most), ..Default::default() }),
        4 => promotion().prop_map(|promotion| SettingsChange { promotion: Some(promotion), ..Default::default() }),
        2 => guest_policy().prop_map(|guests| SettingsChange { guests: Some(guests), ..Default::default() }),
        8 => times(),
        3 => texts(),
        2 => visibility().prop_map(|visibility| SettingsChange { visibility: Some(visibility), ..Default::default() }),
        1 => beyond_a_limit(),
        2 => (1..14_u32, any::<bool>(), 0..5_u32, promotion()).prop_map(|(capacity, paused, patience, promotion)| {
            SettingsChange {
                capacity: Some(capacity),
                waitlist_paused: Some(paused),
                patience: Some(patience),
                promotion: Some(promotion),
                ..Default::default()
            }
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
            ends_at: Some(starts_at.plus_millis(length * TICK_MS)),
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
        any::<bool>().prop_map(move |open| SettingsChange {
            attendees_visible: Some(if open { shared } else { hidden }),
            ..Default::default()
        }),
    ]
}

fn beyond_a_limit() -> impl Strategy<Value = SettingsChange> {
    let offer = |ttl_s| SettingsChange {
        promotion: Some(Promotion::Offer { ttl_s }),
        ..Default::default()
    };
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
        Just(offer(0)),
        Just(offer(OFFER_TTL_MAX_S + 1)),
    ]
}
