-- People who administer, their sessions, and what they changed.

CREATE TABLE accounts (
    -- NAME of whoever administers the system, NAME@DOMAIN of a domain's people; in lower case.
    login TEXT NOT NULL PRIMARY KEY,
    -- NULL: the system's.
    domain_id BIGINT REFERENCES domains (id) ON DELETE CASCADE,
    display_name TEXT NOT NULL,
    -- system, administrator, supervisor, user.
    role TEXT NOT NULL,
    -- The domain's user that a person of the role `user` is.
    user_name TEXT,
    -- Argon2id, in the PHC form.
    password TEXT NOT NULL,
    -- en, ru; empty: the browser's.
    language TEXT NOT NULL DEFAULT '',
    blocked BIGINT NOT NULL DEFAULT 0,
    created_at BIGINT NOT NULL,
    last_login_at BIGINT,
    FOREIGN KEY (domain_id, user_name) REFERENCES users (domain_id, name) ON DELETE CASCADE
);

CREATE INDEX accounts_by_domain ON accounts (domain_id, login);

CREATE TABLE sessions (
    -- BLAKE3 of the cookie, which itself is never here.
    hash TEXT NOT NULL PRIMARY KEY,
    login TEXT NOT NULL REFERENCES accounts (login) ON DELETE CASCADE,
    -- What requests that change something have to show beside the cookie.
    csrf TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- To the minute.
    used_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);

CREATE INDEX sessions_by_login ON sessions (login);

-- It outlives the domains and accounts that it names.
CREATE TABLE audit (
    id BIGINT NOT NULL PRIMARY KEY,
    -- NULL: a change to the system.
    domain_id BIGINT,
    at BIGINT NOT NULL,
    -- A login, token:NAME, or cli:USER.
    who TEXT NOT NULL,
    address TEXT NOT NULL,
    -- create, change, remove, …
    action TEXT NOT NULL,
    -- What it was done to: `user 301`.
    what TEXT NOT NULL,
    -- JSON; NULL: there was nothing, or is nothing any more.
    before TEXT,
    after TEXT
);

CREATE INDEX audit_by_domain ON audit (domain_id, id);
