"""Deliberate faults in who is shown what is known."""

from mutations.mutation import Mutation

ACCESS = "tests/knowledge/index/test_access.py"
STORE = "tests/knowledge/index/test_store.py"
CONTEXT = "tests/knowledge/test_context.py"
STEPS = "knowledge/index/steps.py"
SQL = "storage/migrations/sql/0013_index.sql"
RIGHTS = "storage/migrations/sql/0017_rights.sql"
SIGNS = "storage/migrations/sql/0018_signs.sql"

MUTATIONS = (
    Mutation("statements do not ask who may read", STEPS, " AND d.readers && %(readers)s", "", ACCESS),
    Mutation(
        "statements do not ask whose tenant it is",
        STEPS,
        "\"d.tenant = ANY (ARRAY['', %(tenant)s]) AND d.readers",
        '"d.readers',
        ACCESS,
    ),
    Mutation("searches run as the tables' owner", STEPS, "'role', 'penstock_reader'", "'role', 'none'", ACCESS),
    Mutation(
        "the role reads what names other readers",
        SQL,
        "    AND readers && (SELECT nullif(current_setting('penstock.readers', true), '')::text[])\n",
        "",
        ACCESS,
    ),
    Mutation(
        "the role reads chunks of all documents",
        RIGHTS,
        "    USING ((SELECT true FROM knowledge_documents AS d WHERE d.id = knowledge_chunks.document));",
        "    USING (true);",
        ACCESS,
    ),
    Mutation(
        "the role reads signs of all documents",
        SIGNS,
        "    USING ((SELECT true FROM knowledge_documents AS d WHERE d.id = knowledge_signs.document));",
        "    USING (true);",
        ACCESS,
    ),
    Mutation(
        "signs do not follow what is written",
        SIGNS,
        "FROM written AS w GROUP",
        "FROM written AS w WHERE false GROUP",
        STORE,
    ),
    Mutation(
        "signs of a row are not in the order of their chunks",
        SIGNS,
        "binary_quantize(w.embedding)::bit varying ORDER BY w.chunk",
        "binary_quantize(w.embedding)::bit varying ORDER BY w.chunk DESC",
        STORE,
    ),
    Mutation(
        "what was kept before has no signs",
        SIGNS,
        "FROM knowledge_vectors AS v GROUP BY",
        "FROM knowledge_vectors AS v WHERE false GROUP BY",
        STORE,
    ),
    Mutation(
        "of vectors of another width some are searched",
        "knowledge/index/search.py",
        "    return BY_VECTOR_ALL if through_index is None else through_index",
        "    return BY_VECTOR_FEW if width != 384 or through_index is None else through_index",
        "tests/knowledge/index/test_ways.py -k any_width",
    ),
    Mutation(
        "what all tenants share may be closed",
        SQL,
        "CHECK (tenant <> '' OR readers = ARRAY['public'])",
        "CHECK (true)",
        ACCESS,
    ),
    Mutation(
        "what hardly holds an answer is used",
        "knowledge/stage.py",
        " and found.chance >= use.least_chance",
        "",
        "tests/system/test_knowledge.py -k nothing_sure",
    ),
    Mutation(
        "postings of a document that was replaced stay counted",
        "knowledge/index/store.py",
        "            terms.subtract(of_chunk)\n",
        "            pass\n",
        STORE,
    ),
    Mutation(
        "a text can draw its fence's end",
        "knowledge/context.py",
        "{_without(passage.text, name)}",
        "{passage.text}",
        CONTEXT,
    ),
)
