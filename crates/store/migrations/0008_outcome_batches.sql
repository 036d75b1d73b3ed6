-- The last batch of outcomes taken of each series of a sender: one that is sent again counts once.
-- at: the end of the batch's interval. Kept longer than a batch may be late.
CREATE TABLE outcome_batches (
    sender BYTES NOT NULL REFERENCES holders (id),
    series BYTES NOT NULL,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (sender, series)
);
CREATE INDEX outcome_batches_by_time ON outcome_batches (at);
