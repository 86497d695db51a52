-- A version that is tried for a share of an entry point's calls. At most one for each.
CREATE TABLE canaries (
    domain_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    module TEXT NOT NULL,
    hash TEXT NOT NULL,
    share_percent BIGINT NOT NULL,
    window_calls BIGINT NOT NULL,
    margin_points BIGINT NOT NULL,
    fewest_calls BIGINT NOT NULL,
    promote_after BIGINT NOT NULL,
    began_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, number),
    FOREIGN KEY (domain_id, number) REFERENCES entry_points (domain_id, number) ON DELETE CASCADE,
    FOREIGN KEY (domain_id, module, hash) REFERENCES modules (domain_id, name, hash)
);

CREATE INDEX canaries_by_module ON canaries (domain_id, module, hash);

-- The version that an entry point can return to at once: it cannot be deleted meanwhile.
CREATE TABLE previous_versions (
    domain_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    module TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (domain_id, number),
    FOREIGN KEY (domain_id, number) REFERENCES entry_points (domain_id, number) ON DELETE CASCADE,
    FOREIGN KEY (domain_id, module, hash) REFERENCES modules (domain_id, name, hash)
);

CREATE INDEX previous_versions_by_module ON previous_versions (domain_id, module, hash);

-- What happened to an entry point's versions; the newest thousand of each. It names versions that may be gone.
CREATE TABLE activations (
    domain_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    -- Counts from 1 within the entry point.
    step BIGINT NOT NULL,
    at BIGINT NOT NULL,
    what TEXT NOT NULL,
    -- The version that it is about, and the active one from then on.
    hash TEXT NOT NULL,
    active_hash TEXT NOT NULL,
    share_percent BIGINT,
    by_whom TEXT NOT NULL,
    why TEXT,
    PRIMARY KEY (domain_id, number, step),
    FOREIGN KEY (domain_id, number) REFERENCES entry_points (domain_id, number) ON DELETE CASCADE
);

-- How a call's scenario ended, and its words where it failed. Null: none ran, or the call is from before this was kept.
ALTER TABLE calls ADD COLUMN scenario_end TEXT;
ALTER TABLE calls ADD COLUMN scenario_error TEXT;

-- The latest calls of a version, and how many of them failed, without touching the calls themselves.
CREATE INDEX calls_by_version ON calls (domain_id, entry_point, scenario_hash, started_at, scenario_end);
