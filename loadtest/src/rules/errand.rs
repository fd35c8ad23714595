//! A command as a request of the REST contract, with what the model knows it as.

use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use super::people::Known;
use crate::attempt::Attempts;
use crate::client::{Method, Request};
use crate::drive::{Driven, Given, Sendings, Stage};
use crate::history::Asker;
use crate::line::{said, said_of_activity};
use crate::model::{Command, GroupMode, Member, SettingsChange, Which};
use crate::run::rsvp_path;
use crate::tokens::Person;

/// A command on its way.
#[derive(Debug)]
pub(super) struct Errand {
    /// What it is called in the report.
    pub(super) op: &'static str,
    /// Whose RSVP it is about, where it is about one.
    pub(super) person: Option<String>,
    given: Given,
    method: Method,
    path: String,
    token: Option<String>,
    key: String,
    body: String,
}

/// Somebody who comes: the address, the name, and how many guests.
pub(super) type Comer = (String, String, u32);

/// Makes errands to one activity, each with a key of its own.
#[derive(Debug)]
pub(super) struct Errands {
    activity: Uuid,
    run_id: Uuid,
    /// Tells those of the people from those of the host.
    series: char,
    made: u64,
}

/// A request without the key that it gets.
struct Draft {
    op: &'static str,
    command: Command,
    asker: Asker,
    name: String,
    method: Method,
    path: String,
    token: Option<String>,
    body: Value,
}

impl Errands {
    pub(super) fn new(activity: Uuid, run_id: Uuid, series: char) -> Self {
        Self {
            activity,
            run_id,
            series,
            made: 0,
        }
    }

    fn make(&mut self, draft: Draft) -> Errand {
        self.made += 1;
        Errand {
            op: draft.op,
            person: draft.command.person().map(str::to_owned),
            given: Given {
                command: draft.command,
                asker: draft.asker,
                name: draft.name,
            },
            method: draft.method,
            path: draft.path,
            token: draft.token,
            // Long enough that nobody else can guess it, so that it counts for people without a token.
            key: format!("{}-{}{}", self.run_id.simple(), self.series, self.made),
            body: match draft.body {
                Value::Null => String::new(),
                body => body.to_string(),
            },
        }
    }

    /// Somebody with an account comes in.
    pub(super) fn reserve(&mut self, person: &Person, guest_count: u32) -> Errand {
        self.make(Draft {
            op: "reserve",
            command: reserve(&person.id, guest_count),
            asker: Asker::Own,
            name: person.name.clone(),
            method: Method::Post,
            path: rsvp_path(self.activity),
            token: Some(person.token.clone()),
            body: json!({"guest_count": guest_count}),
        })
    }

    /// Somebody without an account comes in.
    pub(super) fn visit(&mut self, (email, name, guest_count): &Comer) -> Errand {
        self.make(Draft {
            op: "reserve as a guest",
            command: reserve(email, *guest_count),
            asker: Asker::Own,
            name: name.clone(),
            method: Method::Post,
            path: rsvp_path(self.activity),
            token: None,
            body: json!({"email": email, "name": name, "guest_count": guest_count}),
        })
    }

    /// Somebody books for others.
    pub(super) fn group(&mut self, booker: &Person, comers: &[Comer], mode: GroupMode) -> Errand {
        let attendees = comers.iter().map(
            |(email, name, guest_count)| json!({"email": email, "name": name, "guest_count": guest_count}),
        );
        let attendees: Vec<Value> = attendees.collect();
        let (op, word) = match mode {
            GroupMode::All => ("group, all", "all"),
            GroupMode::Each => ("group, each", "each"),
        };
        let members = comers.iter().map(|(email, _, guest_count)| Member {
            person: email.clone(),
            guest_count: *guest_count,
        });
        self.make(Draft {
            op,
            command: Command::ReserveGroup {
                members: members.collect(),
                mode,
            },
            asker: Asker::Account(booker.id.clone()),
            name: booker.name.clone(),
            method: Method::Post,
            path: format!("/api/v1/activities/{}/rsvps/bulk", self.activity),
            token: Some(booker.token.clone()),
            body: json!({"mode": word, "attendees": attendees}),
        })
    }

