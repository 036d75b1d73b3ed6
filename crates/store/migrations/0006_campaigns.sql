-- Campaigns, and a row for each site of each: the truth that a killed process finds again.
-- asked: JSON of domain's Order. waves: JSON list of names. detail: JSON of domain's State.
-- fence: the newest claim; grows with every claim, so that an older claim is known as old.
CREATE TABLE campaigns (
    id BYTES PRIMARY KEY,
    generation BIGINT NOT NULL UNIQUE,
    asked TEXT NOT NULL,
    incident BYTES,
    waves TEXT NOT NULL,
    wave BIGINT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    started_at BIGINT,
    rate_per_second DOUBLE PRECISION NOT NULL,
    accepted_verified BIGINT NOT NULL,
    accepted_failed BIGINT NOT NULL,
    fence BIGINT NOT NULL
);
CREATE INDEX campaigns_by_state ON campaigns (state);

-- state: waiting, sent, acted, verified, failed or skipped. position: the order within the campaign.
CREATE TABLE campaign_sites (
    campaign BYTES NOT NULL REFERENCES campaigns (id),
    site BYTES NOT NULL REFERENCES sites (id),
    wave BIGINT NOT NULL,
    position BIGINT NOT NULL,
    state TEXT NOT NULL,
    fence BIGINT NOT NULL,
    tries BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    reason TEXT NOT NULL,
    PRIMARY KEY (campaign, site)
);
-- For claiming the next sites of a wave, and for counting by wave and state.
CREATE INDEX campaign_sites_by_state ON campaign_sites (campaign, state, wave, position);
CREATE INDEX campaign_sites_by_site ON campaign_sites (site);
