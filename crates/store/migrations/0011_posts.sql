-- Templates of the team's own; every version is kept. draft: JSON of domain's NewTemplate, or null in
-- the version that withdraws it.
CREATE TABLE templates (
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    draft TEXT,
    saved_at BIGINT NOT NULL,
    saved_by TEXT NOT NULL,
    PRIMARY KEY (name, version)
);

-- Posts that wait for their moment; id: the one that the post will have. asked: JSON of the engine's.
CREATE TABLE scheduled_updates (
    id BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id),
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    asked TEXT NOT NULL,
    made_at BIGINT NOT NULL
);
CREATE INDEX scheduled_updates_by_incident ON scheduled_updates (incident, at);
