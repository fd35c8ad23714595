//! What people and the host want, as commands in the words of the contract.

use serde_json::{Value, json};
use uuid::Uuid;

use super::errand::{Errand, Way};
use super::people::Known;
use crate::client::Method;
use crate::drive::Given;
use crate::history::Asker;
use crate::model::{Command, GroupMode, Member, SettingsChange, Which};
use crate::run::{Via, rsvp_path};
use crate::tokens::Person;

/// Somebody who comes: the address, the name, and how many guests.
pub(super) type Comer = (String, String, u32);

/// Makes errands to one activity, each with a key of its own.
#[derive(Debug)]
pub(super) struct Errands {
    activity: Uuid,
    run_id: Uuid,
    /// Tells those of the people from those of the host.
    series: char,
    /// What carries those that there are words for on sockets, in turn.
    vias: Vec<Via>,
    made: u64,
    /// How many of them could have gone over sockets.
    spoken: usize,
}

/// A command without the key that it gets.
struct Draft<'a> {
    op: &'static str,
    command: Command,
    asker: Asker,
    name: &'a str,
    token: Option<&'a str>,
    rest: Rest,
    ws: Option<Words>,
}

/// Method, path and body.
type Rest = (Method, String, Value);
/// What it is called on a socket, and its arguments.
type Words = (&'static str, Value);

/// Who acts on an RSVP, and by what.
pub(super) struct By<'a> {
    /// Whose RSVP.
    pub(super) person: &'a str,
    pub(super) known: &'a Known,
    pub(super) asker: Asker,
    pub(super) token: &'a str,
    pub(super) has_manage_token: bool,
}

impl Errands {
    pub(super) fn new(activity: Uuid, run_id: Uuid, series: char, vias: &[Via]) -> Self {
        Self {
            activity,
            run_id,
            series,
            vias: vias.to_vec(),
            made: 0,
            spoken: 0,
        }
    }

    fn make(&mut self, draft: Draft<'_>) -> Errand {
        self.made += 1;
        let (method, path, body) = draft.rest;
        let way = match draft.ws {
            Some((op, args)) if self.speaks() => Way::Ws {
                activity: self.activity,
                op,
                args: Some(args).filter(|args| !args.is_null()),
            },
            _ => Way::Rest {
                method,
                path,
                body: match body {
                    Value::Null => String::new(),
                    body => body.to_string(),
                },
            },
        };
        Errand {
            op: draft.op,
            given: Given {
                command: draft.command,
                asker: draft.asker,
                name: draft.name.to_owned(),
            },
            token: draft.token.map(str::to_owned),
            // Long enough that nobody else can guess it, so that it counts for people without a token.
            key: format!("{}-{}{}", self.run_id.simple(), self.series, self.made),
            way,
        }
    }

    /// Whether it is the turn of sockets.
    fn speaks(&mut self) -> bool {
        let via = self.vias.get(self.spoken % self.vias.len().max(1));
        self.spoken += 1;
        matches!(via, Some(Via::Ws(_)))
    }

    fn below_activity(&self, rest: &str) -> String {
        format!("/api/v1/activities/{}{rest}", self.activity)
    }

    /// Somebody with an account comes in.
    pub(super) fn reserve(&mut self, person: &Person, guest_count: u32) -> Errand {
        let body = json!({"guest_count": guest_count});
        self.make(Draft {
            op: "reserve",
            command: reserve(&person.id, guest_count),
            asker: Asker::Own,
            name: &person.name,
            token: Some(&person.token),
            rest: (Method::Post, rsvp_path(self.activity), body.clone()),
            ws: Some(("reserve", body)),
        })
    }

