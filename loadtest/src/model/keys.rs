//! Idempotency: the same key again gives the first answer again. Keys are kept for ever here; forgetting them
//! a day after the end is left to whoever runs the model.

use super::{Answer, Command, IdempotencyKey, Model, Rejection, Request};

/// A key that stands for a command that had an effect.
#[derive(Clone, Debug)]
pub(super) struct KeyRecord {
    key: IdempotencyKey,
    fingerprint: Command,
    answer: Answer,
}

impl Model {
    /// The first answer, if this key has already been used for this very command.
    pub(super) fn replay(&self, request: &Request) -> Result<Option<Answer>, Rejection> {
        let Some(key) = &request.key else { return Ok(None) };
        let Some(record) = self.keys.iter().find(|record| record.key == *key) else {
            return Ok(None);
        };
        if record.fingerprint != request.command.fingerprint() {
            return Err(Rejection::KeyReused);
        }
        Ok(Some(Answer {
            replayed: true,
            events: Vec::new(),
            ..record.answer.clone()
        }))
    }

    /// Keeps the key of a command that had an effect. One without effect is judged anew each time.
    pub(super) fn remember(&mut self, request: &Request, answer: &Answer) {
        if !answer.changed {
            return;
        }
        if let Some(key) = &request.key {
            self.keys.push(KeyRecord {
                key: key.clone(),
                fingerprint: request.command.fingerprint(),
                answer: answer.clone(),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::testing::*;
    use crate::model::{Command, Rejection, Request, Status};

    fn reserve_request(person: &str, guest_count: u32) -> Request {
        Request::new(
            0,
            Command::Reserve {
                person: person.into(),
                guest_count,
                special_requirements: None,
            },
        )
    }

    fn update_request(guest_count: u32, if_version: Option<u64>) -> Request {
        Request::new(
            0,
            Command::Update {
                person: "ada".into(),
                guest_count: Some(guest_count),
                special_requirements: None,
                name: None,
                if_version,
            },
        )
    }

    #[test]
    fn the_same_key_gives_the_first_answer_without_effect() {
        let mut model = capacity(1);
        reserve(&mut model, "ada", 0).unwrap();
        let request = reserve_request("bob", 0).with_key("bob", "k");
        let first = model.submit(&request).unwrap();
        cancel(&mut model, "ada").unwrap();
        let seq = model.seq();
        let again = model.submit(&request).unwrap();
        assert!(again.replayed);
        assert_eq!((again.seq, &again.told), (first.seq, &first.told));
        assert!(again.changed);
        assert_eq!(
            again.rsvp().unwrap().status,
            Status::Waitlisted,
            "as first decided, though now confirmed"
        );
        assert_eq!(model.seq(), seq);
    }

    #[test]
    fn a_key_for_another_command_is_refused_before_anything_else() {
        let mut model = capacity(9);
        model
            .submit(&reserve_request("ada", 0).with_key("ada", "k"))
            .unwrap();
        cancel_activity(&mut model).unwrap();
        let other = model.submit(&reserve_request("ada", 1).with_key("ada", "k"));
        assert_eq!(other.unwrap_err(), Rejection::KeyReused);
    }

    #[test]
    fn a_key_belongs_to_its_principal() {
        let mut model = capacity(9);
        model
            .submit(&reserve_request("ada", 0).with_key("ada", "k"))
            .unwrap();
        assert!(
            !model
                .submit(&reserve_request("bob", 0).with_key("bob", "k"))
                .unwrap()
                .replayed
        );
    }

    #[test]
    fn the_version_asked_for_is_no_part_of_what_a_key_stands_for() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 0).unwrap();
        model
            .submit(&update_request(1, Some(1)).with_key("ada", "k"))
            .unwrap();
        assert!(
            model
                .submit(&update_request(1, Some(1)).with_key("ada", "k"))
                .unwrap()
                .replayed
        );
        assert!(
            model
                .submit(&update_request(1, Some(99)).with_key("ada", "k"))
                .unwrap()
                .replayed
        );
    }

    #[test]
    fn the_role_in_which_somebody_cancels_is_no_part_of_what_a_key_stands_for() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 0).unwrap();
        let cancel_as = |by_host| {
            let command = Command::Cancel {
                person: "ada".into(),
                by_host,
                if_version: None,
            };
            Request::new(0, command).with_key("hal", "k")
        };
        model.submit(&cancel_as(false)).unwrap();
        assert!(model.submit(&cancel_as(true)).unwrap().replayed);
    }

    #[test]
    fn a_rejection_is_judged_anew() {
        let mut model = with(|settings| {
            settings.capacity = 1;
            settings.waitlist_capacity = Some(0);
        });
        reserve(&mut model, "ada", 0).unwrap();
        let request = reserve_request("bob", 0).with_key("bob", "k");
        assert_eq!(model.submit(&request).unwrap_err(), Rejection::ActivityFull);
        cancel(&mut model, "ada").unwrap();
        assert!(!model.submit(&request).unwrap().replayed);
    }

    #[test]
    fn a_command_without_effect_is_judged_anew() {
        let mut model = capacity(9);
        reserve(&mut model, "ada", 1).unwrap();
        let request = update_request(1, None).with_key("ada", "k");
        assert!(model.submit(&request).unwrap().events.is_empty());
        update(&mut model, "ada", Some(2), None).unwrap();
        assert_eq!(model.submit(&request).unwrap().events.len(), 1);
    }

    #[test]
    fn replays_still_answer_when_the_activity_is_cancelled() {
        let mut model = capacity(9);
        let request = reserve_request("ada", 0).with_key("ada", "k");
        model.submit(&request).unwrap();
        cancel_activity(&mut model).unwrap();
        let again = model.submit(&request).unwrap();
        assert_eq!(again.rsvp().unwrap().status, Status::Confirmed);
    }
}
