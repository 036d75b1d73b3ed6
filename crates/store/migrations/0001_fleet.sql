-- Who the customers are, which sites they have, which code those run, and who may change it.
CREATE TABLE organizations (
    id BYTES PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- settings: JSON of domain's ProductSettings, without secrets. webhook_secret: sealed.
CREATE TABLE products (
    name TEXT PRIMARY KEY,
    settings TEXT NOT NULL,
    webhook_secret BYTES
);

CREATE TABLE sites (
    id BYTES PRIMARY KEY,
    hostname TEXT NOT NULL UNIQUE,
    organization BYTES NOT NULL REFERENCES organizations (id),
    product TEXT NOT NULL REFERENCES products (name),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    city TEXT NOT NULL,
    zone TEXT NOT NULL,
    population BIGINT,
    running TEXT NOT NULL,
    ran_before TEXT,
    activated_at BIGINT NOT NULL
);

CREATE TABLE releases (
    product TEXT NOT NULL REFERENCES products (name),
    version TEXT NOT NULL,
    state TEXT NOT NULL,
    staged_at BIGINT NOT NULL,
    PRIMARY KEY (product, version)
);

-- Tokens of staff, agents and sites: only their SHA-256.
CREATE TABLE holders (
    id BYTES PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BYTES NOT NULL UNIQUE,
    created_at BIGINT NOT NULL,
    withdrawn_at BIGINT
);

CREATE TABLE audit (
    id BYTES PRIMARY KEY,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    act TEXT NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE INDEX audit_by_time ON audit (at);