    /// Something about an RSVP, by its person or by whoever booked it.
    fn of_one(&mut self, by: &By<'_>, method: Method, below: &str, body: Value, of: OfOne) -> Errand {
        self.make(Draft {
            op: of.op,
            command: of.command,
            asker: by.asker.clone(),
            name: by.known.name.clone(),
            method,
            path: format!("/api/v1/rsvps/{}{below}", by.known.rsvp),
            token: Some(by.token.to_owned()),
            body,
        })
    }

    pub(super) fn cancel(&mut self, by: &By<'_>) -> Errand {
        let command = Command::Cancel {
            person: by.person.to_owned(),
            by_host: false,
            if_version: None,
        };
        let mut errand = self.of_one(
            by,
            Method::Delete,
            "",
            Value::Null,
            OfOne {
                op: "cancel",
                command,
            },
        );
        if by.has_manage_token {
            "/api/v1/rsvps/cancel-by-token".clone_into(&mut errand.path);
        }
        errand
    }

    pub(super) fn resize(&mut self, by: &By<'_>, guest_count: u32) -> Errand {
        let command = update(by.person, |guests, _, _| *guests = Some(guest_count));
        let body = json!({"guest_count": guest_count});
        self.of_one(
            by,
            Method::Patch,
            "",
            body,
            OfOne {
                op: "update",
                command,
            },
        )
    }

    pub(super) fn require(&mut self, by: &By<'_>, text: &str) -> Errand {
        let command = update(by.person, |_, texts, _| *texts = Some(Some(text.to_owned())));
        let body = json!({"special_requirements": text});
        self.of_one(
            by,
            Method::Patch,
            "",
            body,
            OfOne {
                op: "update",
                command,
            },
        )
    }

    pub(super) fn rename(&mut self, by: &By<'_>, new: &str) -> Errand {
        let command = update(by.person, |_, _, name| *name = Some(new.to_owned()));
        self.of_one(
            by,
            Method::Patch,
            "",
            json!({"name": new}),
            OfOne {
                op: "update",
                command,
            },
        )
    }

    pub(super) fn accept(&mut self, by: &By<'_>) -> Errand {
        let (person, if_version) = (by.person.to_owned(), None);
        let command = Command::Accept { person, if_version };
        self.of_one(
            by,
            Method::Post,
            "/accept",
            json!({}),
            OfOne {
                op: "accept",
                command,
            },
        )
    }

    pub(super) fn decline(&mut self, by: &By<'_>) -> Errand {
        let (person, if_version) = (by.person.to_owned(), None);
        let command = Command::Decline { person, if_version };
        self.of_one(
            by,
            Method::Post,
            "/decline",
            json!({}),
            OfOne {
                op: "decline",
                command,
            },
        )
    }

    pub(super) fn transfer(&mut self, by: &By<'_>, to: &str, name: &str) -> Errand {
        let command = Command::Transfer {
            person: by.person.to_owned(),
            to: to.to_owned(),
            if_version: None,
        };
        let body = json!({"email": to, "name": name});
        self.of_one(
            by,
            Method::Post,
            "/transfer",
            body,
            OfOne {
                op: "transfer",
                command,
            },
        )
    }

    fn by_host(
        &mut self,
        host: &Person,
        op: &'static str,
        command: Command,
        rest: (Method, String, Value),
    ) -> Errand {
        let (method, path, body) = rest;
        self.make(Draft {
            op,
            command,
            asker: Asker::Host,
            name: host.name.clone(),
            method,
            path,
            token: Some(host.token.clone()),
            body,
        })
    }

    pub(super) fn check_in(&mut self, host: &Person, person: &str, rsvp: Uuid) -> Errand {
        let command = Command::CheckIn {
            person: person.to_owned(),
            generation: None,
            if_version: None,
        };
        let path = format!("/api/v1/rsvps/{rsvp}/check-in");
        self.by_host(host, "check in", command, (Method::Post, path, json!({})))
    }

    pub(super) fn undo_check_in(&mut self, host: &Person, person: &str, rsvp: Uuid) -> Errand {
        let command = Command::UndoCheckIn {
            person: person.to_owned(),
            if_version: None,
        };
        let path = format!("/api/v1/rsvps/{rsvp}/check-in");
        self.by_host(
            host,
            "undo check-in",
            command,
            (Method::Delete, path, Value::Null),
        )
    }

    pub(super) fn remove(&mut self, host: &Person, person: &str, rsvp: Uuid) -> Errand {
        let command = Command::Cancel {
            person: person.to_owned(),
            by_host: true,
            if_version: None,
        };
        let path = format!("/api/v1/rsvps/{rsvp}");
        self.by_host(host, "remove", command, (Method::Delete, path, Value::Null))
    }

