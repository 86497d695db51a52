-- A domain that is blocked is there, and nobody of it can register, call or log in.
ALTER TABLE domains ADD COLUMN blocked BIGINT NOT NULL DEFAULT 0;
