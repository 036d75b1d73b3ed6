-- Where sites are, as far as known. longitude, latitude: millionths of a degree, both or neither.
ALTER TABLE sites ADD COLUMN county TEXT;
ALTER TABLE sites ADD COLUMN longitude BIGINT;
ALTER TABLE sites ADD COLUMN latitude BIGINT;
