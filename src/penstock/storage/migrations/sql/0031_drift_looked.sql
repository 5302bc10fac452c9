-- What was seen of answers that were looked at, by the hour of the exchange: sums as in drift_hours, added to in the
-- transaction that writes an answer's scores, so that each counts once.
CREATE TABLE drift_looked (
    hour integer NOT NULL,
    assistant text NOT NULL,
    feature text NOT NULL,
    count bigint NOT NULL,
    totals double precision[] NOT NULL,
    squares double precision NOT NULL,
    PRIMARY KEY (hour, assistant, feature)
);

-- The questions that an assistant's later ones are held against: which exchanges', and no word of them. What they asked is
-- read from their contents, and one whose contents are gone is replaced.
CREATE TABLE drift_known (
    assistant text NOT NULL,
    exchange text COLLATE "C" NOT NULL,
    PRIMARY KEY (assistant, exchange)
);
