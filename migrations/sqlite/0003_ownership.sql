-- Which process may decide for which activity. A file has one process, which the lock beside it sees to, so here
-- these say nothing; they keep the two schemas alike.

CREATE TABLE nodes (
    id         BLOB   NOT NULL PRIMARY KEY,
    epoch      BIGINT NOT NULL,
    address    TEXT,
    expires_at BIGINT NOT NULL
);

ALTER TABLE activities ADD COLUMN owner_node BLOB;
