-- Journals are stored compressed, and what is over age is removed.

-- How a journal's bytes are stored: 0 as they were handed in, which is what the first release wrote; the rest is in
-- `packing.rs`.
ALTER TABLE journals ADD COLUMN codec BIGINT NOT NULL DEFAULT 0;
-- How long it is when it is read; 0 with codec 0, where the bytes tell.
ALTER TABLE journals ADD COLUMN length_bytes BIGINT NOT NULL DEFAULT 0;

-- What became of a call's journal: 0 never kept, 1 in `journals`, 2 removed because it was over age.
ALTER TABLE calls ADD COLUMN journal BIGINT NOT NULL DEFAULT 0;

UPDATE calls SET journal = 1 WHERE EXISTS (
    SELECT 1 FROM journals j WHERE j.domain_id = calls.domain_id AND j.call_id = calls.id
);

-- What is over age is found without reading what is not, and without a time of its own in each journal.
CREATE INDEX calls_by_journal ON calls (domain_id, ended_at, id) WHERE journal = 1;

-- Seconds after a call's end for which its journal and its record are kept; NULL: for ever.
ALTER TABLE domains ADD COLUMN keep_journals_s BIGINT DEFAULT 2592000;
ALTER TABLE domains ADD COLUMN keep_calls_s BIGINT;
