//! What was asked for: every option that shaped a run, so that its report can be understood, and the run
//! repeated, by somebody who was not there.

use serde::Serialize;

/// The options of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Asked {
    /// What kind of run.
    #[serde(flatten)]
    pub kind: AskedKind,
    /// Connections, each with one request in flight.
    pub connections: usize,
    /// Commands per second in an open loop; `None` is a closed loop.
    pub rate_per_s: Option<f64>,
    /// What randomness was drawn from.
    pub seed: u64,
    /// Seconds until what was unanswered would have been given up.
    pub deadline_s: u64,
}

/// What is particular to each kind of run.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[expect(missing_docs, reason = "the words of the command line")]
pub enum AskedKind {
    Burst {
        /// What carries the commands.
        via: &'static str,
        people: u32,
        seats: u32,
        /// Parties that may wait; `None` is unlimited.
        waitlist: Option<u32>,
        guest_share: f64,
        cancel_share: f64,
        /// When the doors open; `None` is that they are open.
        opens_in_s: Option<f64>,
        /// The share of people who come before that.
        early_share: Option<f64>,
    },
    Rules {
        /// What carries the commands that there are words for on sockets, in turn.
        over: Vec<&'static str>,
        parties: u32,
        seats: u32,
        host_rate_per_s: f64,
        offer_ttl_s: u32,
        /// Parties that may wait; `None` is unlimited.
        waitlist: Option<u32>,
    },
    Cancellation {
        rsvps: u32,
        people: u32,
        seats: u32,
        rounds: u32,
    },
    Alternate {
        /// What carries the commands, in turn.
        over: Vec<&'static str>,
        seats: Option<u32>,
        duration_s: f64,
        rounds: u32,
    },
    Fanout {
        watchers: u32,
        activities: u32,
        encoding: &'static str,
        duration_s: f64,
        slow_share: f64,
        rounds: u32,
        against: Option<&'static str>,
    },
    Reconnect {
        watchers: u32,
        encoding: &'static str,
        duration_s: f64,
        within_s: f64,
    },
    /// A steady stream of requests.
    Steady {
        people: u32,
        reads_per_write: u64,
        requests_per_s: f64,
        duration_s: f64,
    },
    Many {
        activities: u32,
        rsvps_each: u32,
        rounds: u32,
    },
    Growth {
        rsvps: u32,
        small: u32,
        window: u32,
        rounds: u32,
    },
    Cold {
        /// Of each activity, one after the other.
        rsvps: Vec<u32>,
        starts: u32,
    },
    Soak {
        /// Of the peak; none where the rate was given.
        share: Option<f64>,
        minutes: f64,
        turn_s: f64,
        people: u32,
    },
    Overload {
        via: &'static str,
        peak_connections: usize,
        /// Of the peak.
        shares: Vec<f64>,
        normal: f64,
        duration_s: f64,
        patience_s: f64,
        people: u32,
    },
    Replay {
        /// The file or the seed.
        history: String,
        events: usize,
        people: usize,
        seats: u64,
        /// Commands of the history, cancels included.
        commands: usize,
    },
}

impl Asked {
    /// Whether there is a moment when each command should be asked.
    pub(super) fn has_dues(&self) -> bool {
        let opens = matches!(&self.kind, AskedKind::Burst { opens_in_s, .. } if opens_in_s.is_some());
        self.rate_per_s.is_some() || opens || self.is_open_by_shares()
    }

    /// Whether the rate follows from what is found out in the run.
    fn is_open_by_shares(&self) -> bool {
        let by_shares = matches!(self.kind, AskedKind::Soak { .. } | AskedKind::Overload { .. });
        by_shares && self.rate_per_s.is_none()
    }

