-- `suspended_at` and `deleted_at` stop a tenant's keys and tokens at once; rows stay, since ledger rows name them.
ALTER TABLE tenants
    ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC',
    ADD COLUMN weight double precision NOT NULL DEFAULT 1 CHECK (weight > 0 AND weight <= 1000),
    ADD COLUMN plan text,
    ADD COLUMN suspended_at timestamptz,
    ADD COLUMN deleted_at timestamptz;

CREATE TABLE projects (
    tenant text NOT NULL REFERENCES tenants (id),
    id text NOT NULL,
    name text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    PRIMARY KEY (tenant, id)
);

-- `models` null is every model, empty is none.
ALTER TABLE api_keys
    ADD COLUMN project text,
    ADD COLUMN models text[],
    ADD COLUMN priority text NOT NULL DEFAULT 'interactive',
    ADD COLUMN feature text,
    ADD COLUMN roles text[] NOT NULL DEFAULT '{}',
    ADD COLUMN replaced_by text REFERENCES api_keys (id),
    ADD FOREIGN KEY (tenant, project) REFERENCES projects (tenant, id);
CREATE INDEX api_keys_prefix ON api_keys (prefix COLLATE "C");

-- AES-256-GCM under the key that `key_id` names; `last_chars` is all that is ever shown.
CREATE TABLE provider_credentials (
    provider text PRIMARY KEY,
    key_id text NOT NULL,
    nonce bytea NOT NULL,
    sealed bytea NOT NULL,
    last_chars text NOT NULL,
    set_at timestamptz NOT NULL
);

-- Who changed what and when, written in the transaction of the change.  Digests, since values may be private.
CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    actor text NOT NULL,
    actor_tenant text,
    action text NOT NULL,
    tenant text,
    subject text NOT NULL,
    fields text[] NOT NULL,
    before_digest text,
    after_digest text,
    request_id text NOT NULL
);
CREATE INDEX audit_tenant ON audit (tenant, id);
CREATE INDEX audit_subject ON audit (subject, id);

CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit is append-only' USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_is_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();
