-- The business calendar that a promise is counted on, by name; it may be gone since.
-- within: JSON of domain's Length, as the post said it; none for promises from before it was kept.
ALTER TABLE incident_promises ADD COLUMN calendar TEXT NOT NULL DEFAULT 'default';
ALTER TABLE incident_promises ADD COLUMN within TEXT;
