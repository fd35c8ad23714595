//! No reply leaves before the sync of its batch: watched from outside, system call by system call.

use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

use crate::support::Killable;

const TRACED: &str = "trace=fsync,fdatasync,read,readv,recvfrom,recvmsg,write,writev,sendto,sendmsg";
const REQUEST: &str = "/rsvp HTTP/1.1";
const REPLY: &str = "HTTP/1.1 201 Created";

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

/// Checks every reply of the trace and returns how many there were, and how many syncs.
fn check(trace: &str) -> (usize, usize) {
    let (mut replies, mut syncs) = (0, 0);
    // Of all syncs that have ended, when the one began that began last.
    let mut synced_since = 0;
    // Per connection, when its last command was read.
    let mut read_at: HashMap<String, usize> = HashMap::new();
    for (now, Moment { call, began, ended }) in moments(trace).into_iter().enumerate() {
        let Some((name, arguments)) = call.split_once('(') else {
            continue;
        };
        let connection = arguments.split([',', ')']).next().unwrap_or_default();
        if ended && name.ends_with("sync") {
            syncs += 1;
            synced_since = synced_since.max(began);
        } else if ended && name.starts_with("re") && arguments.contains(REQUEST) {
            read_at.insert(connection.to_owned(), now);
        } else if !ended
            && !name.starts_with("re")
            && arguments.contains(REPLY)
            && let Some(read_at) = read_at.remove(connection)
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
    let wrapper = [
        "strace",
        "-f",
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
    let server = Killable::start_under(&wrapper).await;
    let load_test = server.load_test(&["burst", "--people", "400", "--seats", "40", "--connections", "20"]);
    let (status, said) = load_test.finish().await;
    assert!(status.success(), "{said}");
    let (replies, syncs) = check(&read(&trace));
    assert_eq!(replies, 400, "every acknowledgement was seen in the trace");
    println!(
        "{replies} acknowledgements, each after a sync that began after its command was read; {syncs} syncs in all"
    );
}

fn read(trace: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(trace).unwrap()).into_owned()
}

#[test]
fn the_check_finds_a_reply_that_came_too_early() {
    const REQUEST: &str = "1 recvfrom(9, \"POST /api/v1/activities/x/rsvp HTTP/1.1\", 96) = 96\n";
    const REPLY: &str = "1 writev(9, [{iov_base=\"HTTP/1.1 201 Created\"}], 1) = 20\n";
    const BEGIN: &str = "2 fdatasync(5 <unfinished ...>\n";
    const END: &str = "2 <... fdatasync resumed>) = 0\n";
    assert_eq!(check(&[REQUEST, BEGIN, END, REPLY].concat()), (1, 1));
    let of_an_earlier_batch = [BEGIN, REQUEST, END, REPLY].concat();
    let still_going_on = [REQUEST, BEGIN, REPLY, END].concat();
    for early in [of_an_earlier_batch, still_going_on] {
        assert!(std::panic::catch_unwind(|| check(&early)).is_err(), "{early}");
    }
}
