-- Which process may decide for which activity.

-- Processes that serve. A lease that is not renewed in time is over, and whoever needs an activity of its node may
-- take it. `epoch` rises with every start, so of two processes with one id only the younger renews.
CREATE TABLE nodes (
    id         UUID   NOT NULL PRIMARY KEY,
    epoch      BIGINT NOT NULL,
    address    TEXT,
    -- By the database's clock: the nodes' own may differ.
    expires_at BIGINT NOT NULL
);

ALTER TABLE activities ADD COLUMN owner_node UUID;

-- The hot row changes with every batch, in columns that no index knows: with room on its page it stays there.
ALTER TABLE activities SET (fillfactor = 50);
