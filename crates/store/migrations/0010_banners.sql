-- Words on the pages of an area. area: JSON of domain's Area. until_at: none until it is ended.
CREATE TABLE banners (
    id BYTES PRIMARY KEY,
    version BIGINT NOT NULL,
    text TEXT NOT NULL,
    severity TEXT NOT NULL,
    area TEXT NOT NULL,
    from_at BIGINT NOT NULL,
    until_at BIGINT
);
CREATE INDEX banners_by_end ON banners (until_at);
