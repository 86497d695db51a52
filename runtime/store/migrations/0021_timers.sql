-- Times at which an event scenario is started. A row becomes an event when it is due.

CREATE TABLE timers (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- The entry point that it starts, such as event:timer-reminder.
    entry_point TEXT NOT NULL,
    data TEXT NOT NULL,
    due_at BIGINT NOT NULL,
    set_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name)
);

CREATE INDEX timers_by_due ON timers (due_at);
