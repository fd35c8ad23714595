//! What the host fixes about an activity, and how it may change. It must not judge a command.

use std::collections::BTreeMap;

/// The settings of an activity. Times are microseconds since 1970.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Settings {
    /// Spots in all, 1 to 10,000,000.
    pub capacity: u32,
    /// Guests that one person may bring.
    pub max_guests: u32,
    /// How often a feasible waiting party may be passed before it guards.
    pub patience: u32,
    /// Parties that may wait: `None` is unlimited, 0 is no waitlist.
    pub waitlist_capacity: Option<u32>,
    /// From when one may enter or grow; `None` is open.
    pub opens_at_us: Option<i64>,
    /// Until when one may enter or grow; `None` is the start.
    pub closes_at_us: Option<i64>,
    /// Until when one may cancel or shrink; `None` is the end.
    pub cancel_until_us: Option<i64>,
    /// Until when those who wait are promoted; `None` is the start.
    pub promote_until_us: Option<i64>,
    /// The start.
    pub starts_at_us: i64,
    /// The end.
    pub ends_at_us: i64,
    /// Whether only its hosts and its own people may know of it.
    pub private: bool,
    /// Whether people without an account may enter.
    pub guests: bool,
    /// What becomes of a party that is promoted.
    pub promotion: Promotion,
    /// Everything that no rule looks at, by the name of the setting.
    pub texts: BTreeMap<String, String>,
}

impl Settings {
    /// The settings of an activity for which only the capacity and the times were given.
    pub fn new(capacity: u32, starts_at_us: i64, ends_at_us: i64) -> Self {
        Self {
            capacity,
            max_guests: 10,
            patience: 3,
            waitlist_capacity: None,
            opens_at_us: None,
            closes_at_us: None,
            cancel_until_us: None,
            promote_until_us: None,
            starts_at_us,
            ends_at_us,
            private: false,
            guests: true,
            promotion: Promotion::Auto,
            texts: BTreeMap::new(),
        }
    }

    /// Whether an activity may have these settings.
    pub(super) fn are_valid(&self) -> bool {
        let closes_at_us = self.closes_at_us.unwrap_or(self.starts_at_us);
        self.starts_at_us < self.ends_at_us
            && (1..=10_000_000).contains(&self.capacity)
            && self.max_guests <= 100
            && self.patience <= 1_000_000
            && self.promotion.is_valid()
            && self
                .opens_at_us
                .is_none_or(|opens_at_us| opens_at_us < closes_at_us)
    }
}

/// What becomes of a party that leaves the line with spots.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Promotion {
    /// It is confirmed.
    Auto,
    /// It may accept within so many seconds.
    Offer {
        /// 1 to 2,592,000: at most 30 days.
        ttl_s: u32,
    },
}

impl Promotion {
    fn is_valid(self) -> bool {
        match self {
            Self::Auto => true,
            Self::Offer { ttl_s } => (1..=30 * 24 * 60 * 60).contains(&ttl_s),
        }
    }
}

/// A change of settings: what is `None` stays; where a setting may be absent, `Some(None)` removes it.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
#[expect(missing_docs, reason = "each field is the setting of the same name")]
pub struct SettingsChange {
    pub capacity: Option<u32>,
    pub max_guests: Option<u32>,
    pub patience: Option<u32>,
    pub waitlist_capacity: Option<Option<u32>>,
    pub opens_at_us: Option<Option<i64>>,
    pub closes_at_us: Option<Option<i64>>,
    pub cancel_until_us: Option<Option<i64>>,
    pub promote_until_us: Option<Option<i64>>,
    pub starts_at_us: Option<i64>,
    pub ends_at_us: Option<i64>,
    pub private: Option<bool>,
    pub guests: Option<bool>,
    pub promotion: Option<Promotion>,
    pub texts: BTreeMap<String, Option<String>>,
    pub waitlist_paused: Option<bool>,
}

impl SettingsChange {
    /// The settings after this change. The pause is not among them.
    pub(super) fn applied_to(&self, old: &Settings) -> Settings {
        Settings {
            capacity: self.capacity.unwrap_or(old.capacity),
            max_guests: self.max_guests.unwrap_or(old.max_guests),
            patience: self.patience.unwrap_or(old.patience),
            waitlist_capacity: self.waitlist_capacity.unwrap_or(old.waitlist_capacity),
            opens_at_us: self.opens_at_us.unwrap_or(old.opens_at_us),
            closes_at_us: self.closes_at_us.unwrap_or(old.closes_at_us),
            cancel_until_us: self.cancel_until_us.unwrap_or(old.cancel_until_us),
            promote_until_us: self.promote_until_us.unwrap_or(old.promote_until_us),
            starts_at_us: self.starts_at_us.unwrap_or(old.starts_at_us),
            ends_at_us: self.ends_at_us.unwrap_or(old.ends_at_us),
            private: self.private.unwrap_or(old.private),
            guests: self.guests.unwrap_or(old.guests),
            promotion: self.promotion.unwrap_or(old.promotion),
            texts: self.texts_after(&old.texts),
        }
    }

    fn texts_after(&self, old: &BTreeMap<String, String>) -> BTreeMap<String, String> {
        let mut texts = old.clone();
        for (name, text) in &self.texts {
            match text {
                Some(text) => texts.insert(name.clone(), text.clone()),
                None => texts.remove(name),
            };
        }
        texts
    }
}
