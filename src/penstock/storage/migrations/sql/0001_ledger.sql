-- One row an exchange, written once and never changed.  Columns are those of penstock.core.record.Settled, the fixed
-- and wide ones first so that ten million rows carry no padding.  Ids sort by time, so the primary key grows at its
-- right edge, as do both other indexes.  No CHECK on the closed sets: the code that writes rows is typed, and a new
-- member must not stop the shipping of records during a rolling upgrade.
CREATE TABLE ledger (
    started_at timestamptz NOT NULL,
    duration_s double precision NOT NULL,
    first_event_s double precision,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nanousd bigint,
    attempts integer NOT NULL,
    is_streamed boolean NOT NULL,
    id text PRIMARY KEY,
    tenant text NOT NULL,
    key text NOT NULL,
    "user" text,
    dialect text NOT NULL,
    operation text NOT NULL,
    model text NOT NULL,
    target text,
    outcome text NOT NULL,
    outcome_code text,
    usage_accuracy text NOT NULL,
    cost_accuracy text NOT NULL,
    config_hash text NOT NULL,
    facts jsonb NOT NULL,
    CONSTRAINT unknown_cost_is_null CHECK ((cost_nanousd IS NULL) = (cost_accuracy = 'unknown'))
);
CREATE INDEX ledger_started_at ON ledger (started_at, id);
CREATE INDEX ledger_tenant_started_at ON ledger (tenant, started_at, id);
-- The planner must see how much arrived this hour, not only this week.
ALTER TABLE ledger SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05);

CREATE TABLE tenants (
    id text PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- A credential is kept as a keyed hash only; `prefix` is its public beginning, for people to tell keys apart.
CREATE TABLE api_keys (
    id text PRIMARY KEY,
    tenant text NOT NULL REFERENCES tenants (id),
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX api_keys_tenant ON api_keys (tenant);
