-- Offers, and commands of people without an account.

-- Until when the offer can be accepted that an RSVP's party has.
ALTER TABLE rsvps ADD COLUMN offer_expires_at BIGINT CHECK (status = 'offered' OR offer_expires_at IS NULL);

-- Offers that are over and whose activity nobody asks for: few rows are ever in it.
CREATE INDEX rsvps_offered ON rsvps (offer_expires_at) WHERE status = 'offered';

-- Whose identifier `actor` is: NULL an account's, 'guest' an RSVP's, 'system' nobody's, and then it is all zeros.
ALTER TABLE activity_events ADD COLUMN actor_kind TEXT;
