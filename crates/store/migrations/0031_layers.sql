-- Layers of documents: a version belongs to a layer, such as zone:America/Chicago; '' is the document itself.
-- published is the repository version that brought it first; 0 where that was not written down.
CREATE TABLE layered_documents (
    product TEXT NOT NULL REFERENCES products (name),
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    layer TEXT NOT NULL,
    version BIGINT NOT NULL,
    accepts TEXT NOT NULL,
    lane TEXT NOT NULL,
    body BYTES NOT NULL,
    published BIGINT NOT NULL,
    published_at BIGINT NOT NULL,
    rollout TEXT NOT NULL,
    rollout_at BIGINT NOT NULL,
    witnesses TEXT NOT NULL,
    halted TEXT NOT NULL DEFAULT '',
    kept BIGINT NOT NULL DEFAULT 1,
    json_schema TEXT,
    published_by TEXT NOT NULL,
    why TEXT NOT NULL,
    repeats BIGINT,
    PRIMARY KEY (product, service, name, layer, version)
);
INSERT INTO layered_documents (product, service, name, layer, version, accepts, lane, body, published,
        published_at, rollout, rollout_at, witnesses, halted, kept, json_schema, published_by, why, repeats)
    SELECT product, service, name, '', version, accepts, lane, body, 0,
        published_at, rollout, rollout_at, witnesses, halted, kept, json_schema, published_by, why, repeats
    FROM documents;
DROP TABLE documents;
ALTER TABLE layered_documents RENAME TO documents;
CREATE INDEX documents_are_kept ON documents (kept);

CREATE TABLE layered_acks (
    agent BYTES NOT NULL REFERENCES agents (id),
    product TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    layer TEXT NOT NULL,
    version BIGINT NOT NULL,
    acked_at BIGINT NOT NULL,
    PRIMARY KEY (agent, product, service, name, layer, version)
);
INSERT INTO layered_acks (agent, product, service, name, layer, version, acked_at)
    SELECT agent, product, service, name, '', version, acked_at FROM acks;
DROP TABLE acks;
ALTER TABLE layered_acks RENAME TO acks;

CREATE TABLE layered_refusals (
    agent BYTES NOT NULL REFERENCES agents (id),
    site TEXT NOT NULL,
    product TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    layer TEXT NOT NULL,
    version BIGINT NOT NULL,
    reason TEXT NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (agent, site, product, service, name, layer, version)
);
INSERT INTO layered_refusals (agent, site, product, service, name, layer, version, reason, refused_at)
    SELECT agent, site, product, service, name, '', version, reason, refused_at FROM refusals;
DROP TABLE refusals;
ALTER TABLE layered_refusals RENAME TO refusals;

-- Named groups of sites. A group without a site is none.
CREATE TABLE site_groups (
    name TEXT NOT NULL,
    site TEXT NOT NULL,
    PRIMARY KEY (name, site)
);

-- What agents are told of sites, in shards of a product's sites: JSON, as it is signed.
CREATE TABLE site_shards (
    product TEXT NOT NULL REFERENCES products (name),
    level BIGINT NOT NULL,
    number BIGINT NOT NULL,
    body BYTES NOT NULL,
    PRIMARY KEY (product, number)
);
