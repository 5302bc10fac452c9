-- The ledger by month, what an exchange can be found by, and its sums by minute and hour.
--
-- A month is made by whoever ships its first record (ledger_add_month); what lies outside of the months that are made,
-- since a clock was wrong, rests in ledger_rest and is found like all else.  What a ledger held before this stays
-- where it is, as the partition of all time before it ends.
ALTER TABLE ledger RENAME TO ledger_before;
ALTER TABLE ledger_before DROP CONSTRAINT ledger_pkey;
DROP INDEX ledger_started_at;
DROP INDEX ledger_tenant_started_at;
ALTER TABLE ledger_before
    ADD COLUMN project text,
    ADD COLUMN release text,
    ADD COLUMN feature text,
    ADD COLUMN region text,
    ADD COLUMN marks text[] NOT NULL DEFAULT '{}';

CREATE TABLE ledger (LIKE ledger_before INCLUDING DEFAULTS INCLUDING CONSTRAINTS) PARTITION BY RANGE (started_at);
-- The id alone is unique too: a record that is shipped twice says the same time twice.
ALTER TABLE ledger ADD CONSTRAINT ledger_pkey PRIMARY KEY (id, started_at);
CREATE INDEX ledger_started_at ON ledger (started_at, id);
CREATE INDEX ledger_tenant_started_at ON ledger (tenant, started_at, id);
CREATE INDEX ledger_user ON ledger ("user", started_at) WHERE "user" IS NOT NULL;
CREATE INDEX ledger_not_completed ON ledger (outcome, started_at, id) WHERE outcome <> 'completed';
CREATE INDEX ledger_unknown_cost ON ledger (started_at) WHERE cost_nanousd IS NULL;
CREATE INDEX ledger_cost ON ledger (cost_nanousd, started_at) WHERE cost_nanousd >= 100000000;
CREATE INDEX ledger_marks ON ledger USING gin (marks) WHERE marks <> '{}';

CREATE TABLE ledger_rest PARTITION OF ledger DEFAULT;

CREATE FUNCTION ledger_add_month(wanted timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    starts timestamptz := date_trunc('month', wanted, 'UTC');
    ends timestamptz := (date_trunc('month', wanted AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    name text := 'ledger_' || to_char(starts AT TIME ZONE 'UTC', '"y"YYYY"m"MM');
BEGIN
    -- One after the other, and not once more where it is there or lies within what was before.
    PERFORM pg_advisory_xact_lock(hashtext('ledger_add_month'));
    IF to_regclass(name) IS NOT NULL THEN
        RETURN false;
    END IF;
    IF starts < (SELECT until FROM ledger_before_until) THEN
        RETURN false;
    END IF;
    -- Made beside it and then attached: that waits for no reader.
    EXECUTE 'CREATE TABLE ' || quote_ident(name) || ' (LIKE ledger INCLUDING DEFAULTS INCLUDING CONSTRAINTS)';
    -- The planner must see how much arrived this hour, not only this week.
    EXECUTE 'ALTER TABLE ' || quote_ident(name)
        || ' SET (autovacuum_analyze_scale_factor = 0.02, autovacuum_vacuum_insert_scale_factor = 0.05)';
    EXECUTE 'ALTER TABLE ledger ATTACH PARTITION ' || quote_ident(name)
        || ' FOR VALUES FROM (' || quote_literal(starts) || ') TO (' || quote_literal(ends) || ')';
    RETURN true;
END $$;

-- A row where the ledger holds exchanges from before there were sums: `penstock ledger recount` makes them.
CREATE TABLE rollup_debt (since timestamptz NOT NULL);

-- Until when the partition of before reaches: minus infinity where there was nothing.
CREATE TABLE ledger_before_until (until timestamptz NOT NULL);
DO $$
DECLARE
    latest timestamptz := (SELECT max(started_at) FROM ledger_before);
    ends timestamptz;
BEGIN
    IF latest IS NULL THEN
        DROP TABLE ledger_before;
        INSERT INTO ledger_before_until VALUES ('-infinity');
    ELSE
        ends := (date_trunc('month', greatest(latest, now()) AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
        EXECUTE 'ALTER TABLE ledger ATTACH PARTITION ledger_before FOR VALUES FROM (MINVALUE) TO ('
            || quote_literal(ends) || ')';
        INSERT INTO ledger_before_until VALUES (ends);
        INSERT INTO rollup_debt VALUES (now());
    END IF;
END $$;

-- A series is one set of values of one view's dimensions: '' where exchanges had none, NULL for what the view leaves
-- out.  `fingerprint` is a hash of view and values: names of models may be long.
CREATE TABLE rollup_series (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    view smallint NOT NULL,
    fingerprint bytea NOT NULL UNIQUE,
    tenant text,
    project text,
    key text,
    assistant text,
    release text,
    target text,
    feature text,
    region text,
    outcome text
);
CREATE INDEX rollup_series_tenant ON rollup_series (tenant, view);

-- Which values of each dimension there are; what comes beyond their greatest number is counted as (other).
CREATE TABLE rollup_values (
    dimension text NOT NULL,
    value text NOT NULL,
    PRIMARY KEY (dimension, value)
);

-- Histograms are pairs of arrays: buckets as penstock.watch.rollups.histogram has them, and how many fell into each.  A
-- bucket may stand in one several times: what is added is put behind what is there, and this sums it up.
CREATE FUNCTION rollup_sum(buckets smallint[], counts integer[], OUT smallint[], OUT integer[])
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT coalesce(array_agg(bucket ORDER BY bucket), '{}'), coalesce(array_agg(n ORDER BY bucket), '{}')
    FROM (SELECT bucket, sum(n)::integer AS n FROM unnest(buckets, counts) AS a (bucket, n) GROUP BY bucket) AS summed
$$;

CREATE TABLE rollup_minutes (
    at timestamptz NOT NULL,
    series integer NOT NULL,
    view smallint NOT NULL,
    exchanges bigint NOT NULL,
    attempts bigint NOT NULL,
    failed_attempts bigint NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_write_tokens bigint NOT NULL,
    reasoning_tokens bigint NOT NULL,
    cost_nanousd bigint NOT NULL,
    unknown_costs bigint NOT NULL,
    estimated bigint NOT NULL,
    saved_cache_nanousd bigint NOT NULL,
    saved_routing_nanousd bigint NOT NULL,
    saved_compaction_nanousd bigint NOT NULL,
    saved_prompt_cache_nanousd bigint NOT NULL,
    cache_hits bigint NOT NULL,
    cache_misses bigint NOT NULL,
    duration_us bigint NOT NULL,
    first_events bigint NOT NULL,
    first_event_us bigint NOT NULL,
    durations smallint[] NOT NULL,
    duration_counts integer[] NOT NULL,
    firsts smallint[] NOT NULL,
    first_counts integer[] NOT NULL,
    PRIMARY KEY (series, at)
);
-- Room on each page for the next version of a row: its sums change many times within its minute or hour.
ALTER TABLE rollup_minutes SET (fillfactor = 70);
CREATE INDEX rollup_minutes_view ON rollup_minutes (view, at);
CREATE TABLE rollup_hours (LIKE rollup_minutes INCLUDING ALL);

-- How often each thing happened: names as penstock.watch.rollups.notes has them.
CREATE TABLE rollup_tally_minutes (
    at timestamptz NOT NULL,
    series integer NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (at, name, series)
);
CREATE TABLE rollup_tally_hours (LIKE rollup_tally_minutes INCLUDING ALL);
