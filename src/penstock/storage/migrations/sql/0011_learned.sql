-- What the semantic cache knows, for all processes.  Written under one advisory lock, so that places are in the order of
-- commits and whoever reads on from a place misses nothing.  `space` is what the vectors depend on: rows of another one
-- mean nothing.  Times are Unix seconds of the processes that wrote them.

-- A question whose answer lies in cache_entries under the same key and id.  `question` is sealed under a key of the
-- installation's: penstock.cache.semantic.kept.seal.  Questions that share a group have answers that say the same.
CREATE TABLE cache_questions (
    place bigint GENERATED ALWAYS AS IDENTITY,
    created_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    key bytea PRIMARY KEY,
    partition bytea NOT NULL,
    space bytea NOT NULL,
    id text NOT NULL,
    tenant text NOT NULL,
    model text NOT NULL,
    tags text[] NOT NULL,
    groups bigint[] NOT NULL,
    question bytea NOT NULL
);
CREATE INDEX cache_questions_place ON cache_questions (place);
CREATE INDEX cache_questions_partition ON cache_questions (partition, place);
CREATE INDEX cache_questions_expires_at ON cache_questions (expires_at);
CREATE INDEX cache_questions_tenant ON cache_questions (tenant, model);
CREATE INDEX cache_questions_tags ON cache_questions USING gin (tags);
CREATE INDEX cache_questions_id ON cache_questions (id);

-- Matches that one process saw: penstock.cache.semantic.labels.  `matches` is how many lie in `data`, doubles in the
-- order of little-endian machines: moment, score, and where they were checked whether the answer was right.
CREATE TABLE cache_labels (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at double precision NOT NULL,
    origin bigint NOT NULL,
    partition bytea NOT NULL,
    space bytea NOT NULL,
    tenant text NOT NULL,
    model text NOT NULL,
    is_checked boolean NOT NULL,
    matches integer NOT NULL,
    data bytea NOT NULL
);
CREATE INDEX cache_labels_partition ON cache_labels (partition, is_checked, place);
CREATE INDEX cache_labels_at ON cache_labels (at);
CREATE INDEX cache_labels_tenant ON cache_labels (tenant, model);

-- They were meant for this, and never written.
DROP INDEX cache_entries_partition;
ALTER TABLE cache_entries DROP COLUMN question, DROP COLUMN vector;
