-- Whom the domain's mails are from; empty: whom the server says.
ALTER TABLE domains ADD COLUMN mail_sender TEXT NOT NULL DEFAULT '';
