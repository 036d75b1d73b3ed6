-- Questions whether to follow, by SHA-256 of the address that was asked; also of addresses that follow nothing any more.
-- Forgotten after a week, and when the holder of the address says yes.
CREATE TABLE follow_questions (
    id BYTES PRIMARY KEY,
    address_hash BYTES NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX follow_questions_by_address ON follow_questions (address_hash, at);
CREATE INDEX follow_questions_by_time ON follow_questions (at);