    pub(super) fn promote_next(&mut self, host: &Person, count: u32) -> Errand {
        let path = format!("/api/v1/activities/{}/waitlist/promote", self.activity);
        let command = Command::Promote(Which::Next(count));
        self.by_host(
            host,
            "promote",
            command,
            (Method::Post, path, json!({"count": count})),
        )
    }

    pub(super) fn promote(&mut self, host: &Person, who: &[(String, Uuid)]) -> Errand {
        let path = format!("/api/v1/activities/{}/waitlist/promote", self.activity);
        let command = Command::Promote(Which::These(people(who)));
        let body = json!({"rsvp_ids": ids(who)});
        self.by_host(host, "promote", command, (Method::Post, path, body))
    }

    pub(super) fn bulk(
        &mut self,
        host: &Person,
        promote: &[(String, Uuid)],
        remove: &[(String, Uuid)],
    ) -> Errand {
        let path = format!("/api/v1/activities/{}/waitlist/bulk", self.activity);
        let command = Command::Bulk {
            promote: people(promote),
            remove: people(remove),
        };
        let body = json!({"promote": ids(promote), "remove": ids(remove)});
        self.by_host(host, "bulk", command, (Method::Post, path, body))
    }

    pub(super) fn set_capacity(&mut self, host: &Person, capacity: u32) -> Errand {
        let change = SettingsChange {
            capacity: Some(capacity),
            ..SettingsChange::default()
        };
        let path = format!("/api/v1/activities/{}", self.activity);
        let command = Command::ChangeSettings(change);
        self.by_host(
            host,
            "capacity",
            command,
            (Method::Patch, path, json!({"capacity": capacity})),
        )
    }

    pub(super) fn set_paused(&mut self, host: &Person, paused: bool) -> Errand {
        let change = SettingsChange {
            waitlist_paused: Some(paused),
            ..SettingsChange::default()
        };
        let path = format!("/api/v1/activities/{}", self.activity);
        let command = Command::ChangeSettings(change);
        let body = json!({"waitlist_paused": paused});
        self.by_host(host, "pause, resume", command, (Method::Patch, path, body))
    }
}

/// Who acts on an RSVP, and by what.
pub(super) struct By<'a> {
    /// Whose RSVP.
    pub(super) person: &'a str,
    pub(super) known: &'a Known,
    pub(super) asker: Asker,
    pub(super) token: &'a str,
    pub(super) has_manage_token: bool,
}

/// What is asked about one.
struct OfOne {
    op: &'static str,
    command: Command,
}

fn reserve(person: &str, guest_count: u32) -> Command {
    Command::Reserve {
        person: person.to_owned(),
        guest_count,
        special_requirements: None,
    }
}

/// An update of what `set` sets.
fn update(
    person: &str,
    set: impl FnOnce(&mut Option<u32>, &mut Option<Option<String>>, &mut Option<String>),
) -> Command {
    let (mut guest_count, mut special_requirements, mut name) = (None, None, None);
    set(&mut guest_count, &mut special_requirements, &mut name);
    Command::Update {
        person: person.to_owned(),
        guest_count,
        special_requirements,
        name,
        if_version: None,
    }
}

fn people(who: &[(String, Uuid)]) -> Vec<String> {
    who.iter().map(|(person, _)| person.clone()).collect()
}

fn ids(who: &[(String, Uuid)]) -> Vec<Uuid> {
    who.iter().map(|(_, rsvp)| *rsvp).collect()
}

impl Errand {
    /// Does it, however many tries it takes. The latency counts from `since`, when it was due.
    pub(super) async fn perform(&self, line: &mut Attempts, stage: &Stage, since: Instant) -> Driven {
        let request = Request {
            method: self.method,
            path: &self.path,
            token: self.token.as_deref(),
            key: Some(&self.key),
            body: &self.body,
        };
        let mut sendings = Sendings::of(stage);
        let answer = line.until_final_noting(&request, || sendings.note()).await;
        let said = answer.map(|answer| match self.given.command {
            Command::ChangeSettings(_) => said_of_activity(answer, line.body()),
            _ => said(answer, line.body()),
        });
        sendings.settle(said, self.given.clone(), since)
    }
}
