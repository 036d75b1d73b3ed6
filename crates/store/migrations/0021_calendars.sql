-- Business calendars; body: JSON of domain's BusinessCalendar.
CREATE TABLE calendars (
    name TEXT PRIMARY KEY,
    body TEXT NOT NULL
);
