-- What has happened and still has to be told to a domain's event scenario. A row goes when the scenario has returned
-- well, or when it is given up.

CREATE TABLE events (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    -- The same event has the same id, so that it is told once however often it is noted.
    id TEXT NOT NULL,
    -- The entry point that it starts, such as event:call-ended.
    entry_point TEXT NOT NULL,
    happened_at BIGINT NOT NULL,
    -- A JSON object.
    data TEXT NOT NULL,
    -- How often it was told in vain.
    failures BIGINT NOT NULL DEFAULT 0,
    due_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, id)
);

CREATE INDEX events_by_due ON events (due_at, domain_id, happened_at);
