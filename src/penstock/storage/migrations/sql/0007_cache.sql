-- Kept answers, for all processes: what penstock.cache.entry.Entry describes.  Times are Unix seconds of the processes
-- that wrote them.  A row that is written anew gets a new place, so that whoever reads on from a place sees it.
CREATE TABLE cache_entries (
    place bigint GENERATED ALWAYS AS IDENTITY,
    created_at double precision NOT NULL,
    expires_at double precision NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cost_nanousd bigint,
    pace_tokens_per_s double precision,
    kind text NOT NULL CHECK (kind IN ('exact', 'similar')),
    id text NOT NULL,
    key bytea NOT NULL,
    partition bytea NOT NULL,
    tenant text NOT NULL,
    model text NOT NULL,
    target text NOT NULL,
    tags text[] NOT NULL,
    question text,
    vector bytea,
    events bytea NOT NULL,
    PRIMARY KEY (kind, key)
);
CREATE INDEX cache_entries_place ON cache_entries (place);
CREATE INDEX cache_entries_expires_at ON cache_entries (expires_at);
CREATE INDEX cache_entries_tenant ON cache_entries (tenant, model);
CREATE INDEX cache_entries_tags ON cache_entries USING gin (tags);
CREATE INDEX cache_entries_partition ON cache_entries (partition) WHERE kind = 'similar';

-- What was dropped, for processes that hold entries in memory and for those that are about to write some.  A null is
-- everything.  Written under a lock on cache_entries, so that places are in the order of commits.
CREATE TABLE cache_drops (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    tenant text,
    model text,
    tag text
);
