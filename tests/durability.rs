//! No reply leaves before the sync of its batch: watched from outside, system call by system call.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::support::Killable;

const TRACED: &str = "trace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg";
/// How requests begin, and what those that are commands are acknowledged with.
const REQUESTS: [(&str, Option<&str>); 3] = [
    ("\"POST /", Some("\"HTTP/1.1 201 Created")),
    ("\"DELETE /", Some("\"HTTP/1.1 200 OK")),
    ("\"GET /", None),
];
/// How the path of a command ends.
const PATH: &str = "/rsvp HTTP/1.1";
const REPLY: &str = "\"HTTP/1.1 ";
/// The file whose sync makes a batch durable.
const WAL: &str = "/turnout.db-wal>";

/// One system call of the trace, at its beginning or at its end.
struct Moment {
    call: String,
    /// The number of the moment at which the call began.
    began: usize,
    ended: bool,
}

/// All moments in order. A call that others interrupted in the trace has its two apart.
fn moments(trace: &str) -> Vec<Moment> {
    let mut unfinished: HashMap<&str, (String, usize)> = HashMap::new();
    let mut moments = Vec::new();
    for line in trace.lines() {
        let Some((thread, rest)) = line.split_once(' ') else {
            continue;
        };
        let (rest, now) = (rest.trim_start(), moments.len());
        if let Some(begun) = rest.strip_suffix("<unfinished ...>") {
            unfinished.insert(thread, (begun.to_owned(), now));
            moments.push(Moment {
                call: begun.to_owned(),
                began: now,
                ended: false,
            });
        } else if let Some((_, end)) = rest.split_once("resumed>") {
            if let Some((begun, began)) = unfinished.remove(thread) {
                moments.push(Moment {
                    call: begun + end,
                    began,
                    ended: true,
                });
            }
        } else {
            moments.push(Moment {
                call: rest.to_owned(),
                began: now,
                ended: false,
            });
            moments.push(Moment {
                call: rest.to_owned(),
                began: now,
                ended: true,
            });
        }
    }
    moments
}

/// Checks every acknowledgement of the trace and returns how many there were, and how many syncs of the log.
fn check(trace: &str) -> (usize, usize) {
    let (mut replies, mut syncs) = (0, 0);
    // Of all syncs that have ended, when the one began that began last.
    let mut synced_since = 0;
    // Per connection, what acknowledges the request that was begun last. The server reads the first few bytes of a
    // connection by themselves, so a request may be read in two calls.
    let mut begun: HashMap<String, &str> = HashMap::new();
    // Per connection, when its last command was read, and what acknowledges it.
    let mut asked: HashMap<String, (usize, &str)> = HashMap::new();
    for (now, Moment { call, began, ended }) in moments(trace).into_iter().enumerate() {
        let Some((name, arguments)) = call.split_once('(') else {
            continue;
        };
        let descriptor = arguments.split([',', ')']).next().unwrap_or_default().trim();
        let reads = name.starts_with("re");
        if ended && name.ends_with("sync") && descriptor.ends_with(WAL) {
            syncs += 1;
            synced_since = synced_since.max(began);
        } else if ended && reads {
            if let Some((_, reply)) = REQUESTS.iter().find(|(start, _)| arguments.contains(start)) {
                begun.insert(descriptor.to_owned(), reply.unwrap_or_default());
            }
            if arguments.contains(PATH)
                && let Some(reply) = begun.get(descriptor).filter(|reply| !reply.is_empty())
            {
                asked.insert(descriptor.to_owned(), (now, reply));
            }
        } else if !ended
            && arguments.contains(REPLY)
            && let Some((read_at, reply)) = asked.remove(descriptor)
            && arguments.contains(reply)
        {
            // A sync that had begun before the command was read cannot be that of its batch.
            assert!(
                synced_since > read_at,
                "a reply left before the sync of its batch: {call}"
            );
            replies += 1;
        }
    }
    (replies, syncs)
}

