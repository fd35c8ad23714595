//! What the host of an activity does: create it, and read everything back when the burst is over.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::attempt::{Attempts, Final};
use crate::client::{Head, Method, Request};
use crate::model::{Promotion, Settings};
use crate::seen::{LastState, SeenActivity, SeenEntry, SeenEvent, SeenRsvp, SeenWaitlist};
use crate::tokens::Person;
use crate::utc::text;

/// Far enough in the future that no window closes during a run.
const STARTS_AT: &str = "2099-01-01T18:00:00.000Z";
const ENDS_AT: &str = "2099-01-01T22:00:00.000Z";

/// An activity to be created, in the shape of the contract.
#[derive(Clone, Debug, Serialize)]
pub struct NewActivity {
    title: String,
    starts_at: &'static str,
    ends_at: &'static str,
    capacity: u32,
    max_guests: u32,
    patience: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    waitlist_capacity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    opens_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    promotion: Option<NewPromotion>,
}

/// What becomes of whoever is promoted, where it is not the usual.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(tag = "mode", rename_all = "snake_case")]
enum NewPromotion {
    Offer { ttl_s: u32 },
}

impl NewActivity {
    /// An activity without windows but that of its opening, with the settings that the model will judge it by.
    pub fn of(title: String, settings: &Settings) -> Self {
        Self {
            title,
            starts_at: STARTS_AT,
            ends_at: ENDS_AT,
            capacity: settings.capacity,
            max_guests: settings.max_guests,
            patience: settings.patience,
            waitlist_capacity: settings.waitlist_capacity,
            opens_at: settings.opens_at_us.map(text),
            promotion: match settings.promotion {
                Promotion::Auto => None,
                Promotion::Offer { ttl_s } => Some(NewPromotion::Offer { ttl_s }),
            },
        }
    }
}

/// The settings of an activity whose windows do not close before a run is over.
pub fn open_settings(capacity: u32) -> Settings {
    Settings::new(capacity, i64::MAX - 1, i64::MAX)
}

/// Why the host could not do something.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The server said no.
    #[error("{what} was refused: {status} {code}{}", advice(*.status))]
    Refused {
        /// What was asked.
        what: String,
        /// The status code.
        status: u16,
        /// The stable code.
        code: String,
    },
    /// The server said nothing final before time was up.
    #[error("{what} was not answered in time{}", because(.why.as_deref()))]
    Unanswered {
        /// What was asked.
        what: String,
        /// Why the last try had no answer.
        why: Option<String>,
    },
    /// The server said something else than the contract.
    #[error("{what} was answered with something else than expected")]
    Unreadable {
        /// What was asked.
        what: String,
        /// What is wrong with it.
        source: serde_json::Error,
    },
}

fn advice(status: u16) -> &'static str {
    if status == 401 {
        " (is the secret the server's? --secret, TURNOUT_JWT_SECRET or --data-dir)"
    } else {
        ""
    }
}

fn because(why: Option<&str>) -> String {
    why.map_or_else(String::new, |why| format!("; {why}"))
}

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    next_cursor: Option<String>,
}

/// How long a list is.
#[derive(Deserialize)]
struct Total {
    total: u64,
}

/// The answer about a waitlist, as the host sees it.
#[derive(Deserialize)]
struct WaitlistPage {
    parties: u64,
    spots: u64,
    paused: bool,
    entries: Vec<SeenEntry>,
}

/// Only the id of what was created or cancelled.
#[derive(Deserialize)]
struct Created {
    id: Uuid,
}

/// The host with a connection.
pub struct Host<'a> {
    attempts: &'a mut Attempts,
    person: &'a Person,
}

impl<'a> Host<'a> {
    /// The host over a connection that others may use in between.
    pub fn new(attempts: &'a mut Attempts, person: &'a Person) -> Self {
        Self { attempts, person }
    }

    /// What time it is by the server's clock, to the second, in microseconds since 1970.
    pub async fn time_us(&mut self) -> Result<i64, HostError> {
        let path = "/api/v1/activities?page=1&limit=1";
        let request = Request::get(path, &self.person.token);
        match self.attempts.until_final(&request).await {
            Some(Final::Done(Head {
                date_us: Some(date_us),
                ..
            })) => Ok(date_us),
            Some(Final::Rejected { status, code }) => Err(HostError::Refused {
                what: "the time".to_owned(),
                status,
                code,
            }),
            _ => Err(HostError::Unanswered {
                what: "the time".to_owned(),
                why: self.attempts.last_error().map(str::to_owned),
            }),
        }
    }

    /// Creates an activity, once, however many tries it takes.
    pub async fn create(&mut self, activity: &NewActivity, key: &str) -> Result<Uuid, HostError> {
        let path = "/api/v1/activities";
        let body = serde_json::to_string(activity).map_err(|source| HostError::Unreadable {
            what: path.to_owned(),
            source,
        })?;
        let request = Request {
            method: Method::Post,
            path,
            token: Some(&self.person.token),
            key: Some(key),
            body: &body,
        };
        let created: Created = self.ask(&request).await?;
        Ok(created.id)
    }

    /// Reads everything about an activity.
    pub async fn read_back(&mut self, id: Uuid) -> Result<LastState, HostError> {
        let path = format!("/api/v1/activities/{id}");
        let activity: SeenActivity = self.get(&path).await?;
        Ok(LastState {
            rsvps: self.read_rsvps(&path, "").await?,
            waitlist: self.read_waitlist(&path).await?,
            events: self.read_events(&path).await?,
            activity,
        })
    }

