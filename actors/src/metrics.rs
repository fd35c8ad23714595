//! Every metric that the engine records, by name. Labels are few and bounded: never an activity.

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};

/// Commands by `outcome`: accepted, replayed, a rejection's code, an engine error's code, or abandoned where the
/// caller had stopped waiting when the answer came.
pub const COMMANDS: &str = "turnout_commands_total";
/// Time from a command's arrival to its answer, whether its caller still waits for that or not.
pub const COMMAND_SECONDS: &str = "turnout_command_duration_seconds";
/// Time that deciding one batch took.
pub const DECIDE_SECONDS: &str = "turnout_decide_duration_seconds";
/// Commands decided together.
pub const BATCH_COMMANDS: &str = "turnout_batch_commands";
/// Time that one transaction took, from its begin to its end.
pub const COMMIT_SECONDS: &str = "turnout_commit_duration_seconds";
/// Batches merged into one transaction.
pub const COMMIT_BATCHES: &str = "turnout_commit_batches";
/// Commits, and attempts to settle one, that failed, by `kind`.
pub const JOURNAL_ERRORS: &str = "turnout_journal_errors_total";
/// Commits of unknown outcome that were settled, by `outcome`.
pub const SETTLED: &str = "turnout_settled_total";
/// Commands that are not answered yet.
pub const IN_FLIGHT: &str = "turnout_commands_in_flight";
/// Live activities.
pub const LIVE: &str = "turnout_live_activities";
/// Activities loaded from the journal.
pub const STARTS: &str = "turnout_activity_starts_total";
/// Activities whose actor failed.
pub const FAILURES: &str = "turnout_activity_failures_total";
/// Activities put to rest because nobody used them.
pub const PASSIVATIONS: &str = "turnout_activity_passivations_total";
/// Time that loading an activity took.
pub const LOAD_SECONDS: &str = "turnout_activity_load_duration_seconds";

/// Activities whose counts were written to the mirror.
pub const MIRROR_WRITES: &str = "turnout_mirror_writes_total";
/// Exchanges with the mirror that failed.
pub const MIRROR_ERRORS: &str = "turnout_mirror_errors_total";
/// Activities whose counts were wrong in the mirror and repaired, by `kind`: missing, behind, ahead or different.
pub const MIRROR_DRIFT: &str = "turnout_mirror_drift_total";
/// Activities whose rows were added up and compared with memory.
pub const RECOUNTS: &str = "turnout_recounts_total";
/// Activities whose rows did not add up to what was in memory.
pub const RECOUNT_DRIFT: &str = "turnout_recount_drift_total";

/// Tells the recorder what each metric means. To be called once, when a recorder is installed.
pub fn describe() {
    describe_counter!(COMMANDS, "Commands by outcome");
    describe_histogram!(
        COMMAND_SECONDS,
        Unit::Seconds,
        "Time from a command's arrival to its answer, whether its caller still waits for that or not"
    );
    describe_histogram!(DECIDE_SECONDS, Unit::Seconds, "Time that deciding one batch took");
    describe_histogram!(BATCH_COMMANDS, "Commands decided together");
    describe_histogram!(
        COMMIT_SECONDS,
        Unit::Seconds,
        "Time that one transaction took, from its begin to its end"
    );
    describe_histogram!(COMMIT_BATCHES, "Batches merged into one transaction");
    describe_counter!(
        JOURNAL_ERRORS,
        "Commits, and attempts to settle one, that failed, by kind"
    );
    describe_counter!(
        SETTLED,
        "Commits of unknown outcome that were settled, by outcome"
    );
    describe_gauge!(IN_FLIGHT, "Commands that are not answered yet");
    describe_gauge!(LIVE, "Live activities");
    describe_counter!(STARTS, "Activities loaded from the journal");
    describe_counter!(FAILURES, "Activities whose actor failed");
    describe_counter!(PASSIVATIONS, "Activities put to rest because nobody used them");
    describe_histogram!(LOAD_SECONDS, Unit::Seconds, "Time that loading an activity took");
    describe_counter!(
        MIRROR_WRITES,
        "Activities whose counts were written to the mirror"
    );
    describe_counter!(MIRROR_ERRORS, "Exchanges with the mirror that failed");
    describe_counter!(
        MIRROR_DRIFT,
        "Activities whose counts were wrong in the mirror and repaired, by kind"
    );
    describe_counter!(
        RECOUNTS,
        "Activities whose rows were added up and compared with memory"
    );
    describe_counter!(
        RECOUNT_DRIFT,
        "Activities whose rows did not add up to what was in memory"
    );
}
