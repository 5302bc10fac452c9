-- Sums of whole days and months (UTC), made of those of hours once they are over: a quarter is read as three rows of
-- each series and not as two thousand.
CREATE TABLE rollup_days (LIKE rollup_hours INCLUDING ALL);
CREATE TABLE rollup_months (LIKE rollup_hours INCLUDING ALL);
CREATE TABLE rollup_tally_days (LIKE rollup_tally_hours INCLUDING ALL);
CREATE TABLE rollup_tally_months (LIKE rollup_tally_hours INCLUDING ALL);
ALTER TABLE rollup_days RESET (fillfactor);
ALTER TABLE rollup_months RESET (fillfactor);

-- The days and months whose rows are whole.  Whoever adds to an hour of one takes it out, in the same transaction.
CREATE TABLE rollup_closed (
    grain text NOT NULL CHECK (grain IN ('day', 'month')),
    at timestamptz NOT NULL,
    PRIMARY KEY (grain, at)
);

-- How each key was used on a closed day: in all, in its busiest hour, and in which hours (UTC), a bit for each.
CREATE TABLE rollup_key_days (
    at timestamptz NOT NULL,
    tenant text NOT NULL,
    key text NOT NULL,
    exchanges bigint NOT NULL,
    busiest bigint NOT NULL,
    hours integer NOT NULL,
    PRIMARY KEY (at, tenant, key)
);

-- Who looks for slow exchanges finds those that took ten seconds and more without reading the others.
CREATE INDEX ledger_duration ON ledger (duration_s, started_at) WHERE duration_s >= 10;
-- What went wrong for one tenant of many.
CREATE INDEX ledger_tenant_not_completed ON ledger (tenant, outcome, started_at, id) WHERE outcome <> 'completed';