    /// The last event of an activity, and what everybody may see of it then, but `seq` and `epoch`.
    pub async fn snapshot(&mut self, id: Uuid) -> Result<(u64, Map<String, Value>), HostError> {
        let path = format!("/api/v1/activities/{id}");
        let everybody = Request {
            token: None,
            ..Request::get(&path, "")
        };
        let mut shown: Map<String, Value> = self.ask(&everybody).await?;
        let waitlist: WaitlistPage = self.get(&format!("{path}/waitlist?page=1&limit=1")).await?;
        let seq = shown.remove("seq").as_ref().and_then(Value::as_u64);
        shown.remove("epoch");
        let first = waitlist.entries.first();
        let waitlist = json!({
            "parties": waitlist.parties,
            "spots": waitlist.spots,
            "first_ticket": first.map(|entry| entry.ticket),
        });
        shown.insert("waitlist".to_owned(), waitlist);
        Ok((seq.unwrap_or_default(), shown))
    }

    /// Cancels an activity, once, however many tries it takes.
    pub async fn cancel(&mut self, id: Uuid, key: &str) -> Result<(), HostError> {
        let path = format!("/api/v1/activities/{id}");
        let request = Request {
            method: Method::Delete,
            path: &path,
            token: Some(&self.person.token),
            key: Some(key),
            body: "",
        };
        let _: Created = self.ask(&request).await?;
        Ok(())
    }

    /// An activity as it is now.
    pub async fn shown(&mut self, id: Uuid) -> Result<SeenActivity, HostError> {
        self.get(&format!("/api/v1/activities/{id}")).await
    }

    /// How many RSVPs of this status an activity has.
    pub async fn total(&mut self, id: Uuid, status: &str) -> Result<u64, HostError> {
        let path = format!("/api/v1/activities/{id}/rsvps?status={status}&page=1&limit=1");
        let total: Total = self.get(&path).await?;
        Ok(total.total)
    }

    /// Everybody who is offered spots now.
    pub async fn read_offered(&mut self, id: Uuid) -> Result<Vec<SeenRsvp>, HostError> {
        let path = format!("/api/v1/activities/{id}");
        self.read_rsvps(&path, "&status=offered").await
    }

    async fn read_rsvps(&mut self, activity: &str, filter: &str) -> Result<Vec<SeenRsvp>, HostError> {
        let mut rsvps = Vec::new();
        let mut cursor = Some(String::new());
        while let Some(at) = cursor {
            let at: String = url::form_urlencoded::byte_serialize(at.as_bytes()).collect();
            let page: Page<SeenRsvp> = self
                .get(&format!("{activity}/rsvps?cursor={at}&limit=100{filter}"))
                .await?;
            // A page without rows ends the list, whatever the cursor says: a server in a loop must not hang
            // the test.
            cursor = page.next_cursor.filter(|_| !page.data.is_empty());
            rsvps.extend(page.data);
        }
        Ok(rsvps)
    }

    async fn read_waitlist(&mut self, activity: &str) -> Result<SeenWaitlist, HostError> {
        let mut entries: Vec<SeenEntry> = Vec::new();
        let mut page_number = 1;
        loop {
            let path = format!("{activity}/waitlist?page={page_number}&limit=1000");
            let page: WaitlistPage = self.get(&path).await?;
            let is_last = page.entries.is_empty();
            entries.extend(page.entries);
            // A party has an entry for each of its members, so parties tell nothing about pages.
            let spots: u64 = entries.iter().map(|entry| entry.rsvp.total_spots).sum();
            if is_last || spots >= page.spots {
                return Ok(SeenWaitlist {
                    parties: page.parties,
                    spots: page.spots,
                    paused: page.paused,
                    entries,
                });
            }
            page_number += 1;
        }
    }

    async fn read_events(&mut self, activity: &str) -> Result<Vec<SeenEvent>, HostError> {
        let mut events: Vec<SeenEvent> = Vec::new();
        loop {
            let after_seq = events.last().map_or(0, |event| event.seq);
            let page: Page<SeenEvent> = self
                .get(&format!("{activity}/events?after_seq={after_seq}&limit=1000"))
                .await?;
            let goes_on = page.data.last().is_some_and(|event| event.seq > after_seq);
            events.extend(page.data);
            if !goes_on {
                return Ok(events);
            }
        }
    }

    /// The first events after this one, as many as a page has.
    pub async fn events_after(&mut self, id: Uuid, seq: u64) -> Result<Vec<SeenEvent>, HostError> {
        let path = format!("/api/v1/activities/{id}/events?after_seq={seq}&limit=1000");
        let page: Page<SeenEvent> = self.get(&path).await?;
        Ok(page.data)
    }

    async fn get<T: DeserializeOwned>(&mut self, path: &str) -> Result<T, HostError> {
        let token = &self.person.token;
        self.ask(&Request::get(path, token)).await
    }

    async fn ask<T: DeserializeOwned>(&mut self, request: &Request<'_>) -> Result<T, HostError> {
        let what = || format!("{:?} {}", request.method, request.path);
        match self.attempts.until_final(request).await {
            Some(Final::Done(_)) => serde_json::from_slice(self.attempts.body())
                .map_err(|source| HostError::Unreadable { what: what(), source }),
            Some(Final::Rejected { status, code }) => Err(HostError::Refused {
                what: what(),
                status,
                code,
            }),
            None => Err(HostError::Unanswered {
                what: what(),
                why: self.attempts.last_error().map(str::to_owned),
            }),
        }
    }
}
