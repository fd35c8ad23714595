-- Accounts and their sessions.
--
-- Times are microseconds since 1970, bound by the server: exact, comparable and the same on every database.
-- Identifiers are UUIDs.

CREATE TABLE users (
    id            UUID   NOT NULL PRIMARY KEY,
    name          TEXT   NOT NULL,
    -- In lower case, so that one address is one account.
    email         TEXT   NOT NULL UNIQUE,
    password_hash TEXT   NOT NULL,
    role          TEXT   NOT NULL CHECK (role IN ('member', 'admin')),
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL
);

-- One row per log-in. Refresh tokens are signed and name the session and their generation, so none of them
-- is kept here: the newest generation is enough to recognise each.
CREATE TABLE sessions (
    sid        UUID   NOT NULL PRIMARY KEY,
    user_id    UUID   NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    generation BIGINT NOT NULL,
    rotated_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_user ON sessions (user_id);

-- Sessions whose access tokens must no longer be accepted, although they have not expired. No reference to
-- sessions or users: a token for somebody without an account can be revoked too.
CREATE TABLE revoked_sessions (
    sid        UUID   NOT NULL PRIMARY KEY,
    revoked_at BIGINT NOT NULL,
    -- When the last of those tokens has expired, and the row may go.
    forget_at  BIGINT NOT NULL
);
