-- Who put a version there, and what it is.
ALTER TABLE modules ADD COLUMN note TEXT NOT NULL DEFAULT '';
-- The public key whose signature it came with; none: it came with none.
ALTER TABLE modules ADD COLUMN signed_by TEXT;

-- What a domain's modules may import, interface names between spaces; NULL: everything.
ALTER TABLE domains ADD COLUMN grants TEXT;
-- 1: a module is taken with a good signature only.
ALTER TABLE domains ADD COLUMN signed_only BIGINT NOT NULL DEFAULT 0;

-- Keys whose signatures on modules are good.
CREATE TABLE signing_keys (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- As people write it: ed25519:<64 hexadecimal digits>.
    public_key TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name),
    UNIQUE (domain_id, public_key)
);

-- What programs show to the HTTP API.
CREATE TABLE tokens (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- BLAKE3 of the token, which itself is never here. It names the domain: that is what a token is for.
    hash TEXT NOT NULL UNIQUE,
    -- Words between spaces.
    scopes TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    -- To the hour.
    last_used_at BIGINT,
    PRIMARY KEY (domain_id, name)
);
