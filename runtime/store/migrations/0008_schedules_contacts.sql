-- Opening hours, as the administrator wrote them.
CREATE TABLE schedules (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    -- JSON.
    document TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (domain_id, name)
);

-- The address book.
CREATE TABLE contacts (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    id BIGINT NOT NULL,
    name TEXT NOT NULL,
    company TEXT NOT NULL,
    email TEXT NOT NULL,
    note TEXT NOT NULL,
    -- Name, company, email and digits, in lower case: what is searched.
    words TEXT NOT NULL,
    PRIMARY KEY (domain_id, id),
    UNIQUE (domain_id, name, company)
);

CREATE TABLE contact_numbers (
    domain_id BIGINT NOT NULL,
    contact_id BIGINT NOT NULL,
    position BIGINT NOT NULL,
    label TEXT NOT NULL,
    number TEXT NOT NULL,
    -- The end of its digits, by which candidates are found.
    tail TEXT NOT NULL,
    PRIMARY KEY (domain_id, contact_id, position),
    FOREIGN KEY (domain_id, contact_id) REFERENCES contacts (domain_id, id) ON DELETE CASCADE
);

CREATE INDEX contact_numbers_by_tail ON contact_numbers (domain_id, tail);
