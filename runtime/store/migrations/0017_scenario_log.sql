-- What scenarios wrote to their log, and how those ended that failed: the newest lines of each domain.

CREATE TABLE scenario_log (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    -- 1 for the domain's first line, one more for each that follows. The newest line is never removed.
    line BIGINT NOT NULL,
    written_at BIGINT NOT NULL,
    -- 0 debug, 1 info, 2 warn, 3 error.
    level BIGINT NOT NULL,
    -- log: a scenario wrote it. end: how a run failed. dropped: lines that came too fast to be kept.
    kind TEXT NOT NULL,
    -- The call's id, web/… for a request, or the event's id and how often it had failed.
    run TEXT NOT NULL,
    entry_point TEXT NOT NULL,
    scenario TEXT NOT NULL,
    scenario_hash TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (domain_id, line)
);
