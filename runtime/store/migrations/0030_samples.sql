-- How domains, and the whole server, were doing: a row a minute, for some days, and a row an hour, for longer.
CREATE TABLE samples (
    -- NULL: the whole server.
    domain_id BIGINT REFERENCES domains (id) ON DELETE CASCADE,
    -- 60 or 3,600.
    step_s BIGINT NOT NULL,
    -- When it begins, in microseconds.
    at BIGINT NOT NULL,
    -- The most that there were.
    registrations BIGINT NOT NULL,
    calls_active BIGINT NOT NULL,
    calls_begun BIGINT NOT NULL,
    calls_ended BIGINT NOT NULL,
    -- Of those that ended.
    calls_answered BIGINT NOT NULL,
    scenario_failures BIGINT NOT NULL,
    -- Of scenarios that ended.
    cpu_us BIGINT NOT NULL,
    -- The most that one scenario that ended had used.
    memory_peak_bytes BIGINT NOT NULL
);

CREATE UNIQUE INDEX samples_by_domain ON samples (COALESCE(domain_id, 0), step_s, at);
CREATE INDEX samples_by_age ON samples (step_s, at);
-- Those of a domain that is removed.
CREATE INDEX samples_of_domain ON samples (domain_id);
