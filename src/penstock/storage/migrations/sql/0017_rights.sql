-- Who may read a text, a chunk or a vector, is who may read its document: as in 0013_index, without a function.  A call of
-- it cost several times what it asked.  A scalar query is never joined with all documents that may be read, which is what
-- the function was to prevent; the policy of knowledge_documents binds it as it did the function.
ALTER POLICY knowledge_texts_of_documents ON knowledge_texts
    USING ((SELECT true FROM knowledge_documents AS d WHERE d.id = knowledge_texts.document));
ALTER POLICY knowledge_chunks_of_documents ON knowledge_chunks
    USING ((SELECT true FROM knowledge_documents AS d WHERE d.id = knowledge_chunks.document));
ALTER POLICY knowledge_vectors_of_documents ON knowledge_vectors
    USING ((SELECT true FROM knowledge_documents AS d WHERE d.id = knowledge_vectors.document));
DROP FUNCTION knowledge_may_read(bigint);