    /// Somebody without an account comes in.
    pub(super) fn visit(&mut self, (email, name, guest_count): &Comer) -> Errand {
        let body = json!({"email": email, "name": name, "guest_count": guest_count});
        self.make(Draft {
            op: "reserve as a guest",
            command: reserve(email, *guest_count),
            asker: Asker::Own,
            name,
            token: None,
            rest: (Method::Post, rsvp_path(self.activity), body),
            ws: None,
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
        let body = json!({"mode": word, "attendees": attendees});
        self.make(Draft {
            op,
            command: Command::ReserveGroup {
                members: members.collect(),
                mode,
            },
            asker: Asker::Account(booker.id.clone()),
            name: &booker.name,
            token: Some(&booker.token),
            rest: (Method::Post, self.below_activity("/rsvps/bulk"), body),
            ws: None,
        })
    }

    /// Something about an RSVP, by its person or by whoever booked it. On sockets people act on their own alone.
    fn of_one(
        &mut self,
        by: &By<'_>,
        op: &'static str,
        command: Command,
        (method, below, body): (Method, &str, Value),
        ws: Option<Words>,
    ) -> Errand {
        self.make(Draft {
            op,
            command,
            asker: by.asker.clone(),
            name: &by.known.name,
            token: Some(by.token),
            rest: (method, format!("/api/v1/rsvps/{}{below}", by.known.rsvp), body),
            ws: ws.filter(|_| matches!(by.asker, Asker::Own)),
        })
    }

    pub(super) fn cancel(&mut self, by: &By<'_>) -> Errand {
        let command = Command::Cancel {
            person: by.person.to_owned(),
            by_host: false,
            if_version: None,
        };
        let rest = (Method::Delete, "", Value::Null);
        let mut errand = self.of_one(by, "cancel", command, rest, Some(("cancel", Value::Null)));
        if let Way::Rest { path, .. } = &mut errand.way
            && by.has_manage_token
        {
            "/api/v1/rsvps/cancel-by-token".clone_into(path);
        }
        errand
    }

    fn update(&mut self, by: &By<'_>, command: Command, body: Value) -> Errand {
        let rest = (Method::Patch, "", body.clone());
        self.of_one(by, "update", command, rest, Some(("update", body)))
    }

    pub(super) fn resize(&mut self, by: &By<'_>, guest_count: u32) -> Errand {
        let command = update(by.person, |guests, _, _| *guests = Some(guest_count));
        self.update(by, command, json!({"guest_count": guest_count}))
    }

    pub(super) fn require(&mut self, by: &By<'_>, text: &str) -> Errand {
        let command = update(by.person, |_, texts, _| *texts = Some(Some(text.to_owned())));
        self.update(by, command, json!({"special_requirements": text}))
    }

    pub(super) fn rename(&mut self, by: &By<'_>, new: &str) -> Errand {
        let command = update(by.person, |_, _, name| *name = Some(new.to_owned()));
        self.update(by, command, json!({"name": new}))
    }

    pub(super) fn accept(&mut self, by: &By<'_>) -> Errand {
        let (person, if_version) = (by.person.to_owned(), None);
        let command = Command::Accept { person, if_version };
        let rest = (Method::Post, "/accept", json!({}));
        self.of_one(by, "accept", command, rest, Some(("accept", Value::Null)))
    }

    pub(super) fn decline(&mut self, by: &By<'_>) -> Errand {
        let (person, if_version) = (by.person.to_owned(), None);
        let command = Command::Decline { person, if_version };
        let rest = (Method::Post, "/decline", json!({}));
        self.of_one(by, "decline", command, rest, Some(("decline", Value::Null)))
    }

    pub(super) fn transfer(&mut self, by: &By<'_>, to: &str, name: &str) -> Errand {
        let command = Command::Transfer {
            person: by.person.to_owned(),
            to: to.to_owned(),
            if_version: None,
        };
        let body = json!({"email": to, "name": name});
        self.of_one(by, "transfer", command, (Method::Post, "/transfer", body), None)
    }

    fn by_host(
        &mut self,
        host: &Person,
        op: &'static str,
        command: Command,
        rest: Rest,
        ws: Option<Words>,
    ) -> Errand {
        self.make(Draft {
            op,
            command,
            asker: Asker::Host,
            name: &host.name,
            token: Some(&host.token),
            rest,
            ws,
        })
    }

    pub(super) fn check_in(&mut self, host: &Person, person: &str, rsvp: Uuid) -> Errand {
        let command = Command::CheckIn {
            person: person.to_owned(),
            generation: None,
            if_version: None,
        };
        let rest = (Method::Post, format!("/api/v1/rsvps/{rsvp}/check-in"), json!({}));
        let ws = ("check_in", json!({"rsvp": rsvp}));
        self.by_host(host, "check in", command, rest, Some(ws))
    }

    pub(super) fn undo_check_in(&mut self, host: &Person, person: &str, rsvp: Uuid) -> Errand {
        let command = Command::UndoCheckIn {
            person: person.to_owned(),
            if_version: None,
        };
        let rest = (
            Method::Delete,
            format!("/api/v1/rsvps/{rsvp}/check-in"),
            Value::Null,
        );
        let ws = ("undo_check_in", json!({"rsvp": rsvp}));
        self.by_host(host, "undo check-in", command, rest, Some(ws))
    }

    /// On sockets there are words for removing several, which is not the same; see `bulk`.
    pub(super) fn remove(&mut self, host: &Person, person: &str, rsvp: Uuid) -> Errand {
        let command = Command::Cancel {
            person: person.to_owned(),
            by_host: true,
            if_version: None,
        };
        let rest = (Method::Delete, format!("/api/v1/rsvps/{rsvp}"), Value::Null);
        self.by_host(host, "remove", command, rest, None)
    }

    pub(super) fn promote_next(&mut self, host: &Person, count: u32) -> Errand {
        let body = json!({"count": count});
        let rest = (
            Method::Post,
            self.below_activity("/waitlist/promote"),
            body.clone(),
        );
        let command = Command::Promote(Which::Next(count));
        self.by_host(host, "promote", command, rest, Some(("promote", body)))
    }

    pub(super) fn promote(&mut self, host: &Person, who: &[(String, Uuid)]) -> Errand {
        let path = self.below_activity("/waitlist/promote");
        let rest = (Method::Post, path, json!({"rsvp_ids": ids(who)}));
        let ws = ("promote", json!({"rsvps": ids(who)}));
        let command = Command::Promote(Which::These(people(who)));
        self.by_host(host, "promote", command, rest, Some(ws))
    }

    /// Sockets have words for it where nobody is promoted.
    pub(super) fn bulk(
        &mut self,
        host: &Person,
        promote: &[(String, Uuid)],
        remove: &[(String, Uuid)],
    ) -> Errand {
        let body = json!({"promote": ids(promote), "remove": ids(remove)});
        let rest = (Method::Post, self.below_activity("/waitlist/bulk"), body);
        let ws = promote
            .is_empty()
            .then(|| ("remove", json!({"rsvps": ids(remove)})));
        let command = Command::Bulk {
            promote: people(promote),
            remove: people(remove),
        };
        self.by_host(host, "bulk", command, rest, ws)
    }

    fn change(
        &mut self,
        host: &Person,
        op: &'static str,
        change: SettingsChange,
        body: Value,
        ws: Words,
    ) -> Errand {
        let rest = (Method::Patch, self.below_activity(""), body);
        self.by_host(host, op, Command::ChangeSettings(change), rest, Some(ws))
    }

    pub(super) fn set_capacity(&mut self, host: &Person, capacity: u32) -> Errand {
        let change = SettingsChange {
            capacity: Some(capacity),
            ..SettingsChange::default()
        };
        let body = json!({"capacity": capacity});
        self.change(host, "capacity", change, body.clone(), ("set_capacity", body))
    }

    pub(super) fn set_paused(&mut self, host: &Person, paused: bool) -> Errand {
        let change = SettingsChange {
            waitlist_paused: Some(paused),
            ..SettingsChange::default()
        };
        let ws = ("pause_waitlist", json!({"paused": paused}));
        let body = json!({"waitlist_paused": paused});
        self.change(host, "pause, resume", change, body, ws)
    }
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
