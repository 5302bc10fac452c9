-- What was said of answers: what penstock.core.feedback.Feedback describes.  `place` is set, together with what follows
-- it, once the exchange is in the ledger; processes read on from the last one that they have seen.
CREATE SEQUENCE feedback_place;
CREATE TABLE feedback (
    at double precision NOT NULL,
    place bigint,
    tenant text NOT NULL,
    exchange text NOT NULL,
    key text NOT NULL,
    "user" text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('good', 'bad')),
    reason text,
    model text,
    tier text,
    answer text,
    PRIMARY KEY (tenant, exchange, key, "user")
);
CREATE INDEX feedback_place_at ON feedback (place) WHERE place IS NOT NULL;
CREATE INDEX feedback_waiting ON feedback (at) WHERE place IS NULL;
CREATE INDEX feedback_exchange ON feedback (exchange);
CREATE INDEX feedback_at ON feedback (at);

-- A single answer can be dropped too, by the exchange that made it.
ALTER TABLE cache_drops ADD COLUMN answer text;
CREATE INDEX cache_entries_id ON cache_entries (id);
