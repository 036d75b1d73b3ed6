-- Versions of an incident's report, as people saved them. Texts never change.
CREATE TABLE incident_reports_written (
    incident BYTES NOT NULL REFERENCES incidents (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    body TEXT NOT NULL,
    approved_by TEXT,
    approved_at BIGINT,
    -- The official comment that it was published as.
    published BYTES,
    PRIMARY KEY (incident, number)
);
