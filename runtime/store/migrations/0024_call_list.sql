-- Calls are listed by number, scenario and user without reading those of others: each index has the list's order, and all
-- that its filters look at.

CREATE INDEX calls_by_from ON calls (domain_id, from_number, started_at, id, scenario);
CREATE INDEX calls_by_to ON calls (domain_id, to_number, started_at, id, scenario);
CREATE INDEX calls_by_entry_point ON calls (domain_id, entry_point, started_at, id, scenario);
CREATE INDEX calls_by_scenario ON calls (domain_id, scenario, started_at, id);

-- When the leg's call began: the order of its list.
ALTER TABLE legs ADD COLUMN call_started_at BIGINT NOT NULL DEFAULT 0;
UPDATE legs SET call_started_at = (
    SELECT c.started_at FROM calls c WHERE c.domain_id = legs.domain_id AND c.id = legs.call_id
);
CREATE INDEX legs_by_user ON legs (domain_id, user_name, call_started_at, call_id);
