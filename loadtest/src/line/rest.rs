//! Commands as requests: one kept-alive connection for whoever it is, the person's token in every request.

use super::{Line, Put, Said};
use crate::attempt::{Attempts, Final};
use crate::client::{Method, Request};
use crate::drive::Deed;
use crate::run::rsvp_path;
use crate::seen::{SeenAnswer, SeenHead};
use crate::tokens::Person;

impl Line for Attempts {
    async fn get_ready(&mut self, _: &Person) {}

    async fn put(&mut self, put: &Put<'_>, before_sending: impl FnMut() + Send) -> Option<Said> {
        let path = rsvp_path(put.activity);
        let body;
        let (method, body) = match put.deed {
            Deed::Reserve { guest_count } => {
                body = format!("{{\"guest_count\":{guest_count}}}");
                (Method::Post, body.as_str())
            }
            Deed::Cancel => (Method::Delete, ""),
        };
        let request = Request {
            method,
            path: &path,
            token: Some(&put.person.token),
            key: Some(put.key),
            body,
        };
        let answer = self.until_final_noting(&request, before_sending).await?;
        Some(match answer {
            Final::Done(head) => match serde_json::from_slice::<SeenAnswer>(self.body()) {
                Ok(answer) => Said::Done(Box::new(SeenAnswer {
                    head: Some(SeenHead {
                        status: head.status,
                        etag: head.etag,
                    }),
                    ..answer
                })),
                Err(error) => Said::Unreadable(format!("{} unreadable: {error}", head.status)),
            },
            Final::Rejected { code, .. } => Said::Rejected(code),
        })
    }
}
