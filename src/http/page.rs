//! Lists in pages.

use serde::{Deserialize, Serialize};

const USUAL: u32 = 20;
const MOST: u32 = 100;

/// Which page of a list is asked for.
///
/// A list with filters of its own takes `page: PageNumber, limit: PageLimit` among them, each with
/// `#[serde(default)]`, and builds this by [`Page::new`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Page {
    #[serde(default)]
    page: PageNumber,
    #[serde(default)]
    limit: PageLimit,
}

/// The number of a page, from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "u32")]
pub struct PageNumber(u32);

/// How many items a page has, 1 to 100.
pub type PageLimit = Limit<USUAL, MOST>;

/// How many items an answer has: `USUAL` unless another number is asked for, 1 to `MOST`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(try_from = "u32")]
pub struct Limit<const USUAL: u32, const MOST: u32>(u32);

impl Page {
    /// A page of a list.
    pub const fn new(page: PageNumber, limit: PageLimit) -> Self {
        Self { page, limit }
    }

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        self.page.0
    }

    /// How many items it has at most.
    pub const fn limit(self) -> u32 {
        self.limit.0
    }

    /// How many items come before it.
    pub const fn offset(self) -> u64 {
        (self.page.0 as u64 - 1) * self.limit.0 as u64
    }

    /// The answer that shows this page.
    pub const fn answer<T>(self, data: Vec<T>, total: u64) -> List<T> {
        List {
            data,
            page: self.page.0,
            limit: self.limit.0,
            total,
        }
    }
}

/// One page of a list, as it is answered.
#[derive(Clone, Debug, Serialize)]
pub struct List<T> {
    /// The items.
    pub data: Vec<T>,
    /// The number of this page, from 1.
    pub page: u32,
    /// How many items a page has at most.
    pub limit: u32,
    /// How many items the whole list has.
    pub total: u64,
}

impl PageNumber {
    /// How many pages come before it.
    pub const fn index(self) -> u32 {
        self.0 - 1
    }
}

impl Default for PageNumber {
    fn default() -> Self {
        Self(1)
    }
}

impl TryFrom<u32> for PageNumber {
    type Error = &'static str;

    fn try_from(number: u32) -> Result<Self, Self::Error> {
        if number == 0 {
            Err("must be at least 1")
        } else {
            Ok(Self(number))
        }
    }
}

impl<const USUAL: u32, const MOST: u32> Limit<USUAL, MOST> {
    /// The number.
    pub const fn count(self) -> u32 {
        self.0
    }
}

impl<const USUAL: u32, const MOST: u32> Default for Limit<USUAL, MOST> {
    fn default() -> Self {
        Self(USUAL)
    }
}

impl<const USUAL: u32, const MOST: u32> TryFrom<u32> for Limit<USUAL, MOST> {
    type Error = String;

    fn try_from(limit: u32) -> Result<Self, Self::Error> {
        if (1..=MOST).contains(&limit) {
            Ok(Self(limit))
        } else {
            Err(format!("must be between 1 and {MOST}"))
        }
    }
}
