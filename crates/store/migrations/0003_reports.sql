-- What customers say is broken, what was counted, and what was concluded.
CREATE TABLE reports (
    id BYTES PRIMARY KEY,
    site BYTES NOT NULL REFERENCES sites (id),
    text TEXT NOT NULL,
    contact TEXT,
    channel TEXT NOT NULL,
    at BIGINT NOT NULL,
    -- The release the site ran when it reported: later the fleet has moved on.
    running TEXT NOT NULL,
    -- A sender's own key: the same report sent twice is one.
    idempotency_key TEXT UNIQUE
);
CREATE INDEX reports_by_time ON reports (at, id);
CREATE INDEX reports_by_site ON reports (site, at);

-- alarm: JSON of domain's Alarm. The columns beside it are what is searched.
CREATE TABLE alarms (
    id BYTES PRIMARY KEY,
    at BIGINT NOT NULL,
    stream TEXT NOT NULL,
    since BIGINT NOT NULL,
    alarm TEXT NOT NULL
);
CREATE INDEX alarms_by_time ON alarms (at, id);

-- Sign-ins of a site in a minute: code '' counts attempts, others failures. Kept for hours.
CREATE TABLE outcome_minutes (
    site BYTES NOT NULL REFERENCES sites (id),
    minute BIGINT NOT NULL,
    code TEXT NOT NULL,
    count BIGINT NOT NULL,
    PRIMARY KEY (site, minute, code)
);
CREATE INDEX outcome_minutes_by_time ON outcome_minutes (minute);

-- Sign-ins of a product in a zone in an hour: what is usual. Kept for weeks.
CREATE TABLE outcome_hours (
    product TEXT NOT NULL,
    zone TEXT NOT NULL,
    hour BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    failures BIGINT NOT NULL,
    PRIMARY KEY (product, zone, hour)
);
CREATE INDEX outcome_hours_by_time ON outcome_hours (hour);
