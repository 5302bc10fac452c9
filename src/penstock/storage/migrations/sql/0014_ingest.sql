-- Where documents come from: what penstock.knowledge.jobs.store describes.  `base` is a knowledge base; `spec` says what
-- the source is, `rules` who may read what comes from it.
CREATE TABLE ingest_sources (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    base bigint NOT NULL,
    name text NOT NULL,
    spec jsonb NOT NULL,
    rules jsonb NOT NULL,
    UNIQUE (base, name)
);

-- What a source said of its files when they were last read, and what they were then.
CREATE TABLE ingest_marks (
    source bigint NOT NULL REFERENCES ingest_sources ON DELETE CASCADE,
    key text NOT NULL,
    mark text NOT NULL,
    digest bytea NOT NULL,
    PRIMARY KEY (source, key)
);

-- The last time that a source was brought up to date, or is being; times are Unix seconds of the process that does it.
CREATE TABLE ingest_runs (
    source bigint PRIMARY KEY REFERENCES ingest_sources ON DELETE CASCADE,
    state text NOT NULL CHECK (state IN ('waiting', 'running', 'done', 'stopped', 'failed')),
    error text,
    updated_at double precision NOT NULL,
    progress jsonb NOT NULL
);

-- Files that were handed in and wait to be read.
CREATE TABLE ingest_uploads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source bigint NOT NULL REFERENCES ingest_sources ON DELETE CASCADE,
    key text NOT NULL,
    readers text[] NOT NULL,
    at double precision NOT NULL,
    data bytea NOT NULL
);
CREATE INDEX ingest_uploads_source ON ingest_uploads (source, key, id);
