-- What the domain's scenarios may use, `name=value` between spaces; what is not named is the server's.
ALTER TABLE domains ADD COLUMN limits TEXT NOT NULL DEFAULT '';

-- How many pairs the domain has.
ALTER TABLE kv_usage ADD COLUMN pairs BIGINT NOT NULL DEFAULT 0;
UPDATE kv_usage SET pairs = (SELECT COUNT(*) FROM kv WHERE kv.domain_id = kv_usage.domain_id);

-- What a domain used on a day: how much of what. A peak is the day's highest, all else a sum.
CREATE TABLE usage (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    -- In UTC: 2026-11-28.
    day TEXT NOT NULL,
    what TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (domain_id, day, what)
);