    /// The run in one line.
    pub(super) fn title(&self) -> String {
        let connections = self.connections;
        match &self.kind {
            AskedKind::Burst { people, seats, .. } => {
                format!("burst of {people} people on {seats} seats over {connections} connections")
            }
            AskedKind::Rules { parties, seats, .. } => {
                format!("all rules for {parties} parties on {seats} seats over {connections} connections")
            }
            AskedKind::Cancellation { rsvps, people, .. } => {
                format!("bursts of {people} people beside the cancelling of {rsvps} RSVPs, and alone")
            }
            AskedKind::Alternate { over, duration_s, .. } => {
                let over = over.join(" and ");
                format!("{connections} people who reserve and cancel in turn for {duration_s} s over {over}")
            }
            AskedKind::Fanout {
                watchers, activities, ..
            } => {
                format!("fan-out to {watchers} watchers of {activities} activities")
            }
            AskedKind::Reconnect { watchers, .. } => {
                format!("{watchers} watchers who come back after the server was killed")
            }
            AskedKind::Steady {
                requests_per_s,
                duration_s,
                ..
            } => {
                format!(
                    "a steady {requests_per_s} requests per s for {duration_s} s over {connections} connections"
                )
            }
            AskedKind::Many {
                activities,
                rsvps_each,
                ..
            } => {
                format!("{activities} activities of {rsvps_each} RSVPs each, against one with all of them")
            }
            AskedKind::Growth { rsvps, small, .. } => {
                format!("one activity that grows to {rsvps} RSVPs, against those of {small}")
            }
            AskedKind::Cold { rsvps, .. } => {
                let sizes: Vec<String> = rsvps.iter().map(u32::to_string).collect();
                format!(
                    "first commands after a start, to activities of {} RSVPs",
                    sizes.join(" and ")
                )
            }
            AskedKind::Soak { minutes, .. } => {
                format!("a soak of {minutes} minutes over {connections} connections")
            }
            AskedKind::Overload { via, .. } => {
                format!("overload over {connections} lines ({via})")
            }
            AskedKind::Replay { events, .. } => {
                format!("replay of {events} events over {connections} connections")
            }
        }
    }

