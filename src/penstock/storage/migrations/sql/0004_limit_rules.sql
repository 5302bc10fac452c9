-- Limits and budgets that are made over the admin API, beside those of the configuration file.  `tenant` is whose rule
-- it is: null is the installation's, which no tenant changes.  `said` is the rule as an operator writes it.
CREATE TABLE limit_rules (
    name text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('limit', 'budget')),
    tenant text REFERENCES tenants (id),
    said jsonb NOT NULL,
    changed_at timestamptz NOT NULL
);
CREATE INDEX limit_rules_tenant ON limit_rules (tenant);

-- Of a budget in the table above or in the file, which is why nothing is referred to.
CREATE TABLE budget_overrides (
    id text PRIMARY KEY,
    budget text NOT NULL,
    tenant text REFERENCES tenants (id),
    said jsonb NOT NULL,
    until timestamptz NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL
);
CREATE INDEX budget_overrides_budget ON budget_overrides (budget);

-- What the processes last heard of each counter, for people to look at: nothing is admitted by it.
CREATE TABLE limit_status (
    key text PRIMARY KEY,
    rule text NOT NULL,
    tenant text,
    scope jsonb NOT NULL,
    unit text NOT NULL,
    amount bigint NOT NULL,
    used bigint NOT NULL,
    granted bigint NOT NULL,
    starts_at double precision,
    ends_at double precision,
    heard_at double precision NOT NULL
) WITH (fillfactor = 50);
CREATE INDEX limit_status_rule ON limit_status (rule, key);
CREATE INDEX limit_status_tenant ON limit_status (tenant, rule, key);
CREATE INDEX limit_status_ends ON limit_status (ends_at);
