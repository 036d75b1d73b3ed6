-- The language that a follower is told in.
ALTER TABLE followers ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