    pub(super) fn rows(&self) -> Vec<(String, String)> {
        let mut rows: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: String| rows.push((name.to_owned(), value));
        match &self.kind {
            AskedKind::Burst {
                via,
                people,
                seats,
                waitlist,
                guest_share,
                cancel_share,
                opens_in_s,
                early_share,
            } => {
                add("commands over", (*via).to_owned());
                add("people", people.to_string());
                add("seats", seats.to_string());
                add("parties that may wait", room(*waitlist));
                add("share who bring 1 to 3 guests", percent(*guest_share));
                add("share who cancel later", percent(*cancel_share));
                if let (Some(opens_in_s), Some(early_share)) = (opens_in_s, early_share) {
                    add("seconds until the doors open", opens_in_s.to_string());
                    add("share who come before that", percent(*early_share));
                }
            }
            AskedKind::Rules {
                over,
                parties,
                seats,
                host_rate_per_s,
                offer_ttl_s,
                waitlist,
            } => {
                add("commands over", over.join(", "));
                add("parties", parties.to_string());
                add("seats at first", seats.to_string());
                add("parties that may wait", room(*waitlist));
                add("seconds that an offer lasts", offer_ttl_s.to_string());
                add("commands of the host per s", host_rate_per_s.to_string());
            }
            AskedKind::Cancellation {
                rsvps,
                people,
                seats,
                rounds,
            } => {
                add("RSVPs that are cancelled", rsvps.to_string());
                add("people of each burst", people.to_string());
                add("seats of each", seats.to_string());
                add("pairs of bursts", rounds.to_string());
            }
            AskedKind::Alternate {
                over,
                seats,
                duration_s,
                rounds,
            } => {
                add("commands over", over.join(", "));
                let seats = seats.map_or("one for everybody".to_owned(), |seats| seats.to_string());
                add("seats", seats);
                add("seconds of each round", duration_s.to_string());
                add("rounds of each", rounds.to_string());
            }
            AskedKind::Fanout {
                watchers,
                activities,
                encoding,
                duration_s,
                slow_share,
                rounds,
                against,
            } => {
                add("watchers", watchers.to_string());
                add("share who stop reading", percent(*slow_share));
                add("activities", activities.to_string());
                add("messages written as", (*encoding).to_owned());
                add("seconds of each round", duration_s.to_string());
                add("rounds", rounds.to_string());
                add("compared with", against.unwrap_or("nothing").to_owned());
            }
            AskedKind::Reconnect {
                watchers,
                encoding,
                duration_s,
                within_s,
            } => {
                add("watchers", watchers.to_string());
                add("messages written as", (*encoding).to_owned());
                add("seconds with commands", duration_s.to_string());
                add("seconds to come back in", within_s.to_string());
            }
            AskedKind::Steady {
                people,
                reads_per_write,
                duration_s,
                ..
            } => {
                add("people, each with a seat at first", people.to_string());
                add("reads to one write", reads_per_write.to_string());
                add("seconds", duration_s.to_string());
            }
            AskedKind::Many {
                activities,
                rsvps_each,
                rounds,
            } => {
                add("activities", activities.to_string());
                add("RSVPs of each", rsvps_each.to_string());
                add("rounds of each kind", rounds.to_string());
            }
            AskedKind::Growth {
                rsvps,
                small,
                window,
                rounds,
            } => {
                add("RSVPs of the large activity", rsvps.to_string());
                add("RSVPs of a small one", small.to_string());
                add("RSVPs of a window", window.to_string());
                add("windows of either size", rounds.to_string());
            }
            AskedKind::Cold { rsvps, starts } => {
                let sizes: Vec<String> = rsvps.iter().map(u32::to_string).collect();
                add("RSVPs of the activities", sizes.join(", "));
                add("starts for each", starts.to_string());
            }
            AskedKind::Soak {
                share,
                minutes,
                turn_s,
                people,
            } => {
                if let Some(share) = share {
                    add("share of the peak", percent(*share));
                }
                add("minutes", minutes.to_string());
                add("seconds until the next activity", turn_s.to_string());
                add("people, each with a seat", people.to_string());
            }
            AskedKind::Overload {
                via,
                peak_connections,
                shares,
                normal,
                duration_s,
                patience_s,
                people,
            } => {
                add("commands over", (*via).to_owned());
                add("connections that find the peak", peak_connections.to_string());
                let shares: Vec<String> = shares.iter().map(|share| percent(*share)).collect();
                add("overloads, of the peak", shares.join(", "));
                add("normal rate, of the peak", percent(*normal));
                add("seconds of each phase", duration_s.to_string());
                add("seconds of patience", patience_s.to_string());
                add("people, each with a seat", people.to_string());
            }
            AskedKind::Replay {
                history,
                events,
                people,
                seats,
                commands,
            } => {
                add("history", history.clone());
                add("events, each an activity", events.to_string());
                add("people", people.to_string());
                add("seats in all", seats.to_string());
                add("commands", commands.to_string());
            }
        }
        add("connections", self.connections.to_string());
        let pace = match self.rate_per_s {
            None if self.is_open_by_shares() => "open: a share of the peak per s".to_owned(),
            None if self.has_dues() => "everybody once, when the doors open".to_owned(),
            None => "closed: next when answered".to_owned(),
            Some(rate) if matches!(self.kind, AskedKind::Rules { .. }) => {
                format!("open: {rate} parties per s")
            }
            Some(rate) if matches!(self.kind, AskedKind::Steady { .. }) => {
                format!("open: {rate} requests per s")
            }
            Some(rate) => format!("open: {rate} commands per s"),
        };
        add("loop", pace);
        add("seed", self.seed.to_string());
        rows
    }
}

/// How many parties may wait.
fn room(waitlist: Option<u32>) -> String {
    match waitlist {
        None => "unlimited".to_owned(),
        Some(0) => "none".to_owned(),
        Some(parties) => parties.to_string(),
    }
}

fn percent(share: f64) -> String {
    // Two digits are more than anybody gives, and hide what binary fractions make of them.
    format!("{} %", (share * 10_000.0).round() / 100.0)
}
