-- Knowledge: documents, their chunks, and what finds them; what penstock.knowledge.index describes.
--
-- Searches run under a role that owns nothing and bypasses nothing, so that a search which forgot to ask who may read
-- finds nothing that its caller may not.  Roles are of the whole cluster: another database may have made it already.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'vector') THEN
        CREATE EXTENSION vector;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE EXCEPTION USING MESSAGE = 'knowledge bases need the extension pgvector, which this database user may not'
            ' create: let a superuser run CREATE EXTENSION vector in this database';
    WHEN undefined_file OR feature_not_supported THEN
        RAISE EXCEPTION USING MESSAGE = 'knowledge bases need the extension pgvector (0.8 or newer): install it on the'
            ' database server';
END
$$;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'penstock_reader') THEN
        BEGIN
            CREATE ROLE penstock_reader NOLOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL;
        END;
    END IF;
    IF NOT pg_has_role(current_user, 'penstock_reader', 'SET') THEN
        EXECUTE 'GRANT penstock_reader TO ' || quote_ident(current_user);
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE EXCEPTION USING MESSAGE = 'searches run under the role penstock_reader, which this database user may not create'
        ' or use: let a superuser run CREATE ROLE penstock_reader NOLOGIN (if it is not there) and GRANT penstock_reader'
        ' TO ' || quote_ident(current_user);
END
$$;
DO $$
BEGIN
    IF (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = 'penstock_reader') THEN
        RAISE EXCEPTION USING MESSAGE = 'the role penstock_reader bypasses row-level security: let a superuser run'
            ' ALTER ROLE penstock_reader NOSUPERUSER NOBYPASSRLS';
    END IF;
    EXECUTE 'GRANT USAGE ON SCHEMA ' || quote_ident(current_schema()) || ' TO penstock_reader';
END
$$;

-- A base of the empty tenant is everybody's.  `encoder` is what its vectors depend on, `width` their length.  `revision`
-- rises with every change, of rights too.  What is counted here and in knowledge_terms is for BM25: chunks, and the sum
-- of their lengths in words.
CREATE TABLE knowledge_bases (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    created_at timestamptz NOT NULL DEFAULT now(),
    documents bigint NOT NULL DEFAULT 0,
    chunks bigint NOT NULL DEFAULT 0,
    words bigint NOT NULL DEFAULT 0,
    revision bigint NOT NULL DEFAULT 0,
    width int NOT NULL CHECK (width > 0),
    tenant text NOT NULL,
    name text NOT NULL CHECK (name <> ''),
    encoder text NOT NULL,
    UNIQUE (tenant, name),
    UNIQUE (id, tenant)
) WITH (fillfactor = 50);

-- Nobody reads a document that names no reader, and what all tenants share names all who read.
CREATE TABLE knowledge_documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    base bigint NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    modified_at double precision,
    kept_at double precision NOT NULL,
    chunks int NOT NULL,
    words int NOT NULL,
    tenant text NOT NULL,
    key text NOT NULL,
    source text NOT NULL,
    title text NOT NULL,
    uri text,
    media_type text NOT NULL,
    digest bytea NOT NULL,
    readers text[] NOT NULL CHECK (cardinality(readers) > 0),
    metadata jsonb NOT NULL,
    UNIQUE (base, key),
    FOREIGN KEY (base, tenant) REFERENCES knowledge_bases (id, tenant) ON DELETE CASCADE,
    CONSTRAINT knowledge_shared_is_public CHECK (tenant <> '' OR readers = ARRAY['public'])
);
CREATE INDEX knowledge_documents_source ON knowledge_documents (base, source);
CREATE INDEX knowledge_documents_readers ON knowledge_documents USING gin (readers) WITH (fastupdate = off);
CREATE INDEX knowledge_documents_metadata ON knowledge_documents USING gin (metadata jsonb_path_ops);

-- A document's own text, and the mean of its chunks' vectors: apart, since what decides who may read is read far more.
CREATE TABLE knowledge_texts (
    document bigint PRIMARY KEY REFERENCES knowledge_documents ON DELETE CASCADE,
    mean halfvec NOT NULL,
    text text NOT NULL
);

