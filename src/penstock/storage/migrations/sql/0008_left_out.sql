-- What was left out of prompts, for a while: what penstock.routing.compaction.store describes.  `parts` is JSON, as bytes
-- since a text may hold what jsonb refuses (U+0000, unpaired surrogates).
CREATE TABLE left_out (
    exchange text PRIMARY KEY,
    tenant text NOT NULL,
    expires_at timestamptz NOT NULL,
    parts bytea NOT NULL
);

CREATE INDEX left_out_expires_at ON left_out (expires_at);
