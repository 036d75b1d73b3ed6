-- Who may read an incident: domain's Audience.
ALTER TABLE incidents ADD COLUMN audience TEXT NOT NULL DEFAULT 'everybody';

-- Who belongs to an organization: an address, or '@' with a mail domain.
CREATE TABLE organization_members (
    organization BYTES NOT NULL REFERENCES organizations (id),
    member TEXT NOT NULL,
    PRIMARY KEY (organization, member)
);
CREATE INDEX organization_members_by_member ON organization_members (member);

-- Told only to followers who were told nothing of the incident yet: more people may read it now.
ALTER TABLE announcements ADD COLUMN only_new BIGINT NOT NULL DEFAULT 0;
