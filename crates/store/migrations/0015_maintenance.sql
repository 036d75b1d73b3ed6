-- JSON of domain's Maintenance, for work that is planned.
ALTER TABLE incidents ADD COLUMN maintenance TEXT;
