-- Changes to key-value pairs that were made for a call which may ask again: after a crash nobody knows whether the
-- answer had arrived. A row goes with its call's record, or after a day.
CREATE TABLE kv_once (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    call_id TEXT NOT NULL,
    -- The host call's number in its call.
    op_index BIGINT NOT NULL,
    result BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, call_id, op_index)
);
