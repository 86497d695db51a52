-- Boxes that have a name of their own, and what is set for those of users, which every user has.
CREATE TABLE voicemail_boxes (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- How long a message that is not saved is kept; NULL: for ever.
    keep_s BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name)
);

-- Messages. Their sound lies at recordings/DOMAIN/RECORDING.wav.
CREATE TABLE voicemail (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    -- The time at which it was stored, or the next number that is free.
    id BIGINT NOT NULL,
    -- A user's name, or a box of voicemail_boxes. A user who is removed leaves messages, which the next hour removes.
    box TEXT NOT NULL,
    recording TEXT NOT NULL,
    caller_user TEXT NOT NULL,
    caller_host TEXT NOT NULL,
    caller_name TEXT NOT NULL,
    stored_at BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    -- Of the recording's file.
    bytes BIGINT NOT NULL,
    -- 0: new, 1: heard, 2: saved.
    state BIGINT NOT NULL,
    PRIMARY KEY (domain_id, id),
    UNIQUE (domain_id, recording)
);

CREATE INDEX voicemail_by_box ON voicemail (domain_id, box, id);
