-- What a version tells its scenario where the activation says nothing: JSON; NULL: it brings nothing.
ALTER TABLE modules ADD COLUMN settings TEXT;

-- 1: it was published from the flow of its name, 0: somebody uploaded it.
ALTER TABLE modules ADD COLUMN from_flow BIGINT NOT NULL DEFAULT 0;
