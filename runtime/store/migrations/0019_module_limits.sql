-- What a call of a scenario may use, where that is less than its domain's calls may: `name=value` between spaces. They
-- outlive its versions.
CREATE TABLE module_limits (
    domain_id BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE,
    module TEXT NOT NULL,
    limits TEXT NOT NULL,
    PRIMARY KEY (domain_id, module)
);
