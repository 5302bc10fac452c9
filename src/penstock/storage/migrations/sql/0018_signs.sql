-- Which side of zero each number of a chunk's vector is on: 48 bytes in place of 768, up to 32 chunks of a document in a
-- row, so that who may read is asked once for all of them.  Where thousands of chunks may be read they are compared by
-- these, and only the nearest by their vectors.  The first of `signs` is of the chunk `first`, the others follow it.
CREATE TABLE knowledge_signs (
    first bigint PRIMARY KEY REFERENCES knowledge_chunks ON DELETE CASCADE,
    document bigint NOT NULL,
    signs bit varying[] NOT NULL
);
ALTER TABLE knowledge_signs ALTER COLUMN signs SET STORAGE EXTERNAL;
CREATE INDEX knowledge_signs_document ON knowledge_signs (document);
ALTER TABLE knowledge_signs ENABLE ROW LEVEL SECURITY;
CREATE POLICY knowledge_signs_of_documents ON knowledge_signs FOR SELECT TO penstock_reader
    USING ((SELECT true FROM knowledge_documents AS d WHERE d.id = knowledge_signs.document));
GRANT SELECT ON knowledge_signs TO penstock_reader;

-- A trigger, since a process of an older version may still write while newer ones search.  Chunks are never changed:
-- they are written with their document, in one statement, and go with it.
CREATE FUNCTION knowledge_signs_follow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO knowledge_signs (first, document, signs)
    SELECT min(w.chunk), w.document, array_agg(binary_quantize(w.embedding)::bit varying ORDER BY w.chunk)
    FROM written AS w GROUP BY w.document, w.chunk >> 5;
    RETURN NULL;
END
$$;
CREATE TRIGGER knowledge_signs_follow AFTER INSERT ON knowledge_vectors REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION knowledge_signs_follow();

INSERT INTO knowledge_signs (first, document, signs)
SELECT min(v.chunk), v.document, array_agg(binary_quantize(v.embedding)::bit varying ORDER BY v.chunk)
FROM knowledge_vectors AS v GROUP BY v.document, v.chunk >> 5;
