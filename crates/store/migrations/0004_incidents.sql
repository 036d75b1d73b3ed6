-- state and scope: JSON of domain's State and Scope; stage: the state's name, for conditions.
CREATE TABLE incidents (
    id BYTES PRIMARY KEY,
    version BIGINT NOT NULL,
    stage TEXT NOT NULL,
    state TEXT NOT NULL,
    impact TEXT NOT NULL,
    title TEXT NOT NULL,
    scope TEXT NOT NULL,
    started_at BIGINT NOT NULL,
    accepted_at BIGINT,
    complete_after_watch BIGINT NOT NULL
);
CREATE INDEX incidents_by_time ON incidents (started_at);

-- An alarm belongs to one incident.
CREATE TABLE incident_alarms (
    alarm BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id)
);
CREATE INDEX incident_alarms_by_incident ON incident_alarms (incident);

CREATE TABLE incident_reports (
    incident BYTES NOT NULL REFERENCES incidents (id),
    report BYTES NOT NULL,
    PRIMARY KEY (incident, report)
);

-- Posts never change.
CREATE TABLE incident_updates (
    id BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id),
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    stage TEXT NOT NULL,
    body TEXT NOT NULL,
    template TEXT,
    template_version BIGINT,
    kind TEXT NOT NULL
);
CREATE INDEX incident_updates_by_incident ON incident_updates (incident, at);

-- made_by: the post that promised.
CREATE TABLE incident_promises (
    incident BYTES NOT NULL REFERENCES incidents (id),
    kind TEXT NOT NULL,
    made_by BYTES NOT NULL REFERENCES incident_updates (id),
    made_at BIGINT NOT NULL,
    due_at BIGINT NOT NULL,
    kept_at BIGINT,
    PRIMARY KEY (incident, kind, made_by)
);

-- What happened; fact: JSON of domain's Fact. Entries are only added.
CREATE TABLE incident_timeline (
    id BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id),
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    fact TEXT NOT NULL
);
CREATE INDEX incident_timeline_by_incident ON incident_timeline (incident, at);
