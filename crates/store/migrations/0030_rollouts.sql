-- How a version of a document spreads (domain's Rollout, as JSON), since when, and why it was halted.
ALTER TABLE documents ADD COLUMN rollout TEXT NOT NULL DEFAULT '{"permille":1000}';
ALTER TABLE documents ADD COLUMN rollout_at BIGINT NOT NULL DEFAULT 0;
-- Canaries that signed in before it came, as JSON: only these can tell that it broke something.
ALTER TABLE documents ADD COLUMN witnesses TEXT NOT NULL DEFAULT '[]';
ALTER TABLE documents ADD COLUMN halted TEXT NOT NULL DEFAULT '';
-- 0: no site reads it any more, so it travels no more; it stays for the history.
ALTER TABLE documents ADD COLUMN kept BIGINT NOT NULL DEFAULT 1;
-- The JSON Schema that the body fits.
ALTER TABLE documents ADD COLUMN json_schema TEXT;
-- Who published it, and why, where they said so; the version that it repeats.
ALTER TABLE documents ADD COLUMN published_by TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN why TEXT NOT NULL DEFAULT '';
ALTER TABLE documents ADD COLUMN repeats BIGINT;
CREATE INDEX documents_kept ON documents (kept);

-- Versions that a site refused: its agent says so as long as it holds.
CREATE TABLE refusals (
    agent BYTES NOT NULL REFERENCES agents (id),
    site TEXT NOT NULL,
    product TEXT NOT NULL,
    service TEXT NOT NULL,
    name TEXT NOT NULL,
    version BIGINT NOT NULL,
    reason TEXT NOT NULL,
    refused_at BIGINT NOT NULL,
    PRIMARY KEY (agent, site, product, service, name, version)
);
