//! What hosts send: all of a new activity, or what is to change.

use serde::{Deserialize, Deserializer};
use turnout_actors::domain::{
    AttendeesVisible, GuestPolicy, Promotion, Settings, SettingsChange, Timestamp, UserId, Visibility,
};

use crate::http::Problem;
use crate::http::time::Time;

const MAX_GUESTS: u16 = 10;
const PATIENCE: u32 = 3;
const TIME_ZONE: &str = "UTC";

/// A new activity. What has no value here and is not given is left open.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    title: String,
    starts_at: Time,
    ends_at: Time,
    capacity: u32,
    description: Option<String>,
    venue: Option<String>,
    time_zone: Option<String>,
    max_guests: Option<u16>,
    opens_at: Option<Time>,
    closes_at: Option<Time>,
    cancel_until: Option<Time>,
    promote_until: Option<Time>,
    waitlist_capacity: Option<u32>,
    waitlist_paused: Option<bool>,
    patience: Option<u32>,
    promotion: Option<Promotion>,
    guests: Option<GuestPolicy>,
    visibility: Option<Visibility>,
    attendees_visible: Option<AttendeesVisible>,
}

impl CreateBody {
    /// The settings of the new activity; the engine checks how they go together.
    pub(super) fn settings(self, host: UserId) -> Result<Settings, Problem> {
        let time_zone = self.time_zone.unwrap_or_else(|| TIME_ZONE.to_owned());
        check_time_zone(&time_zone)?;
        Ok(Settings {
            title: self.title,
            description: self.description,
            venue: self.venue,
            time_zone,
            starts_at: self.starts_at.0,
            ends_at: self.ends_at.0,
            capacity: self.capacity,
            max_guests: self.max_guests.unwrap_or(MAX_GUESTS),
            opens_at: timestamp(self.opens_at),
            closes_at: timestamp(self.closes_at),
            cancel_until: timestamp(self.cancel_until),
            promote_until: timestamp(self.promote_until),
            waitlist_capacity: self.waitlist_capacity,
            waitlist_paused: self.waitlist_paused.unwrap_or_default(),
            patience: self.patience.unwrap_or(PATIENCE),
            promotion: self.promotion.unwrap_or_default(),
            guests: self.guests.unwrap_or_default(),
            visibility: self.visibility.unwrap_or_default(),
            attendees_visible: self.attendees_visible.unwrap_or_default(),
            host_id: host,
            organization_id: None,
        })
    }
}

/// What is to change; `null` clears what may be left open.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    title: Option<String>,
    starts_at: Option<Time>,
    ends_at: Option<Time>,
    capacity: Option<u32>,
    #[serde(default, deserialize_with = "given")]
    description: Option<Option<String>>,
    #[serde(default, deserialize_with = "given")]
    venue: Option<Option<String>>,
    time_zone: Option<String>,
    max_guests: Option<u16>,
    #[serde(default, deserialize_with = "given")]
    opens_at: Option<Option<Time>>,
    #[serde(default, deserialize_with = "given")]
    closes_at: Option<Option<Time>>,
    #[serde(default, deserialize_with = "given")]
    cancel_until: Option<Option<Time>>,
    #[serde(default, deserialize_with = "given")]
    promote_until: Option<Option<Time>>,
    #[serde(default, deserialize_with = "given")]
    waitlist_capacity: Option<Option<u32>>,
    waitlist_paused: Option<bool>,
    patience: Option<u32>,
    promotion: Option<Promotion>,
    guests: Option<GuestPolicy>,
    visibility: Option<Visibility>,
    attendees_visible: Option<AttendeesVisible>,
}

impl ChangeBody {
    /// The change; the engine checks how it goes with what stays.
    pub(super) fn change(self) -> Result<SettingsChange, Problem> {
        if let Some(time_zone) = &self.time_zone {
            check_time_zone(time_zone)?;
        }
        Ok(SettingsChange {
            title: self.title,
            description: self.description,
            venue: self.venue,
            time_zone: self.time_zone,
            starts_at: timestamp(self.starts_at),
            ends_at: timestamp(self.ends_at),
            capacity: self.capacity,
            max_guests: self.max_guests,
            opens_at: self.opens_at.map(timestamp),
            closes_at: self.closes_at.map(timestamp),
            cancel_until: self.cancel_until.map(timestamp),
            promote_until: self.promote_until.map(timestamp),
            waitlist_capacity: self.waitlist_capacity,
            waitlist_paused: self.waitlist_paused,
            patience: self.patience,
            promotion: self.promotion,
            guests: self.guests,
            visibility: self.visibility,
            attendees_visible: self.attendees_visible,
        })
    }
}

/// Tells a field that is given as `null` from one that is not given.
pub(in crate::http) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn timestamp(time: Option<Time>) -> Option<Timestamp> {
    time.map(|Time(at)| at)
}

fn check_time_zone(name: &str) -> Result<(), Problem> {
    match name.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err(Problem::field(
            "time_zone",
            "must be the IANA name of a time zone, such as Europe/Berlin",
        )),
    }
}
