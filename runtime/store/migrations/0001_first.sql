-- Domains and what they own. Every table but `directory_revision` begins its key with the domain, so that no
-- statement can reach a row without naming whose it is.
--
-- Times are microseconds since the Unix epoch. The SQL is the part that SQLite and PostgreSQL share; BLOB becomes a
-- PostgreSQL domain over BYTEA.

CREATE TABLE domains (
    id BIGINT NOT NULL PRIMARY KEY,
    -- Lower case: host names compare without case (RFC 3261 §19.1.4).
    name TEXT NOT NULL UNIQUE,
    realm TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at BIGINT NOT NULL
);

-- One row. Counts the changes to domains, users, numbers and entry points, so that caches in other processes can see them.
CREATE TABLE directory_revision (
    id BIGINT NOT NULL PRIMARY KEY,
    revision BIGINT NOT NULL
);

INSERT INTO directory_revision (id, revision) VALUES (1, 0);

CREATE TABLE users (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    display_name TEXT NOT NULL,
    -- H(user:realm:password) of RFC 7616 §3.4.2 by MD5 and by SHA-256; the password itself is never here.
    ha1_md5 TEXT NOT NULL,
    ha1_sha256 TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name)
);

-- What else leads to a user when it is dialled, besides its name.
CREATE TABLE user_numbers (
    domain_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    user_name TEXT NOT NULL,
    PRIMARY KEY (domain_id, number),
    FOREIGN KEY (domain_id, user_name) REFERENCES users (domain_id, name) ON DELETE CASCADE
);

CREATE INDEX user_numbers_by_user ON user_numbers (domain_id, user_name);

-- A scenario's versions. The component itself is the file modules/<hash>.wasm.
CREATE TABLE modules (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    world TEXT NOT NULL,
    size_bytes BIGINT NOT NULL,
    uploaded_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name, hash)
);

-- A file is removed when no domain has its hash any more.
CREATE INDEX modules_by_hash ON modules (hash);

CREATE TABLE entry_points (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    number TEXT NOT NULL,
    title TEXT NOT NULL,
    module TEXT NOT NULL,
    hash TEXT NOT NULL,
    config TEXT NOT NULL,
    fallback_cause TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, number),
    -- What is in use cannot be deleted. Checked at the statement's end, so that a whole domain still can.
    FOREIGN KEY (domain_id, module, hash) REFERENCES modules (domain_id, name, hash)
);

CREATE INDEX entry_points_by_module ON entry_points (domain_id, module, hash);

-- Keys are bytes, so that their order is the bytes' in every database, whatever its collation.
CREATE TABLE kv (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    key BLOB NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (domain_id, key)
);

-- What a domain's pairs take, kept with every write: the cap is checked without reading them all.
CREATE TABLE kv_usage (
    domain_id BIGINT NOT NULL PRIMARY KEY REFERENCES domains (id) ON DELETE CASCADE,
    bytes BIGINT NOT NULL
);

CREATE TABLE calls (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    id TEXT NOT NULL,
    direction TEXT NOT NULL,
    from_number TEXT NOT NULL,
    to_number TEXT NOT NULL,
    entry_point TEXT,
    scenario TEXT,
    scenario_hash TEXT,
    started_at BIGINT NOT NULL,
    answered_at BIGINT,
    ended_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    cause TEXT NOT NULL,
    sip_status BIGINT,
    ended_by TEXT NOT NULL,
    rolling_hash TEXT,
    recoveries BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (domain_id, id)
);

CREATE INDEX calls_by_time ON calls (domain_id, started_at, id);

CREATE TABLE legs (
    domain_id BIGINT NOT NULL,
    call_id TEXT NOT NULL,
    leg_index BIGINT NOT NULL,
    role TEXT NOT NULL,
    peer_uri TEXT NOT NULL,
    user_name TEXT,
    started_at BIGINT NOT NULL,
    answered_at BIGINT,
    ended_at BIGINT NOT NULL,
    talk_ms BIGINT NOT NULL,
    cause TEXT NOT NULL,
    sip_status BIGINT,
    codec TEXT,
    rtp_sent BIGINT NOT NULL,
    rtp_received BIGINT NOT NULL,
    rtp_lost BIGINT NOT NULL,
    PRIMARY KEY (domain_id, call_id, leg_index),
    FOREIGN KEY (domain_id, call_id) REFERENCES calls (domain_id, id) ON DELETE CASCADE
);

-- Apart from calls: lists never read these bytes.
CREATE TABLE journals (
    domain_id BIGINT NOT NULL,
    call_id TEXT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (domain_id, call_id),
    FOREIGN KEY (domain_id, call_id) REFERENCES calls (domain_id, id) ON DELETE CASCADE
);
