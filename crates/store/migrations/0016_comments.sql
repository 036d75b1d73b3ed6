-- What signed-in customers write under incidents. Their accounts are never told to readers.
CREATE TABLE comments (
    id BYTES PRIMARY KEY,
    incident BYTES NOT NULL REFERENCES incidents (id),
    account BYTES NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    at BIGINT NOT NULL,
    standing TEXT NOT NULL,
    reason TEXT,
    -- Who on the staff decided; null before they have looked.
    decided_by TEXT
);
CREATE INDEX comments_by_incident ON comments (incident, standing, id);
CREATE INDEX comments_by_account ON comments (account, at);
CREATE INDEX comments_by_standing ON comments (standing, id);

CREATE TABLE comment_votes (
    comment BYTES NOT NULL REFERENCES comments (id),
    account BYTES NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (comment, account)
);

CREATE TABLE comment_reports (
    comment BYTES NOT NULL REFERENCES comments (id),
    account BYTES NOT NULL REFERENCES accounts (id),
    PRIMARY KEY (comment, account)
);

CREATE TABLE comment_bans (
    account BYTES PRIMARY KEY REFERENCES accounts (id),
    at BIGINT NOT NULL,
    author TEXT NOT NULL,
    reason TEXT NOT NULL
);

-- Browsers that are signed in on the public pages, by SHA-256 of their cookie.
CREATE TABLE reader_sessions (
    token_hash BYTES PRIMARY KEY,
    account BYTES NOT NULL REFERENCES accounts (id),
    expires_at BIGINT NOT NULL
);
CREATE INDEX reader_sessions_by_end ON reader_sessions (expires_at);