-- A chunk's id is its document's, shifted by 20 bits, and its ordinal: who has one has the other.  `terms` are the keys
-- of its postings, each once and in order.
CREATE TABLE knowledge_chunks (
    id bigint PRIMARY KEY,
    document bigint NOT NULL REFERENCES knowledge_documents ON DELETE CASCADE,
    starts int NOT NULL,
    ends int NOT NULL,
    words int NOT NULL,
    page int,
    kind text NOT NULL,
    heading text[] NOT NULL,
    anchor text,
    text text NOT NULL,
    terms bigint[] NOT NULL
);
CREATE INDEX knowledge_chunks_document ON knowledge_chunks (document);

-- Vectors apart and never out of line: an exact search reads all of those that it may.
CREATE TABLE knowledge_vectors (
    chunk bigint PRIMARY KEY REFERENCES knowledge_chunks ON DELETE CASCADE,
    document bigint NOT NULL,
    base bigint NOT NULL,
    embedding halfvec NOT NULL
);
ALTER TABLE knowledge_texts ALTER COLUMN mean SET STORAGE PLAIN;
ALTER TABLE knowledge_vectors ALTER COLUMN embedding SET STORAGE PLAIN;
CREATE INDEX knowledge_vectors_document ON knowledge_vectors (document);
-- One for each width that a base has; bases of another width make theirs.
CREATE INDEX knowledge_vectors_384 ON knowledge_vectors
    USING hnsw ((embedding::halfvec(384)) halfvec_ip_ops) WITH (m = 16, ef_construction = 64)
    WHERE vector_dims(embedding) = 384;

-- BM25's postings.  `term` is a digest of the base and the word, so that bases share none; `weight` is how often it
-- stands in the chunk, in tenths, with what its headings count; `words` is the chunk's length.
CREATE TABLE knowledge_postings (
    term bigint NOT NULL,
    chunk bigint NOT NULL,
    weight smallint NOT NULL,
    words smallint NOT NULL,
    PRIMARY KEY (term, chunk) INCLUDE (weight, words)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE knowledge_terms (
    term bigint PRIMARY KEY,
    base bigint NOT NULL,
    chunks int NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX knowledge_terms_base ON knowledge_terms (base);

-- Who searches sees what its settings say, and without settings nothing.  The postings and counts have no text, and lead
-- to nothing but chunks and documents, which are closed.
ALTER TABLE knowledge_bases ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_documents ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_texts ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE knowledge_vectors ENABLE ROW LEVEL SECURITY;
CREATE POLICY knowledge_bases_of_tenant ON knowledge_bases FOR SELECT TO penstock_reader USING (
    tenant = ANY (ARRAY['', (SELECT nullif(current_setting('penstock.tenant', true), ''))])
);
CREATE POLICY knowledge_documents_to_readers ON knowledge_documents FOR SELECT TO penstock_reader USING (
    tenant = ANY (ARRAY['', (SELECT nullif(current_setting('penstock.tenant', true), ''))])
    AND readers && (SELECT nullif(current_setting('penstock.readers', true), '')::text[])
);
-- A function, and not the query itself: as a query it would be planned as one over all documents that may be read, of
-- which there may be a hundred thousand, for each search.  It runs as its caller, whom the policy above binds.
CREATE FUNCTION knowledge_may_read(asked bigint) RETURNS boolean LANGUAGE plpgsql STABLE SECURITY INVOKER AS $$
BEGIN
    RETURN EXISTS (SELECT FROM knowledge_documents AS d WHERE d.id = asked);
END
$$;
CREATE POLICY knowledge_texts_of_documents ON knowledge_texts FOR SELECT TO penstock_reader
    USING (knowledge_may_read(document));
CREATE POLICY knowledge_chunks_of_documents ON knowledge_chunks FOR SELECT TO penstock_reader
    USING (knowledge_may_read(document));
CREATE POLICY knowledge_vectors_of_documents ON knowledge_vectors FOR SELECT TO penstock_reader
    USING (knowledge_may_read(document));
GRANT SELECT ON knowledge_bases, knowledge_documents, knowledge_texts, knowledge_chunks, knowledge_vectors,
    knowledge_postings, knowledge_terms TO penstock_reader;