#[tokio::test]
async fn no_reply_leaves_before_the_sync_of_its_batch() {
    let traced = Command::new("strace")
        .arg("-V")
        .output()
        .is_ok_and(|output| output.status.success());
    assert!(traced, "strace is needed; scripts/test installs it");
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    // With `-D` the tracer stands aside: the process that is started here, and killed in the end, is the server.
    // With `-y` each descriptor is told with what it stands for.
    let wrapper = [
        "strace",
        "-D",
        "-f",
        "-y",
        "-qq",
        "-s",
        "96",
        "-e",
        TRACED,
        "-e",
        "signal=none",
        "-o",
    ]
    .map(str::to_owned);
    let mut wrapper = wrapper.to_vec();
    wrapper.push(trace.display().to_string());
    let mut server = Killable::start_under(&wrapper).await;
    let tracer = server.tracer().expect("the server is traced");
    let mut load_test = server.load_test(&[
        "burst",
        "--people",
        "400",
        "--seats",
        "40",
        "--connections",
        "20",
        "--cancel",
        "0.3",
    ]);
    let said = load_test.finish().await;
    assert!(said.status.success(), "{}", said.text);
    server.kill();
    until_ended(tracer).await;
    let (replies, syncs) = check(&read(&trace));
    let acknowledged = said.number("/answered/committed");
    assert!(acknowledged > 450, "{}", said.text);
    assert_eq!(
        replies as u64, acknowledged,
        "every acknowledgement was seen in the trace"
    );
    println!(
        "{replies} acknowledgements, each after a sync of the log that began after its command was read; \
         {syncs} such syncs in all"
    );
}

/// Waits for the end of a process that is nobody's child here: it is gone, or waits for its parent alone.
async fn until_ended(id: u32) {
    let ended = async {
        while std::fs::read_to_string(format!("/proc/{id}/stat"))
            .is_ok_and(|stat| !stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")))
        {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ended)
        .await
        .expect("the tracer ends with the server");
}

fn read(trace: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(trace).unwrap()).into_owned()
}

#[test]
fn the_check_finds_a_reply_that_came_too_early() {
    const RESERVE: &str = "1 recvfrom(9<socket:[1]>, \"POST /api/v1/activities/x/rsvp HTTP/1.1\", 96) = 96\n";
    const RESERVED: &str = "1 writev(9<socket:[1]>, [{iov_base=\"HTTP/1.1 201 Created\"}], 1) = 20\n";
    const CANCEL: &str =
        "1 recvfrom(9<socket:[1]>, \"DELETE /api/v1/activities/x/rsvp HTTP/1.1\", 96) = 96\n";
    const CANCELLED: &str = "1 writev(9<socket:[1]>, [{iov_base=\"HTTP/1.1 200 OK\"}], 1) = 15\n";
    const BEGIN: &str = "2 fdatasync(5</x/turnout.db-wal> <unfinished ...>\n";
    const END: &str = "2 <... fdatasync resumed>) = 0\n";
    const OTHER_FILE: &str = "2 fdatasync(6</x/turnout.db>) = 0\n";
    for (command, reply) in [(RESERVE, RESERVED), (CANCEL, CANCELLED)] {
        assert_eq!(check(&[command, BEGIN, END, reply].concat()), (1, 1));
        let of_an_earlier_batch = [BEGIN, command, END, reply].concat();
        let still_going_on = [command, BEGIN, reply, END].concat();
        let of_another_file = [command, OTHER_FILE, reply].concat();
        for early in [of_an_earlier_batch, still_going_on, of_another_file] {
            assert!(std::panic::catch_unwind(|| check(&early)).is_err(), "{early}");
        }
    }
    const PEEKED: &str = "1 recvfrom(9<socket:[1]>, \"POST /api/v1/activities/\", 24) = 24\n";
    const REST: &str = "1 recvfrom(9<socket:[1]>, \"x/rsvp HTTP/1.1\", 96) = 72\n";
    assert_eq!(check(&[PEEKED, REST, BEGIN, END, RESERVED].concat()), (1, 1));
    let in_two_pieces = [PEEKED, BEGIN, END, REST, RESERVED].concat();
    assert!(std::panic::catch_unwind(|| check(&in_two_pieces)).is_err());
    const REFUSED: &str = "1 writev(9<socket:[1]>, [{iov_base=\"HTTP/1.1 409 Conflict\"}], 1) = 21\n";
    const SHOWN: &str = "1 writev(9<socket:[1]>, [{iov_base=\"HTTP/1.1 200 OK\"}], 1) = 15\n";
    assert_eq!(
        check(&[RESERVE, REFUSED, SHOWN].concat()),
        (0, 0),
        "only acknowledgements wait for a sync"
    );
}
