-- The SIP messages of calls. Apart from calls, as journals are; they go with their call.
CREATE TABLE call_messages (
    domain_id BIGINT NOT NULL,
    call_id TEXT NOT NULL,
    -- How the bytes are stored: see `packing.rs`.
    codec BIGINT NOT NULL,
    length_bytes BIGINT NOT NULL,
    bytes BLOB NOT NULL,
    PRIMARY KEY (domain_id, call_id),
    FOREIGN KEY (domain_id, call_id) REFERENCES calls (domain_id, id) ON DELETE CASCADE
);
