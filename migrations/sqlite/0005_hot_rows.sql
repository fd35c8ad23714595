-- Changes of an RSVP's status touch no index.

-- Whose an RSVP is says either the account or the address, and one person has one RSVP of an activity for ever: whoever
-- comes back has it again. So the rule needs neither a key of its own nor the status.
DROP INDEX rsvps_one_per_person;
ALTER TABLE rsvps DROP COLUMN attendee_key;
CREATE UNIQUE INDEX rsvps_one_per_user ON rsvps (activity_id, user_id) WHERE user_id IS NOT NULL;
CREATE UNIQUE INDEX rsvps_one_per_guest ON rsvps (activity_id, email) WHERE email IS NOT NULL;

-- Only an offer that stands has an end.
DROP INDEX rsvps_offered;
CREATE INDEX rsvps_offered ON rsvps (offer_expires_at) WHERE offer_expires_at IS NOT NULL;
