-- Which agent a token enrolled: a host whose answer was lost asks again, and is told of the same agent.
ALTER TABLE enrolments ADD COLUMN agent BYTES;
