-- What was asked and answered, kept by policy: what penstock.watch.contents describes.  An id begins with when it was
-- asked, in milliseconds, so that its order is time's.  What was said lies in `sealed`, which only the installation's key
-- opens; `marks` are keyed hashes of its words with the day in front, by which it is found, and null where it is not.
CREATE TABLE contents (
    id text COLLATE "C" PRIMARY KEY,
    tenant text NOT NULL,
    "user" text,
    expires_at double precision NOT NULL,
    key_id text NOT NULL,
    sealed bytea NOT NULL,
    marks bigint[]
);
-- It is as dense as noise; and marks are read one row after the other, where a word is in most of them.
ALTER TABLE contents ALTER COLUMN sealed SET STORAGE EXTERNAL, ALTER COLUMN marks SET STORAGE MAIN;
CREATE INDEX contents_tenant ON contents (tenant, id);
CREATE INDEX contents_user ON contents (tenant, "user") WHERE "user" IS NOT NULL;
CREATE INDEX contents_expires_at ON contents (expires_at);
CREATE INDEX contents_marks ON contents USING gin (marks);

-- Whose were erased, so that what lies in an outbox at that moment does not come back.  Without a user it is the tenant.
CREATE TABLE content_erasures (
    place bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at double precision NOT NULL,
    tenant text NOT NULL,
    "user" text
);
CREATE INDEX content_erasures_tenant ON content_erasures (tenant);
