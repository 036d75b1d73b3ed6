-- JSON of domain's Bounds: of which sites a token may enrol an agent. Tokens from before it enrol one of any sites.
ALTER TABLE enrolments ADD COLUMN bounds TEXT NOT NULL DEFAULT '{}';
