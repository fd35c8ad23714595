-- Offers, and commands of people without an account.

-- Until when the offer can be accepted that an RSVP's party has. Rows from before have none, so none is looked at.
ALTER TABLE rsvps ADD COLUMN offer_expires_at BIGINT;
ALTER TABLE rsvps ADD CONSTRAINT rsvps_offer_expires_at CHECK (status = 'offered' OR offer_expires_at IS NULL) NOT VALID;

-- Offers that stand, by their ends: those that are over and whose activity nobody asks for are found by it.
CREATE INDEX rsvps_offered ON rsvps (offer_expires_at) WHERE status = 'offered';

-- Whose identifier `actor` is: NULL an account's, 'guest' an RSVP's, 'system' nobody's, and then it is all zeros.
ALTER TABLE activity_events ADD COLUMN actor_kind TEXT;

-- The last ticket taken. It is not to be found in the RSVPs alone, because one that was transferred to somebody who had
-- left has the ticket of whoever gave it, and that of its earlier life is nowhere any more. Where nothing has been
-- written since this column was added, it is found there.
ALTER TABLE activities ADD COLUMN last_ticket BIGINT NOT NULL DEFAULT 0;
