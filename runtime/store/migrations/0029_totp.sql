-- A second factor of accounts (RFC 6238).
ALTER TABLE accounts ADD COLUMN totp_secret BLOB;
-- Whether logging in asks for it: not before its owner has shown that it works.
ALTER TABLE accounts ADD COLUMN totp_on BIGINT NOT NULL DEFAULT 0;
-- The time step whose code was taken last: none is taken twice.
ALTER TABLE accounts ADD COLUMN totp_used BIGINT NOT NULL DEFAULT 0;
