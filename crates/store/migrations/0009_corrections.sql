-- What stood in a post before it was corrected, in order; the post holds what stands now.
CREATE TABLE incident_corrections (
    post BYTES NOT NULL REFERENCES incident_updates (id),
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL,
    body_before TEXT NOT NULL,
    PRIMARY KEY (post, number)
);
