-- Alert rules, silences, and deliveries in order.
--
-- A delivery's place is its alert's, so that a channel is told in the order in which alerts arrived.  One that the
-- receiver itself refuses (is_refused) holds up none behind it.
ALTER TABLE alert_deliveries ADD COLUMN place bigint, ADD COLUMN is_refused boolean NOT NULL DEFAULT false;
UPDATE alert_deliveries AS d SET place = a.place FROM alerts AS a WHERE a.id = d.alert;
-- A control plane of the version before still makes them without: they come first.
ALTER TABLE alert_deliveries ALTER COLUMN place SET DEFAULT 0, ALTER COLUMN place SET NOT NULL;
CREATE INDEX alert_deliveries_waiting ON alert_deliveries (webhook, place) WHERE state = 'waiting';

-- Who is told of nothing that matches: what is null matches all.  Rows stay, to say why nobody was told.
CREATE TABLE alert_silences (
    id text PRIMARY KEY,
    rule text,
    kind text,
    tenant text,
    subject text,
    until timestamptz NOT NULL,
    reason text NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    ended_at timestamptz,
    ended_by text,
    CHECK (coalesce(rule, kind, tenant, subject) IS NOT NULL)
);
CREATE INDEX alert_silences_until ON alert_silences (until) WHERE ended_at IS NULL;
ALTER TABLE alerts ADD COLUMN silenced_by text;

-- How each rule stands for each of its groups.  `occasion` names the firing that people were told of; `told` is the
-- last alert about it, `times` how often it was told.
CREATE TABLE alert_rule_states (
    rule text NOT NULL,
    values text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('quiet', 'pending', 'firing')),
    since timestamptz NOT NULL,
    calm_since timestamptz,
    occasion text,
    told text,
    told_at timestamptz,
    times integer NOT NULL DEFAULT 0,
    value double precision,
    bound double precision,
    judged_at timestamptz NOT NULL,
    PRIMARY KEY (rule, values)
);

-- One row: the minute that was judged last.  Its lock is what makes one control plane judge at a time.
CREATE TABLE alert_rule_clock (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    judged_at timestamptz NOT NULL,
    trusted_from timestamptz NOT NULL
);

-- What each control plane says of its own machine, for the rules about it.
CREATE TABLE alert_gauges (
    plane text NOT NULL,
    name text NOT NULL,
    value double precision NOT NULL,
    at timestamptz NOT NULL,
    PRIMARY KEY (plane, name)
);
