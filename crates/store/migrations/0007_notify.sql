-- Who is paged, in order. secret: sealed.
CREATE TABLE on_call (
    position BIGINT PRIMARY KEY,
    url TEXT NOT NULL,
    secret BYTES,
    after_seconds BIGINT NOT NULL
);

CREATE TABLE pages (
    id BYTES PRIMARY KEY,
    incident BYTES REFERENCES incidents (id),
    words TEXT NOT NULL,
    made_at BIGINT NOT NULL,
    acknowledged_at BIGINT,
    acknowledged_by TEXT
);
CREATE INDEX pages_by_time ON pages (made_at);

-- state: waiting, delivered, dropped (acknowledged before it was due) or given_up. A row is a
-- worker's while leased_until is ahead; fence counts the claims.
CREATE TABLE outbox (
    id BYTES PRIMARY KEY,
    page BYTES NOT NULL REFERENCES pages (id),
    url TEXT NOT NULL,
    secret BYTES,
    body TEXT NOT NULL,
    state TEXT NOT NULL,
    next_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    fence BIGINT NOT NULL,
    leased_until BIGINT NOT NULL,
    failure TEXT
);
CREATE INDEX outbox_by_due ON outbox (state, next_at);
CREATE INDEX outbox_by_page ON outbox (page);
