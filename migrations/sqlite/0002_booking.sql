-- Activities, their RSVPs, and the log of everything that was decided.
--
-- Times are microseconds since 1970, identifiers are UUIDs in 16 bytes. No foreign keys here: these are the
-- hot tables, and only their activity's owner writes them.

-- What is true of the whole database. `epoch` is the number of the history that clients have seen: it changes
-- only when that history may have gone backwards, as after restoring a backup.
CREATE TABLE meta (
    only_row BIGINT NOT NULL PRIMARY KEY CHECK (only_row = 1),
    epoch    BIGINT NOT NULL
);

INSERT INTO meta (only_row, epoch) VALUES (1, 1);

CREATE TABLE activities (
    id                 BLOB    NOT NULL PRIMARY KEY,
    title              TEXT    NOT NULL,
    description        TEXT,
    venue              TEXT,
    time_zone          TEXT    NOT NULL,
    starts_at          BIGINT  NOT NULL,
    ends_at            BIGINT  NOT NULL,
    capacity           BIGINT  NOT NULL CHECK (capacity BETWEEN 1 AND 10000000),
    max_guests         BIGINT  NOT NULL,
    opens_at           BIGINT,
    closes_at          BIGINT,
    cancel_until       BIGINT,
    promote_until      BIGINT,
    waitlist_capacity  BIGINT,
    waitlist_paused    BOOLEAN NOT NULL,
    patience           BIGINT  NOT NULL,
    promotion          TEXT    NOT NULL,
    guests             TEXT    NOT NULL,
    visibility         TEXT    NOT NULL,
    attendees_visible  TEXT    NOT NULL,
    host_id            BLOB    NOT NULL,
    organization_id    BLOB,
    version            BIGINT  NOT NULL,
    created_at         BIGINT  NOT NULL,
    updated_at         BIGINT  NOT NULL,
    cancelled_at       BIGINT,
    -- What follows changes with every batch.
    confirmed_spots    BIGINT  NOT NULL DEFAULT 0 CHECK (confirmed_spots >= 0),
    offered_spots      BIGINT  NOT NULL DEFAULT 0 CHECK (offered_spots >= 0),
    checked_in_spots   BIGINT  NOT NULL DEFAULT 0 CHECK (checked_in_spots >= 0),
    waitlisted_parties BIGINT  NOT NULL DEFAULT 0 CHECK (waitlisted_parties >= 0),
    waitlisted_spots   BIGINT  NOT NULL DEFAULT 0 CHECK (waitlisted_spots >= 0),
    -- The capacity, or what was held when the capacity was cut below that.
    capacity_limit     BIGINT  NOT NULL,
    seq                BIGINT  NOT NULL DEFAULT 0,
    stamped_at         BIGINT  NOT NULL,
    -- Fences the owner: a batch is written only under the epoch that its owner has claimed.
    owner_epoch        BIGINT  NOT NULL DEFAULT 0,
    -- The last batch that was written, so that a commit of unknown outcome can be recognised.
    last_batch         BLOB,
    -- The database's own word against overbooking, should everything before it fail.
    CHECK (confirmed_spots + offered_spots <= capacity_limit)
);

CREATE INDEX activities_by_start ON activities (starts_at, id);
CREATE INDEX activities_by_host ON activities (host_id, starts_at);

CREATE TABLE rsvps (
    id                   BLOB   NOT NULL PRIMARY KEY,
    activity_id          BLOB   NOT NULL,
    -- The person: the account's id, or the e-mail address of a guest. One live RSVP each, see the index.
    attendee_key         TEXT   NOT NULL,
    user_id              BLOB,
    name                 TEXT   NOT NULL,
    email                TEXT,
    -- SQLite cannot change a check without writing the table anew, so it knows the status of an offer already.
    status               TEXT   NOT NULL CHECK (status IN ('confirmed', 'offered', 'waitlisted', 'cancelled')),
    cancel_reason        TEXT,
    guest_count          BIGINT NOT NULL CHECK (guest_count >= 0),
    total_spots          BIGINT NOT NULL GENERATED ALWAYS AS (1 + guest_count) STORED,
    ticket               BIGINT NOT NULL,
    group_id             BLOB,
    booked_by            BLOB,
    special_requirements TEXT,
    checked_in_at        BIGINT,
    version              BIGINT NOT NULL,
    generation           BIGINT NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    CHECK ((status = 'cancelled') = (cancel_reason IS NOT NULL))
) WITHOUT ROWID;

-- None by user: nobody asks by user, and it would be a tenth to a quarter of what a reservation writes.
CREATE INDEX rsvps_by_activity ON rsvps (activity_id, id);
CREATE UNIQUE INDEX rsvps_one_per_person ON rsvps (activity_id, attendee_key) WHERE status <> 'cancelled';

-- The decision log: append only, without gaps per activity, and without names or addresses. It is also where
-- idempotency keys are kept and what everything that follows from a decision is derived from.
CREATE TABLE activity_events (
    activity_id     BLOB   NOT NULL,
    seq             BIGINT NOT NULL,
    at              BIGINT NOT NULL,
    kind            TEXT   NOT NULL,
    actor           BLOB   NOT NULL,
    rsvp_id         BLOB,
    previous_status TEXT,
    status          TEXT,
    spots           BIGINT,
    ticket          BIGINT,
    reason          TEXT,
    -- On the first event of a command that carried a key: the key, what it was sent with, and in `data` what
    -- was answered.
    key_digest      BLOB,
    fingerprint     BIGINT,
    data            TEXT,
    PRIMARY KEY (activity_id, seq)
) WITHOUT ROWID;

-- Keys of commands that belong to no activity, such as making one.
CREATE TABLE idempotency_keys (
    key_digest  BLOB   NOT NULL PRIMARY KEY,
    fingerprint BIGINT NOT NULL,
    result_id   BLOB   NOT NULL,
    created_at  BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);
