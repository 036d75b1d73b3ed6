-- What will be done after an incident. due: a date, as text. dropped: why it will not be done.
CREATE TABLE follow_ups (
    id BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id),
    version BIGINT NOT NULL,
    text TEXT NOT NULL,
    owner TEXT NOT NULL,
    due TEXT NOT NULL,
    ended_at BIGINT,
    ended_by TEXT,
    dropped TEXT
);
CREATE INDEX follow_ups_by_incident ON follow_ups (incident, due);
CREATE INDEX follow_ups_by_end ON follow_ups (ended_at, due);
