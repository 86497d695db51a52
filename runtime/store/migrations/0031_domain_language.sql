-- In which a text is spoken that names no language: a tag such as `en`.
ALTER TABLE domains ADD COLUMN language TEXT NOT NULL DEFAULT 'en';
