//! Commands as requests: one kept-alive connection for whoever it is, the person's token in every request.

use serde::Deserialize;
use uuid::Uuid;

use super::{Doorstep, Knock, Line, Opens, Put, Refused, Said};
use crate::attempt::{Attempts, Final, Tried};
use crate::client::{Method, Request, TransportError};
use crate::clock;
use crate::drive::Deed;
use crate::run::rsvp_path;
use crate::seen::{SeenAnswer, SeenHead};
use crate::tokens::Person;

impl Line for Attempts {
    async fn get_ready(&mut self, _: &Person) {}

    async fn put(&mut self, put: &Put<'_>, before_sending: impl FnMut() + Send) -> Option<Said> {
        let (path, (method, body)) = (rsvp_path(put.activity), said_as(put.deed));
        let request = request(put, &path, method, &body);
        let answer = self.until_final_noting(&request, before_sending).await?;
        Some(said(answer, self.body()))
    }
}

impl Knock for Attempts {
    async fn knock(
        &mut self,
        put: &Put<'_>,
        mut before_sending: impl FnMut() + Send,
    ) -> Result<Tried<Said>, TransportError> {
        let (path, (method, body)) = (rsvp_path(put.activity), said_as(put.deed));
        let request = request(put, &path, method, &body);
        before_sending();
        let tried = self.once_read(&request).await?;
        Ok(tried.map(|answer| said(answer, self.body())))
    }
}

fn said_as(deed: Deed) -> (Method, String) {
    match deed {
        Deed::Reserve { guest_count } => (Method::Post, format!("{{\"guest_count\":{guest_count}}}")),
        Deed::Cancel => (Method::Delete, String::new()),
    }
}

fn request<'a>(put: &Put<'a>, path: &'a str, method: Method, body: &'a str) -> Request<'a> {
    Request {
        method,
        path,
        token: Some(&put.person.token),
        key: Some(put.key),
        body,
    }
}

impl Doorstep for Attempts {
    async fn arrive(&mut self, activity: Uuid, person: &Person) -> Result<Opens, TransportError> {
        self.open().await?;
        let path = format!("/api/v1/activities/{activity}");
        let asked_us = clock::machine_us();
        self.once(&Request::get(&path, &person.token)).await?;
        let heard_us = clock::machine_us();
        let in_ms = opens_in_ms(self.body()).ok_or(TransportError::Malformed("when does it open?"))?;
        // The server rounds up to whole milliseconds.
        let in_us = i64::try_from(in_ms).unwrap_or(i64::MAX / 2_000) * 1_000;
        Ok(Opens::told(asked_us, heard_us, in_us, 1_000))
    }

    async fn linger(&mut self, _: &Person, until: impl Future<Output = ()> + Send) {
        until.await;
    }
}

/// What was said to a command about RSVPs.
pub(crate) fn said(answer: Final, body: &[u8]) -> Said {
    match answer {
        Final::Done(head) => match serde_json::from_slice::<SeenAnswer>(body) {
            Ok(answer) => Said::Done(Box::new(SeenAnswer {
                head: Some(SeenHead {
                    status: head.status,
                    etag: head.etag,
                }),
                ..answer
            })),
            Err(error) => Said::Unreadable(format!("{} unreadable: {error}", head.status)),
        },
        Final::Rejected { code, .. } => refused(code, body),
    }
}

/// What was said to a command about the activity as a whole.
pub(crate) fn said_of_activity(answer: Final, body: &[u8]) -> Said {
    match answer {
        Final::Done(head) => match serde_json::from_slice::<Changed>(body) {
            Ok(Changed { version }) => Said::Changed(version),
            Err(error) => Said::Unreadable(format!("{} unreadable: {error}", head.status)),
        },
        Final::Rejected { code, .. } => refused(code, body),
    }
}

fn refused(code: String, body: &[u8]) -> Said {
    Said::Rejected(Refused {
        opens_in_ms: opens_in_ms(body),
        code,
    })
}

#[derive(Deserialize)]
struct Changed {
    version: u64,
}

#[derive(Deserialize)]
struct Closed {
    opens_in_ms: Option<u64>,
}

/// In how many milliseconds doors open, as an answer says that has it in it.
fn opens_in_ms(body: &[u8]) -> Option<u64> {
    serde_json::from_slice::<Closed>(body).ok()?.opens_in_ms
}
