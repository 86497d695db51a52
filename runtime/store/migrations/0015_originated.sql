-- Calls that a scenario has asked for. A row says so before the call is begun, so that it is begun once, whatever crashes;
-- it goes after a day.
CREATE TABLE originated (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    -- The call's, as its record will have it.
    call_id TEXT NOT NULL,
    -- Who asked: the run, and the host call's number in it.
    run TEXT NOT NULL,
    op_index BIGINT NOT NULL,
    entry_point TEXT NOT NULL,
    user_name TEXT NOT NULL,
    from_user TEXT NOT NULL,
    from_name TEXT NOT NULL,
    data TEXT NOT NULL,
    ring_ms BIGINT NOT NULL,
    asked_at BIGINT NOT NULL,
    -- 1: the call is in its shard's log, or over.
    begun BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (domain_id, call_id),
    UNIQUE (domain_id, run, op_index)
);

CREATE INDEX originated_by_time ON originated (domain_id, asked_at);
