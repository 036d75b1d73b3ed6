-- Config for the fleet: documents, the signed repository that carries them, and who holds what.

-- Every version ever published; a version never changes.
CREATE TABLE documents (
    product TEXT NOT NULL REFERENCES products (name),
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    accepts TEXT NOT NULL,
    lane TEXT NOT NULL,
    body BYTES NOT NULL,
    published_at BIGINT NOT NULL,
    PRIMARY KEY (product, service, name, version)
);

-- One row. timestamps_reserved: timestamp versions up to this one may have been signed.
CREATE TABLE repository (
    id BIGINT PRIMARY KEY,
    version BIGINT NOT NULL,
    timestamps_reserved BIGINT NOT NULL
);

-- Signing keys, sealed.
CREATE TABLE repository_keys (
    name TEXT PRIMARY KEY,
    sealed BYTES NOT NULL
);

-- Signed metadata, but the timestamp: that one is signed anew every few seconds.
CREATE TABLE repository_files (
    role TEXT NOT NULL,
    version BIGINT NOT NULL,
    body BYTES NOT NULL,
    PRIMARY KEY (role, version)
);

-- Tokens that enrol one agent each: only their SHA-256.
CREATE TABLE enrolments (
    token_hash BYTES PRIMARY KEY,
    made_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at BIGINT
);

CREATE TABLE agents (
    id BYTES PRIMARY KEY,
    holder BYTES NOT NULL UNIQUE REFERENCES holders (id),
    host TEXT NOT NULL,
    enrolled_at BIGINT NOT NULL
);

-- A site has one agent: enrolling it again moves it.
CREATE TABLE agent_sites (
    site BYTES PRIMARY KEY REFERENCES sites (id),
    agent BYTES NOT NULL REFERENCES agents (id)
);
CREATE INDEX agent_sites_by_agent ON agent_sites (agent);

-- What an agent said it holds, verified, on its disk.
CREATE TABLE acks (
    agent BYTES NOT NULL REFERENCES agents (id),
    product TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    acked_at BIGINT NOT NULL,
    PRIMARY KEY (agent, product, service, name, version)
);
