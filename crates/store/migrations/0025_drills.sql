-- What drills showed; body: JSON of domain's DrillResult without its courses, which only a picture needs;
-- courses: JSON of both, one for each act.
CREATE TABLE drills (
    id BYTES PRIMARY KEY,
    scenario TEXT NOT NULL,
    began_at BIGINT NOT NULL,
    body TEXT NOT NULL,
    courses TEXT NOT NULL,
    recorded_at BIGINT NOT NULL,
    recorded_by TEXT NOT NULL
);
CREATE INDEX drills_by_time ON drills (began_at, id);
CREATE INDEX drills_of_scenario ON drills (scenario, began_at, id);
