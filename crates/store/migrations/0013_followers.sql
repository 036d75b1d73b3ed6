-- Who is told of incidents. An ended follower is deleted, address and all.
-- address, secret, token: sealed. address_hash, token_hash: SHA-256. about: the three columns before it
-- as one text, so that one address follows one thing once.
CREATE TABLE followers (
    id BYTES PRIMARY KEY,
    channel TEXT NOT NULL,
    address BYTES NOT NULL,
    address_hash BYTES NOT NULL,
    secret BYTES,
    token BYTES NOT NULL,
    token_hash BYTES NOT NULL UNIQUE,
    product TEXT,
    organization BYTES,
    site BYTES,
    about TEXT NOT NULL,
    asked_at BIGINT NOT NULL,
    confirmed_at BIGINT,
    UNIQUE (address_hash, about)
);

-- What followers are told. post: none when the incident became public. follower: the last one that
-- notifications were made for.
CREATE TABLE announcements (
    id BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id),
    post BYTES REFERENCES incident_updates (id),
    made_at BIGINT NOT NULL,
    follower BYTES,
    spread_at BIGINT
);
CREATE INDEX announcements_by_incident ON announcements (incident);
CREATE INDEX announcements_waiting ON announcements (made_at) WHERE spread_at IS NULL;

-- One message to one follower. announcement: none for the question whether to follow. follower: may be
-- gone by now.
CREATE TABLE notifications (
    id BYTES PRIMARY KEY,
    follower BYTES NOT NULL,
    announcement BYTES REFERENCES announcements (id),
    lane TEXT NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    failure TEXT,
    UNIQUE (announcement, follower)
);
CREATE INDEX notifications_due ON notifications (lane, next_at) WHERE state = 'waiting';
CREATE INDEX notifications_by_follower ON notifications (follower);
