//! What the host sets: what the activity is, when its doors are open, and the policy of its waitlist.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::ids::{OrganizationId, UserId};
use super::time::Timestamp;
use super::visible::{is_blank, is_deceptive};

/// The largest capacity, in spots.
pub const CAPACITY_MAX: u32 = 10_000_000;
/// The most guests that a host may allow per RSVP.
pub const MAX_GUESTS_MAX: u16 = 100;
/// The highest patience.
pub const PATIENCE_MAX: u32 = 1_000_000;
/// The longest time for which an offer can be accepted, in seconds: 30 days.
pub const OFFER_TTL_MAX_S: u32 = 30 * 24 * 60 * 60;
/// The longest title, in characters.
pub const TITLE_MAX_CHARS: usize = 200;
/// The longest description, in characters.
pub const DESCRIPTION_MAX_CHARS: usize = 10_000;
/// The longest venue, in characters.
pub const VENUE_MAX_CHARS: usize = 300;

/// Everything that the host can set.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// What it is called; 1 to [`TITLE_MAX_CHARS`] characters.
    pub title: String,
    /// What it is about.
    pub description: Option<String>,
    /// Where it is.
    pub venue: Option<String>,
    /// Its place's IANA time zone, for people; no rule depends on it.
    pub time_zone: String,
    /// When it starts.
    pub starts_at: Timestamp,
    /// When it ends, later than it starts.
    pub ends_at: Timestamp,
    /// How many spots there are, 1 to [`CAPACITY_MAX`].
    pub capacity: u32,
    /// The most guests per RSVP, 0 to [`MAX_GUESTS_MAX`].
    pub max_guests: u16,
    /// When entering begins; always open where there is none.
    pub opens_at: Option<Timestamp>,
    /// When entering ends; `starts_at` where there is none.
    pub closes_at: Option<Timestamp>,
    /// Until when one may cancel or shrink; `ends_at` where there is none.
    pub cancel_until: Option<Timestamp>,
    /// Until when those who wait are promoted; `starts_at` where there is none.
    pub promote_until: Option<Timestamp>,
    /// The most parties that may wait: unlimited where there is none, 0 for no waitlist.
    pub waitlist_capacity: Option<u32>,
    /// Whether the host holds promotion back.
    pub waitlist_paused: bool,
    /// How many later parties may be promoted past one that waits, 0 to [`PATIENCE_MAX`].
    pub patience: u32,
    /// How a promotion takes effect.
    pub promotion: Promotion,
    /// Whether people without an account may come.
    pub guests: GuestPolicy,
    /// Who may see it.
    pub visibility: Visibility,
    /// Who may see who comes.
    pub attendees_visible: AttendeesVisible,
    /// Whose activity it is.
    pub host_id: UserId,
    /// The organization that it belongs to.
    pub organization_id: Option<OrganizationId>,
}

/// How a promotion takes effect.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Promotion {
    /// The party is confirmed at once.
    #[default]
    Auto,
    /// The spots are held for the party, which has to accept them.
    Offer {
        /// For how many seconds, 1 to [`OFFER_TTL_MAX_S`].
        ttl_s: u32,
    },
}

/// Whether people without an account may come.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuestPolicy {
    /// By e-mail address.
    #[default]
    Open,
    /// Accounts only.
    Off,
}

/// Who may see an activity.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Visibility {
    /// Everybody, and it is listed.
    #[default]
    Public,
    /// Everybody who knows its identifier.
    Unlisted,
    /// Its host, its people and administrators; for all others it does not exist.
    Private,
}

/// Who may see who comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttendeesVisible {
    /// Everybody.
    #[default]
    Public,
    /// Those who come themselves.
    Attendees,
    /// The host.
    Host,
}

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),* $(,)? }) => {
        impl $type {
            /// The stable name that clients and tables see.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// The value with this [`name`](Self::name).
            pub fn from_name(name: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|value| value.name() == name)
            }
        }
    };
}

names!(GuestPolicy { Open = "open", Off = "off" });
names!(Visibility { Public = "public", Unlisted = "unlisted", Private = "private" });
names!(AttendeesVisible { Public = "public", Attendees = "attendees", Host = "host" });

/// A field that breaks a rule, for the person who sent it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldError {
    /// The field's name.
    pub field: &'static str,
    /// What is wrong with it, as the rest of a sentence that begins with the field.
    pub message: String,
}

impl Settings {
    /// About how many bytes it takes.
    pub(super) fn weight_bytes(&self) -> usize {
        let texts = [&self.description, &self.venue].into_iter().flatten();
        let texts = texts.chain([&self.title, &self.time_zone]);
        size_of::<Self>() + texts.map(String::len).sum::<usize>()
    }

    /// The settings of an activity of which only this is given: open at once, an unlimited waitlist that moves
    /// by itself, seen by everybody.
    pub fn new(host: UserId, title: String, starts_at: Timestamp, ends_at: Timestamp, capacity: u32) -> Self {
        Self {
            title,
            description: None,
            venue: None,
            time_zone: "UTC".into(),
            starts_at,
            ends_at,
            capacity,
            max_guests: 10,
            opens_at: None,
            closes_at: None,
            cancel_until: None,
            promote_until: None,
            waitlist_capacity: None,
            waitlist_paused: false,
            patience: 3,
            promotion: Promotion::default(),
            guests: GuestPolicy::default(),
            visibility: Visibility::default(),
            attendees_visible: AttendeesVisible::default(),
            host_id: host,
            organization_id: None,
        }
    }

