-- What one scenario may import and reach, where that is less than its domain's scenarios may; NULL: as much. It outlives the
-- scenario's versions.
CREATE TABLE module_grants (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    module TEXT NOT NULL,
    -- Names of interfaces between spaces.
    interfaces TEXT,
    -- Patterns of hosts between spaces.
    http_hosts TEXT,
    PRIMARY KEY (domain_id, module)
);

-- Names of the interfaces that a version imports, between spaces; NULL: nobody has looked.
ALTER TABLE modules ADD COLUMN imports TEXT;

-- The scenario that wrote the pair last; empty: that was before it was noted.
ALTER TABLE kv ADD COLUMN module TEXT NOT NULL DEFAULT '';

-- What the pairs take that a scenario wrote last, kept with every write, as `kv_usage` is.
CREATE TABLE kv_module_usage (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    module TEXT NOT NULL,
    bytes BIGINT NOT NULL,
    pairs BIGINT NOT NULL,
    PRIMARY KEY (domain_id, module)
);
