-- Where scenarios of a domain may send HTTP requests.
CREATE TABLE http_hosts (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    -- A host, one with all names beneath it (*.example.com), an address; with :PORT where it is not the scheme's own.
    pattern TEXT NOT NULL,
    -- 1: it may be at an address that only this machine or this network has.
    private BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, pattern)
);

-- What scenarios may send and never see: AES-256-GCM under the key in the file secrets.key.
CREATE TABLE secrets (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    nonce BLOB NOT NULL,
    sealed BLOB NOT NULL,
    -- Patterns between spaces, the only hosts that get it; empty: every host that the domain may reach.
    hosts TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name)
);