    /// When entering ends.
    pub fn closes_at(&self) -> Timestamp {
        self.closes_at.unwrap_or(self.starts_at)
    }

    /// Until when one may cancel or shrink.
    pub fn cancel_until(&self) -> Timestamp {
        self.cancel_until.unwrap_or(self.ends_at)
    }

    /// Until when those who wait are promoted.
    pub fn promote_until(&self) -> Timestamp {
        self.promote_until.unwrap_or(self.starts_at)
    }

    /// Until when an offer can be accepted that is made at `now`; `None` where promotions are no offers. One that is
    /// made while those who wait are promoted ends with that at the latest; one that the host makes later does not.
    pub fn offer_made_at(&self, now: Timestamp) -> Option<Timestamp> {
        let Promotion::Offer { ttl_s } = self.promotion else {
            return None;
        };
        let end = now.plus_millis(i64::from(ttl_s) * 1_000);
        let last = self.promote_until();
        Some(if now < last { end.min(last) } else { end })
    }

    /// The fields that break a rule; none if all is well.
    pub fn errors(&self) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut check = |holds: bool, field, message: String| {
            if !holds {
                errors.push(FieldError { field, message });
            }
        };
        let title = self.title.chars().count();
        check(
            (1..=TITLE_MAX_CHARS).contains(&title),
            "title",
            format!("must have 1 to {TITLE_MAX_CHARS} characters"),
        );
        check(
            !self.title.contains(is_deceptive),
            "title",
            "must not contain control characters or others that hide or turn text".into(),
        );
        check(!is_blank(&self.title), "title", "must not be blank".into());
        for (field, text, longest) in [
            ("description", &self.description, DESCRIPTION_MAX_CHARS),
            ("venue", &self.venue, VENUE_MAX_CHARS),
        ] {
            let length = text.as_ref().map_or(0, |text| text.chars().count());
            check(
                length <= longest,
                field,
                format!("must have at most {longest} characters"),
            );
        }
        check(
            self.ends_at > self.starts_at,
            "ends_at",
            "must be later than starts_at".into(),
        );
        check(
            (1..=CAPACITY_MAX).contains(&self.capacity),
            "capacity",
            format!("must be 1 to {CAPACITY_MAX}"),
        );
        check(
            self.max_guests <= MAX_GUESTS_MAX,
            "max_guests",
            format!("must be 0 to {MAX_GUESTS_MAX}"),
        );
        check(
            self.patience <= PATIENCE_MAX,
            "patience",
            format!("must be 0 to {PATIENCE_MAX}"),
        );
        check(
            match self.promotion {
                Promotion::Auto => true,
                Promotion::Offer { ttl_s } => (1..=OFFER_TTL_MAX_S).contains(&ttl_s),
            },
            "promotion.ttl_s",
            format!("must be 1 to {OFFER_TTL_MAX_S}"),
        );
        check(
            self.opens_at.is_none_or(|opens_at| opens_at < self.closes_at()),
            "opens_at",
            "must be earlier than the time of closing".into(),
        );
        errors
    }
}

/// New values for some settings; what is `None` stays as it is. Serialized, what stays is left out, so that it
/// differs from what is cleared.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[allow(missing_docs, reason = "each field stands for the setting of the same name")]
pub struct SettingsChange {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub venue: Option<Option<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub starts_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_guests: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opens_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closes_at: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cancel_until: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promote_until: Option<Option<Timestamp>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waitlist_capacity: Option<Option<u32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waitlist_paused: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patience: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guests: Option<GuestPolicy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attendees_visible: Option<AttendeesVisible>,
}

impl SettingsChange {
    /// The settings with this change made.
    pub fn applied_to(&self, settings: &Settings) -> Settings {
        fn take<T: Clone>(change: &Option<T>, now: &T) -> T {
            change.as_ref().unwrap_or(now).clone()
        }
        Settings {
            title: take(&self.title, &settings.title),
            description: take(&self.description, &settings.description),
            venue: take(&self.venue, &settings.venue),
            time_zone: take(&self.time_zone, &settings.time_zone),
            starts_at: take(&self.starts_at, &settings.starts_at),
            ends_at: take(&self.ends_at, &settings.ends_at),
            capacity: take(&self.capacity, &settings.capacity),
            max_guests: take(&self.max_guests, &settings.max_guests),
            opens_at: take(&self.opens_at, &settings.opens_at),
            closes_at: take(&self.closes_at, &settings.closes_at),
            cancel_until: take(&self.cancel_until, &settings.cancel_until),
            promote_until: take(&self.promote_until, &settings.promote_until),
            waitlist_capacity: take(&self.waitlist_capacity, &settings.waitlist_capacity),
            waitlist_paused: take(&self.waitlist_paused, &settings.waitlist_paused),
            patience: take(&self.patience, &settings.patience),
            promotion: take(&self.promotion, &settings.promotion),
            guests: take(&self.guests, &settings.guests),
            visibility: take(&self.visibility, &settings.visibility),
            attendees_visible: take(&self.attendees_visible, &settings.attendees_visible),
            host_id: settings.host_id,
            organization_id: settings.organization_id,
        }
    }
}

/// Settings behind one pointer, since readers, drafts and events share them.
pub type SharedSettings = Arc<Settings>;
