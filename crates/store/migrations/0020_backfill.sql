-- When an incident was added, if that was after it was over.
ALTER TABLE incidents ADD COLUMN added_at BIGINT;

-- Where such an incident comes from: added again, it is one.
CREATE TABLE incident_sources (
    source TEXT NOT NULL,
    key TEXT NOT NULL,
    incident BYTES NOT NULL REFERENCES incidents (id),
    PRIMARY KEY (source, key)
);
