//! What hosts send: all of a new activity, or what is to change.

use serde::Deserialize;
use turnout_actors::domain::{
    AttendeesVisible, GuestPolicy, Promotion, Settings, SettingsChange, Timestamp, UserId, Visibility,
};

use crate::api::time::Time;
use crate::api::{FieldError, Problem};
use crate::api::{Fields, Lines, Object, Word, clearable, present};

/// How a promotion takes effect.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Policy {
    mode: Word<Mode>,
    #[serde(default, deserialize_with = "present")]
    ttl_s: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Auto,
    Offer,
}

/// A new activity. What has no value here and is not given is left open.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CreateBody {
    title: String,
    starts_at: Time,
    ends_at: Time,
    capacity: u32,
    description: Option<Lines>,
    venue: Option<Lines>,
    #[serde(default, deserialize_with = "present")]
    time_zone: Option<String>,
    #[serde(default, deserialize_with = "present")]
    max_guests: Option<u16>,
    opens_at: Option<Time>,
    closes_at: Option<Time>,
    cancel_until: Option<Time>,
    promote_until: Option<Time>,
    waitlist_capacity: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    waitlist_paused: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    patience: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    promotion: Option<Object<Policy>>,
    #[serde(default, deserialize_with = "present")]
    guests: Option<Word<GuestPolicy>>,
    #[serde(default, deserialize_with = "present")]
    visibility: Option<Word<Visibility>>,
    #[serde(default, deserialize_with = "present")]
    attendees_visible: Option<Word<AttendeesVisible>>,
}

impl CreateBody {
    /// The settings of the new activity.
    pub(super) fn settings(self, host: UserId) -> Result<Settings, Problem> {
        let mut fields = Fields::default();
        if let Some(time_zone) = &self.time_zone {
            fields.check("time_zone", known_time_zone(time_zone));
        }
        let policy = self.promotion.map(promotion);
        let policy = policy.and_then(|policy| fields.check("promotion.ttl_s", policy));
        let usual = Settings::new(host, self.title, self.starts_at.0, self.ends_at.0, self.capacity);
        let settings = Settings {
            description: self.description.map(Lines::into_text),
            venue: self.venue.map(Lines::into_text),
            time_zone: self.time_zone.unwrap_or(usual.time_zone),
            max_guests: self.max_guests.unwrap_or(usual.max_guests),
            opens_at: timestamp(self.opens_at),
            closes_at: timestamp(self.closes_at),
            cancel_until: timestamp(self.cancel_until),
            promote_until: timestamp(self.promote_until),
            waitlist_capacity: self.waitlist_capacity,
            waitlist_paused: self.waitlist_paused.unwrap_or(usual.waitlist_paused),
            patience: self.patience.unwrap_or(usual.patience),
            promotion: policy.unwrap_or(usual.promotion),
            guests: self.guests.map_or(usual.guests, word),
            visibility: self.visibility.map_or(usual.visibility, word),
            attendees_visible: self.attendees_visible.map_or(usual.attendees_visible, word),
            ..usual
        };
        // The engine would refuse these too, but one by one with those above.
        fields.add(
            settings
                .errors()
                .into_iter()
                .map(|error| FieldError::new(error.field, error.message)),
        );
        if fields.any_wrong() {
            Err(fields.problem())
        } else {
            Ok(settings)
        }
    }
}

/// What is to change; `null` clears what may be left open.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangeBody {
    #[serde(default, deserialize_with = "present")]
    title: Option<String>,
    #[serde(default, deserialize_with = "present")]
    starts_at: Option<Time>,
    #[serde(default, deserialize_with = "present")]
    ends_at: Option<Time>,
    #[serde(default, deserialize_with = "present")]
    capacity: Option<u32>,
    #[serde(default, deserialize_with = "clearable")]
    description: Option<Option<Lines>>,
    #[serde(default, deserialize_with = "clearable")]
    venue: Option<Option<Lines>>,
    #[serde(default, deserialize_with = "present")]
    time_zone: Option<String>,
    #[serde(default, deserialize_with = "present")]
    max_guests: Option<u16>,
    #[serde(default, deserialize_with = "clearable")]
    opens_at: Option<Option<Time>>,
    #[serde(default, deserialize_with = "clearable")]
    closes_at: Option<Option<Time>>,
    #[serde(default, deserialize_with = "clearable")]
    cancel_until: Option<Option<Time>>,
    #[serde(default, deserialize_with = "clearable")]
    promote_until: Option<Option<Time>>,
    #[serde(default, deserialize_with = "clearable")]
    waitlist_capacity: Option<Option<u32>>,
    #[serde(default, deserialize_with = "present")]
    waitlist_paused: Option<bool>,
    #[serde(default, deserialize_with = "present")]
    patience: Option<u32>,
    #[serde(default, deserialize_with = "present")]
    promotion: Option<Object<Policy>>,
    #[serde(default, deserialize_with = "present")]
    guests: Option<Word<GuestPolicy>>,
    #[serde(default, deserialize_with = "present")]
    visibility: Option<Word<Visibility>>,
    #[serde(default, deserialize_with = "present")]
    attendees_visible: Option<Word<AttendeesVisible>>,
}

impl ChangeBody {
    /// The change; the engine checks how it goes with what stays.
    pub(super) fn change(self) -> Result<SettingsChange, Problem> {
        if let Some(time_zone) = &self.time_zone {
            known_time_zone(time_zone).map_err(|message| Problem::field("time_zone", message))?;
        }
        let promotion = self.promotion.map(promotion).transpose();
        Ok(SettingsChange {
            title: self.title,
            description: self.description.map(|text| text.map(Lines::into_text)),
            venue: self.venue.map(|text| text.map(Lines::into_text)),
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
            promotion: promotion.map_err(|message| Problem::field("promotion.ttl_s", message))?,
            guests: self.guests.map(word),
            visibility: self.visibility.map(word),
            attendees_visible: self.attendees_visible.map(word),
        })
    }
}

fn timestamp(time: Option<Time>) -> Option<Timestamp> {
    time.map(|Time(at)| at)
}

fn word<T>(Word(value): Word<T>) -> T {
    value
}

fn promotion(Object(policy): Object<Policy>) -> Result<Promotion, &'static str> {
    match (policy.mode, policy.ttl_s) {
        (Word(Mode::Auto), None) => Ok(Promotion::Auto),
        (Word(Mode::Auto), Some(_)) => Err("must not be given in mode auto"),
        (Word(Mode::Offer), Some(ttl_s)) => Ok(Promotion::Offer { ttl_s }),
        (Word(Mode::Offer), None) => Err("is required in mode offer"),
    }
}

fn known_time_zone(name: &str) -> Result<(), &'static str> {
    match name.parse::<chrono_tz::Tz>() {
        Ok(_) => Ok(()),
        Err(_) => Err("must be the IANA name of a time zone, such as Europe/Berlin"),
    }
}
