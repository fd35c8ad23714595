//! The server is killed in the middle of a burst, again and again, and started on what it left behind. The load
//! test retries with its keys until everybody is answered, and then judges everything it was ever told.
//!
//! `TURNOUT_KILL_ROUNDS` sets how many bursts, and how many runs of all rules; `TURNOUT_KILL_SEED` where the kills fall.

use std::time::Duration;

use crate::support::{Burst, Crowd, Killable, Random, audit, number, unix_ms};

const KILLS_PER_ROUND: usize = 3;
const PEOPLE: u64 = 8_000;
const SEATS: u64 = 600;
const CONNECTIONS: u64 = 200;
/// After each kill the next one comes when at least this many further events are committed.
const EVENTS_BETWEEN_MIN: u64 = 200;
/// And up to so many more, drawn from the seed: all kills fall well before the burst is over, also where a delay is
/// worth two thousand events.
const EVENTS_BETWEEN_SPREAD: u64 = PEOPLE / 8;
/// And after up to this delay, drawn from the seed: events are seen once they are answered, so without a delay
/// no kill would fall between the sync of a batch and its answers.
const DELAY_SPREAD_US: u64 = 20_000;
/// How long after a kill the load test may still find answers of the killed server in its sockets. Starting again
/// takes longer.
const READ_LATE_MS: u64 = 10;

#[tokio::test]
async fn whatever_was_acknowledged_survives_kills_in_mid_burst_and_nothing_is_doubled() {
    let rounds = number("TURNOUT_KILL_ROUNDS", 2);
    let seed = number("TURNOUT_KILL_SEED", 1);
    println!("TURNOUT_KILL_ROUNDS={rounds} TURNOUT_KILL_SEED={seed}");
    let mut random = Random(seed);
    let (mut acknowledged, mut replayed, mut kills) = (0, 0, 0);
    for round in 1..=rounds {
        let mut server = Killable::start().await;
        let crowd = Crowd {
            people: PEOPLE,
            seats: SEATS,
            connections: CONNECTIONS,
            seed: round,
            via: "rest",
        };
        let mut burst = Burst::start(&server, &crowd).await;
        let mut events = Vec::new();
        // When the server was down, between kill and restart.
        let mut down_ms = Vec::new();
        let mut after = 0;
        let mut audited = audit(server.database()).await;
        for _ in 0..KILLS_PER_ROUND {
            let more = EVENTS_BETWEEN_MIN + random.below(EVENTS_BETWEEN_SPREAD);
            burst.until_committed(&server, after + more).await;
            let before = burst.seq(&server).await;
            // Nothing waits for anything here: this is where the kill falls. It blocks because a timer of the
            // runtime has no finer grain than a millisecond.
            std::thread::sleep(Duration::from_micros(random.below(DELAY_SPREAD_US)));
            assert!(
                !burst.is_over(),
                "round {round}, seed {seed}: the burst was over after {} kills",
                events.len()
            );
            server.kill();
            down_ms.push(unix_ms());
            let left = audit(server.database()).await;
            left.follows(&audited);
            audited = left;
            server.start_again().await;
            after = burst.seq(&server).await;
            assert!(
                after >= before,
                "round {round}, seed {seed}: {before} events were committed before the kill, {after} are there after \
                 it"
            );
            events.push(format!("{before}→{after}"));
        }
        let said = burst.finish().await;
        audit(server.database()).await.follows(&audited);
        let told = format!("round {round}, seed {seed}, events {events:?}:\n{}", said.text);
        assert!(said.status.success(), "{told}");
        assert!(said.text.contains("VERDICT: clean"), "{told}");
        assert_eq!(events.len(), KILLS_PER_ROUND, "{told}");
        // What was answered just before a kill may be read just after it, but not after the server is back.
        let sides: Vec<u64> = std::iter::once(0)
            .chain(down_ms.iter().map(|ms| ms + READ_LATE_MS))
            .zip(down_ms.iter().map(|ms| ms + READ_LATE_MS).chain([u64::MAX]))
            .map(|(from_ms, to_ms)| said.acknowledged_between(from_ms, to_ms))
            .collect();
        assert_eq!(
            sides.iter().sum::<u64>(),
            said.number("/answered/committed"),
            "{told}"
        );
        assert!(
            sides.iter().all(|acknowledged| *acknowledged > 0),
            "there are acknowledgements on both sides of every kill: {sides:?}, {told}"
        );
        println!(
            "round {round}: events before→after each kill {}, {} at the end; acknowledged before, between and after \
             the kills {sides:?}, {} of them committed earlier and told again after a kill",
            events.join(", "),
            burst.seq(&server).await,
            said.number("/answered/replayed"),
        );
        acknowledged += said.number("/answered/committed");
        replayed += said.number("/answered/replayed");
        kills += events.len();
    }
    println!(
        "{rounds} rounds, {kills} kills: {acknowledged} acknowledgements, all of them there at the end and none doubled; \
         {replayed} of commands that were committed before a kill and acknowledged after it"
    );
}

/// The same with all rules at once, over REST and over sockets: offers end while nobody is there to end them, and guests,
/// bookers and the host ask again for what may have been done.
#[tokio::test]
async fn guests_groups_offers_and_a_host_at_work_survive_kills_and_everything_is_as_the_rules_say() {
    let rounds = number("TURNOUT_KILL_ROUNDS", 1);
    let seed = number("TURNOUT_KILL_SEED", 1);
    println!("TURNOUT_KILL_ROUNDS={rounds} TURNOUT_KILL_SEED={seed}");
    let mut random = Random(seed);
    for round in 1..=rounds {
        let mut server = Killable::start().await;
        let drawn = (seed + round).to_string();
        let arguments = [
            "rules",
            "--via",
            "both",
            "--parties",
            "600",
            "--seats",
            "700",
            "--rate",
            "300",
            // So few that all is over soon.
            "--waitlist",
            "50",
            "--host-rate",
            "60",
            "--offer-ttl-s",
            "1",
            "--seed",
            &drawn,
        ];
        let mut run = Burst::start_as(&server, &arguments).await;
        let mut audited = audit(server.database()).await;
        let mut after = 0;
        for kill in 1..=KILLS_PER_ROUND {
            run.until_committed(&server, after + 100 + random.below(200))
                .await;
            let before = run.seq(&server).await;
            std::thread::sleep(Duration::from_micros(random.below(DELAY_SPREAD_US)));
            assert!(
                !run.is_over(),
                "round {round}, seed {seed}: it was over before kill {kill}"
            );
            server.kill();
            let left = audit(server.database()).await;
            left.follows(&audited);
            audited = left;
            server.start_again().await;
            after = run.seq(&server).await;
            assert!(
                after >= before,
                "round {round}, seed {seed}: {before} events, then {after}"
            );
        }
        let said = run.finish().await;
        audit(server.database()).await.follows(&audited);
        let told = format!("round {round}, seed {seed}:\n{}", said.text);
        assert!(said.status.success(), "{told}");
        assert!(said.text.contains("VERDICT: clean"), "{told}");
        println!(
            "round {round}: {} committed, {} of them told again after a kill",
            said.number("/answered/committed"),
            said.number("/answered/replayed"),
        );
    }
}
