-- What people were paged about a promise, step by step: said once, also by the next process.
CREATE TABLE incident_reminders (
    incident BYTES NOT NULL REFERENCES incidents (id),
    kind TEXT NOT NULL,
    made_by BYTES NOT NULL REFERENCES incident_updates (id),
    step BIGINT NOT NULL,
    page BYTES NOT NULL REFERENCES pages (id),
    PRIMARY KEY (incident, kind, made_by, step)
);
