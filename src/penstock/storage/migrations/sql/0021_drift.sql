-- Counts and sums of an assistant's exchanges of one hour (counted from 1970), by feature as watch/drift/tally.py writes
-- them: about half a kilobyte, and never a value of one exchange.  Rows of several releases add.
CREATE TABLE drift_hours (
    hour integer NOT NULL,
    exchanges bigint NOT NULL,
    assistant text NOT NULL,
    release text,
    features jsonb NOT NULL,
    UNIQUE NULLS NOT DISTINCT (assistant, hour, release)
);
CREATE INDEX drift_hours_hour ON drift_hours (hour);

-- The hours that were summed up, whether or not anything was in them.
CREATE TABLE drift_summed (
    hour integer PRIMARY KEY,
    at timestamptz NOT NULL
);

-- A change of one feature, told once: the hour since when it is another is the beginning of the new level.
CREATE TABLE drift_findings (
    found integer NOT NULL,
    since integer NOT NULL,
    span_h integer NOT NULL,
    count bigint NOT NULL,
    reference double precision NOT NULL,
    current double precision NOT NULL,
    low double precision NOT NULL,
    high double precision NOT NULL,
    false_alarms double precision NOT NULL,
    assistant text NOT NULL,
    feature text NOT NULL,
    measure text NOT NULL,
    PRIMARY KEY (assistant, feature, found)
);
CREATE INDEX drift_findings_found ON drift_findings (found);
