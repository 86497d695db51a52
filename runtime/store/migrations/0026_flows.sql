-- Drawn flows, as their editor saved them: the latest draft. What was published of one is versions of the scenario of its
-- name.
CREATE TABLE flows (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    title TEXT NOT NULL,
    -- JSON.
    document TEXT NOT NULL,
    -- Errors that were found in it when it was saved.
    problems BIGINT NOT NULL,
    changed_at BIGINT NOT NULL,
    changed_by TEXT NOT NULL,
    PRIMARY KEY (domain_id, name)
);
