-- The scenario that takes over a call of an entry point whose own scenario failed. At most one for each.
CREATE TABLE fallbacks (
    domain_id BIGINT NOT NULL,
    number TEXT NOT NULL,
    module TEXT NOT NULL,
    hash TEXT NOT NULL,
    -- What it is told, as JSON text.
    config TEXT NOT NULL,
    PRIMARY KEY (domain_id, number),
    FOREIGN KEY (domain_id, number) REFERENCES entry_points (domain_id, number) ON DELETE CASCADE,
    FOREIGN KEY (domain_id, module, hash) REFERENCES modules (domain_id, name, hash)
);

CREATE INDEX fallbacks_by_module ON fallbacks (domain_id, module, hash);

-- The scenario that took the call over when its own had failed, and how that one ended. Null: none did.
ALTER TABLE calls ADD COLUMN fallback TEXT;
ALTER TABLE calls ADD COLUMN fallback_hash TEXT;
ALTER TABLE calls ADD COLUMN fallback_end TEXT;
ALTER TABLE calls ADD COLUMN fallback_error TEXT;
