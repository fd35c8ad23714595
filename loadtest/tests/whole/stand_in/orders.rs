//! What a request of the stand-in's REST orders, and the shape in which it is answered.

use serde_json::{Value, json};
use turnout_loadtest::model::{
    Answer, Command, GroupMode, Member, Model, Request, RsvpView, SettingsChange, Told, Which, is_guest,
};
use turnout_loadtest::utc::text;
use uuid::Uuid;

use super::{Activity, Asked, Fault, State, now_us, rsvp_id};

/// A command on its way to the model.
pub(super) struct Order {
    pub(super) activity: String,
    pub(super) request: Request,
    /// Who gives it, in the words of the log.
    pub(super) actor: String,
    pub(super) status: u16,
    /// The people who come in by it, with their names.
    pub(super) comers: Vec<(String, String)>,
}

/// Whoever asks.
enum By {
    Host,
    Account(String),
    /// By manage token: the activity, and the person.
    Guest(String, String),
    Nobody,
}

fn string(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn count(value: &Value) -> u32 {
    value.as_u64().unwrap_or_default() as u32
}

impl State {
    /// What is ordered; nothing, where it is no command.
    pub(super) fn order(&self, asked: &Asked) -> Option<Order> {
        let parts: Vec<&str> = asked.path.trim_start_matches('/').split('/').collect();
        let by = self.by(asked);
        let method = asked.method.as_str();
        let (activity, person, rest) = match parts[..] {
            [activity, ref rest @ ..] if self.activities.contains_key(activity) => {
                let own = match &by {
                    By::Account(user) => user.clone(),
                    By::Guest(_, person) => person.clone(),
                    By::Nobody => string(&asked.body["email"]),
                    By::Host => String::new(),
                };
                (activity.to_owned(), own, rest)
            }
            ["api", "v1", "rsvps", "cancel-by-token"] => {
                let By::Guest(activity, person) = &by else {
                    return None;
                };
                (activity.clone(), person.clone(), &["rsvp"][..])
            }
            ["api", "v1", "rsvps", rsvp, ref rest @ ..] => {
                let (activity, person) = self.rsvps.get(&rsvp.parse().ok()?)?.clone();
                (activity, person, rest)
            }
            _ => return None,
        };
        let command = self.command_for(asked, method, rest, &person, &by)?;
        let status = match command {
            Command::Reserve { .. }
            | Command::ReserveGroup {
                mode: GroupMode::All, ..
            } => 201,
            _ => 200,
        };
        let request = Request::new(now_us(), command);
        let (request, principal, actor) = match by {
            By::Host => (
                request.by_host(),
                asked.user.clone(),
                format!("user:{}", asked.user),
            ),
            By::Account(user) => (request.by(&user), user.clone(), format!("user:{user}")),
            By::Guest(activity, person) => {
                let actor = format!("guest:{}", rsvp_id(&activity, &person));
                (request, person, actor)
            }
            By::Nobody => {
                let actor = format!("guest:{}", rsvp_id(&activity, &person));
                (request, person, actor)
            }
        };
        Some(Order {
            comers: comers(&request.command, asked),
            activity,
            request: request.with_key(principal, &asked.key),
            actor,
            status,
        })
    }

    fn by(&self, asked: &Asked) -> By {
        let manages = asked.claims["aud"] == "turnout-manage";
        match self.rsvps.get(&asked.user.parse().unwrap_or_default()) {
            Some((activity, person)) if manages => By::Guest(activity.clone(), person.clone()),
            _ if asked.claims["role"] == "admin" => By::Host,
            _ if asked.user.is_empty() => By::Nobody,
            _ => By::Account(asked.user.clone()),
        }
    }

    fn command_for(
        &self,
        asked: &Asked,
        method: &str,
        rest: &[&str],
        person: &str,
        by: &By,
    ) -> Option<Command> {
        let body = &asked.body;
        let (person, if_version) = (person.to_owned(), None);
        Some(match (method, rest) {
            ("POST", ["rsvp"]) => Command::Reserve {
                person,
                guest_count: count(&body["guest_count"]),
                special_requirements: None,
            },
            ("DELETE", []) if asked.path.trim_matches('/').parse::<Uuid>().is_ok() => Command::CancelActivity,
            ("DELETE", ["rsvp"] | []) => Command::Cancel {
                person,
                by_host: matches!(by, By::Host),
                if_version,
            },
            ("POST", ["rsvps", "bulk"]) => Command::ReserveGroup {
                members: attendees(body)
                    .map(|(person, _, guest_count)| Member { person, guest_count })
                    .collect(),
                mode: if body["mode"] == "all" && self.fault != Fault::SplitsGroups {
                    GroupMode::All
                } else {
                    GroupMode::Each
                },
            },
            ("PATCH", []) if body["capacity"].is_u64() || body["waitlist_paused"].is_boolean() => {
                Command::ChangeSettings(SettingsChange {
                    capacity: body["capacity"].as_u64().map(|capacity| capacity as u32),
                    waitlist_paused: body["waitlist_paused"].as_bool(),
                    ..SettingsChange::default()
                })
            }
            ("PATCH", [] | ["rsvp"]) => Command::Update {
                person,
                guest_count: body["guest_count"].as_u64().map(|guests| guests as u32),
                special_requirements: body.get("special_requirements").map(|text| Some(string(text))),
                name: body["name"].as_str().map(str::to_owned),
                if_version,
            },
            ("POST", ["accept"]) => Command::Accept { person, if_version },
            ("POST", ["decline"]) => Command::Decline { person, if_version },
            ("POST", ["transfer"]) => Command::Transfer {
                person,
                to: string(&body["email"]),
                if_version,
            },
            ("POST", ["check-in"]) => Command::CheckIn {
                person,
                generation: None,
                if_version,
            },
            ("DELETE", ["check-in"]) => Command::UndoCheckIn { person, if_version },
            ("POST", ["waitlist", "promote"]) => Command::Promote(match body["count"].as_u64() {
                Some(count) => Which::Next(count as u32),
                None => Which::These(self.people(&body["rsvp_ids"])),
            }),
            ("POST", ["waitlist", "bulk"]) => Command::Bulk {
                promote: self.people(&body["promote"]),
                remove: self.people(&body["remove"]),
            },
            _ => return None,
        })
    }

    /// Whose RSVPs these are.
    fn people(&self, ids: &Value) -> Vec<String> {
        let ids = ids.as_array().into_iter().flatten();
        ids.map(|id| {
            self.rsvps[&id.as_str().unwrap().parse::<Uuid>().unwrap()]
                .1
                .clone()
        })
        .collect()
    }
}

/// Everybody in a list, with name and guests.
fn attendees(body: &Value) -> impl Iterator<Item = (String, String, u32)> {
    let all = body["attendees"].as_array().into_iter().flatten();
    all.map(|one| {
        (
            string(&one["email"]),
            string(&one["name"]),
            count(&one["guest_count"]),
        )
    })
}

fn comers(command: &Command, asked: &Asked) -> Vec<(String, String)> {
    match command {
        Command::Reserve { person, .. } if is_guest(person) => {
            // Whoever comes back by manage token has a name already.
            let name = asked.body["name"].as_str().map(str::to_owned);
            name.map(|name| (person.clone(), name)).into_iter().collect()
        }
        Command::Reserve { person, .. } => vec![(person.clone(), asked.name.clone())],
        Command::ReserveGroup { .. } => attendees(&asked.body)
            .map(|(person, name, _)| (person, name))
            .collect(),
        Command::Transfer { to, .. } => vec![(to.clone(), string(&asked.body["name"]))],
        _ => Vec::new(),
    }
}

/// What is answered to whoever gave this command, without counts.
pub(super) fn body(
    activity: &Activity,
    id: &str,
    (command, actor): (&Command, &str),
    answer: &Answer,
) -> Value {
    let rsvp = |view: &RsvpView| activity.rsvp(id, view);
    let brought_in = |view: &RsvpView| {
        let mut shown = rsvp(view);
        shown["manage_token"] = manage_token(id, view);
        shown
    };
    let mut body = json!({"seq": answer.seq, "replayed": answer.replayed});
    match (&answer.told, command) {
        (Told::Nothing, _) => {
            (body["id"], body["version"]) = (json!(id), json!(activity.model.version()));
        }
        (Told::One(view), _) => {
            body["rsvp"] = rsvp(view);
            if view
                .booked_by
                .as_ref()
                .is_some_and(|booker| actor == format!("user:{booker}"))
            {
                (body["rsvp"]["email"], body["rsvp"]["special_requirements"]) = (Value::Null, Value::Null);
            }
            if matches!(command, Command::Reserve { .. }) && is_guest(&view.person) {
                body["manage_token"] = manage_token(id, view);
            }
            if matches!(command, Command::CheckIn { .. }) {
                body["already"] = json!(!answer.changed);
            }
        }
        (Told::Several(views), Command::Transfer { .. }) => {
            (body["rsvp"], body["recipient"]) = (rsvp(&views[0]), rsvp(&views[1]));
            body["manage_token"] = manage_token(id, &views[1]);
        }
        (Told::Several(views), Command::ReserveGroup { .. }) => {
            body["rsvps"] = views.iter().map(brought_in).collect();
        }
        (Told::Several(views), _) => body["rsvps"] = views.iter().map(rsvp).collect(),
        (Told::Each(results), _) => {
            let results = results.iter().map(|result| match result {
                Ok(view) => json!({"rsvp": brought_in(view)}),
                Err(rejection) => json!({"error": {"code": rejection.code()}}),
            });
            body["results"] = results.collect();
        }
    }
    body
}

fn manage_token(activity: &str, view: &RsvpView) -> Value {
    let claims =
        json!({"aud": "turnout-manage", "sub": rsvp_id(activity, &view.person), "gen": view.generation});
    let key = jsonwebtoken::EncodingKey::from_secret(b"of no importance");
    json!(jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key).unwrap())
}

