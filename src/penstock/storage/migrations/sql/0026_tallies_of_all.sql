-- How often each thing happened to everybody, on closed days and in closed months: whose it was is in the tables beside,
-- in some hundred rows for each of these.
CREATE TABLE rollup_tally_all_days (
    at timestamptz NOT NULL,
    name text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (at, name)
);
CREATE TABLE rollup_tally_all_months (LIKE rollup_tally_all_days INCLUDING ALL);
INSERT INTO rollup_tally_all_days SELECT at, name, sum(amount)::bigint FROM rollup_tally_days GROUP BY at, name;
INSERT INTO rollup_tally_all_months SELECT at, name, sum(amount)::bigint FROM rollup_tally_months GROUP BY at, name;

-- What costs nobody knows, told from the index alone; where calls beside the answer were billed, facts say which of them.
DROP INDEX ledger_unknown_cost;
CREATE INDEX ledger_unknown_cost ON ledger (started_at) INCLUDE (target, usage_accuracy)
    WHERE cost_nanousd IS NULL AND NOT facts @> '[{"fact": "extra_call_billed"}]';
CREATE INDEX ledger_unknown_cost_beside ON ledger (started_at)
    WHERE cost_nanousd IS NULL AND facts @> '[{"fact": "extra_call_billed"}]';