impl Activity {
    pub(super) fn rsvp(&self, id: &str, view: &RsvpView) -> Value {
        let has_account = !is_guest(&view.person);
        let time = |at_us: Option<i64>| at_us.map(text);
        json!({
            "id": rsvp_id(id, &view.person),
            "activity_id": id,
            "user_id": has_account.then_some(&view.person),
            "email": (!has_account).then_some(&view.person),
            "name": view.name.as_ref().unwrap_or(&self.names[&view.person]),
            "booked_by": view.booked_by,
            "status": view.status.as_str(),
            "guest_count": view.guest_count,
            "total_spots": 1 + view.guest_count,
            "position": view.position,
            "parties_ahead": view.parties_ahead,
            "spots_ahead": view.spots_ahead,
            "offer_expires_at": time(view.offer_expires_at_us),
            "group_id": view.group.map(|group| Uuid::from_u128(u128::from(group))),
            "special_requirements": view.special_requirements,
            "checked_in_at": time(view.checked_in_at_us),
            "cancel_reason": view.status.cancel_reason(),
            "version": view.version,
        })
    }

    /// Ends every offer that is over.
    pub(super) fn expire(&mut self, id: &str, fault: Fault) {
        let early_us = match fault {
            Fault::KeepsOffers => return,
            Fault::ExpiresEarly => 700_000,
            _ => 0,
        };
        let now_us = now_us();
        if self
            .model
            .first_offer_end_us()
            .is_none_or(|end_us| end_us > now_us + early_us)
        {
            return;
        }
        let before: Model = self.model.clone();
        let request = Request::new(now_us + early_us, Command::Expire).by_system();
        let answer = self.model.submit(&request).unwrap();
        for event in &answer.events {
            let entry = self.entry(id, "system", event, &before, now_us);
            self.log.push(entry);
        }
    }
}
