"""One search: candidates by vectors and by BM25, both scores for each of them, fused; the best are read and returned.

Who may read is asked in every statement, under a role whose row-level security asks it again.  Where the asker may read
few documents of the bases, their chunks are compared one by one: exact, and faster than an index that must leave nearly
everything out.  Where they are some more, they are compared by the signs of their vectors, the nearest by the vectors.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from typing import Final, LiteralString

from msgspec import structs
from psycopg.types.json import Jsonb

from penstock.core.sources import Passage
from penstock.knowledge.document import BaseId
from penstock.knowledge.index.answerable import chance
from penstock.knowledge.index.bases import document_id
from penstock.knowledge.index.fusion import Candidate, fused, nearest
from penstock.knowledge.index.halves import halfvec
from penstock.knowledge.index.nearness import Seen
from penstock.knowledge.index.postings import TENTHS, key_of
from penstock.knowledge.index.request import Found, Hit, Search
from penstock.knowledge.index.steps import READABLE, Row, Statement, Steps, assume
from penstock.knowledge.index.words import words_of

_FEW_DOCUMENTS: Final = 1_500
_FEW_CHUNKS: Final = 3_000
"""So many are compared one by one in a few milliseconds."""
_SIGNED: Final = 1_200.0
"""To compare n chunks by their signs takes time as n does, to walk an index of N as N / n does: up to n² = 1,200 N the
first is faster, or as fast and finds more of the nearest."""
_NEAR: Final = 400
"""So many of the nearest by signs, or more, are compared by their vectors; of the 30 nearest, 29 are among them."""
_LEAST_BEAM: Final = 80
_MOST_BEAM: Final = 1_000
"""`hnsw.ef_search`, and the most that it may be."""
_LEAST_CANDIDATES: Final = 30
_MOST_K: Final = 200
_K1: Final = 1.2
_B: Final = 0.75
_REACH: Final = 10
"""So many chunks before and behind one say what it is about; of one document, since ids of two are far apart."""
_MOST_TERMS: Final = 64
_POSTINGS_READ: Final = 8_000
"""Of the rarest words; what is found by the others alone is not a candidate, but they count for all candidates."""

_MATCHES: LiteralString = """
    (%(equal)s::jsonb IS NULL OR d.metadata @> %(equal)s::jsonb)
    AND (%(one_of)s::jsonb IS NULL OR NOT EXISTS (
        SELECT FROM jsonb_each(%(one_of)s::jsonb) AS f WHERE NOT coalesce(f.value ? (d.metadata ->> f.key), false)))
    AND (%(since)s::float8 IS NULL OR d.modified_at >= %(since)s::float8)
    AND (%(until)s::float8 IS NULL OR d.modified_at < %(until)s::float8)
"""
_FEW: LiteralString = f"""
    SELECT array_agg(few.id)::text, count(*), coalesce(sum(few.chunks), 0)::bigint, (
        SELECT greatest(c.reltuples, 0) FROM pg_class AS c WHERE c.oid = 'knowledge_vectors'::regclass
    ) FROM (
        SELECT d.id, d.chunks FROM knowledge_documents AS d
        WHERE d.base = ANY (%(bases)s) AND {READABLE} AND {_MATCHES} LIMIT %(few)s
    ) AS few
"""  # noqa: S608 - put together of constants
_BASES: LiteralString = """
    SELECT d.id, d.chunks, d.words, d.width, d.documents FROM knowledge_bases AS d
    WHERE d.id = ANY (%(bases)s) AND d.tenant = ANY (ARRAY['', %(tenant)s])
"""
_TERMS: LiteralString = "SELECT term, chunks FROM knowledge_terms WHERE term = ANY (%(keys)s)"

_USE_INDEX: LiteralString = """
    SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_sort', 'off', true),
        set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', %(beam)s, true)
"""
BY_VECTOR_FEW: LiteralString = """
    SELECT v.chunk FROM knowledge_vectors AS v WHERE v.document = ANY (%(allowed)s::bigint[])
    ORDER BY v.embedding <#> %(vector)s::halfvec, v.chunk LIMIT %(most)s
"""
BY_SIGNS: LiteralString = """
    SELECT v.chunk FROM (
        SELECT c.chunk FROM (
            SELECT generate_series(s.first, s.first + cardinality(s.signs) - 1) AS chunk, unnest(s.signs) AS signs
            FROM knowledge_signs AS s WHERE s.document = ANY (%(allowed)s::bigint[])
        ) AS c
        ORDER BY c.signs <~> (SELECT binary_quantize(%(vector)s::halfvec)), c.chunk LIMIT %(near)s
    ) AS n CROSS JOIN LATERAL (
        SELECT v.chunk, v.embedding FROM knowledge_vectors AS v WHERE v.chunk = n.chunk OFFSET 0
    ) AS v
    ORDER BY v.embedding <#> %(vector)s::halfvec, v.chunk LIMIT %(most)s
"""
# `OFFSET 0` keeps these as they are written: the index's order first, then each document by its id.
_ALLOWED: LiteralString = f"{READABLE} AND {_MATCHES} OFFSET 0"
_BY_VECTOR_384: LiteralString = f"""
    SELECT v.chunk FROM knowledge_vectors AS v CROSS JOIN LATERAL (
        SELECT FROM knowledge_documents AS d WHERE d.id = v.document AND {_ALLOWED}
    ) AS allowed
    WHERE vector_dims(v.embedding) = 384 AND v.base = ANY (%(bases)s)
    ORDER BY v.embedding::halfvec(384) <#> %(vector)s::halfvec(384) LIMIT %(most)s
"""  # noqa: S608 - same
_WIDTHS: Final[tuple[LiteralString, ...]] = ("256", "384", "512", "768", "1024", "1536", "2048", "3072")
THROUGH_INDEX: Final[Mapping[int, LiteralString]] = {
    int(width): _BY_VECTOR_384.replace("384", width) for width in _WIDTHS
}
"""By the width of vectors: an index is of one width, which a statement has to name."""
BY_VECTOR_ALL: LiteralString = f"""
    SELECT v.chunk FROM knowledge_vectors AS v CROSS JOIN LATERAL (
        SELECT FROM knowledge_documents AS d WHERE d.id = v.document AND {_ALLOWED}
    ) AS allowed
    WHERE v.base = ANY (%(bases)s) ORDER BY v.embedding <#> %(vector)s::halfvec, v.chunk LIMIT %(most)s
"""  # noqa: S608 - same
_BM25: LiteralString = """
    sum(q.idf * p.weight / (p.weight + %(k1)s * (1 - %(b)s + %(b)s * p.words / %(mean)s)))
"""
# `IS TRUE` has the documents looked up in a hash table: an array would be gone through for each posting, and a join is
# not what is wanted here.
_BY_WORDS_FEW: LiteralString = f"""
    SELECT p.chunk
    FROM unnest(%(read)s::bigint[], %(read_idf)s::float8[]) AS q (term, idf) JOIN knowledge_postings AS p USING (term)
    WHERE (p.chunk >> 20 IN (SELECT unnest(%(allowed)s::bigint[]))) IS TRUE
    GROUP BY p.chunk ORDER BY {_BM25} DESC, p.chunk LIMIT %(most)s
"""  # noqa: S608 - same
_BY_WORDS: LiteralString = f"""
    SELECT s.chunk FROM (
        SELECT p.chunk, {_BM25} AS score
        FROM unnest(%(read)s::bigint[], %(read_idf)s::float8[]) AS q (term, idf)
        JOIN knowledge_postings AS p USING (term)
        GROUP BY p.chunk ORDER BY score DESC OFFSET 0
    ) AS s CROSS JOIN LATERAL (
        SELECT FROM knowledge_documents AS d WHERE d.id = s.chunk >> 20 AND {_ALLOWED}
    ) AS allowed
    ORDER BY s.score DESC LIMIT %(most)s
"""  # noqa: S608 - same
_SCORES: LiteralString = f"""
    SELECT v.chunk, -(v.embedding <#> %(vector)s::halfvec), coalesce(l.own, 0),
        -(t.mean <#> %(vector)s::halfvec), coalesce(l.around, 0), d.modified_at
    FROM unnest(%(chunks)s::bigint[]) AS c (chunk) CROSS JOIN LATERAL (
        SELECT d.words, d.chunks, d.modified_at FROM knowledge_documents AS d
        WHERE d.id = c.chunk >> 20 AND {READABLE} OFFSET 0
    ) AS d
    CROSS JOIN LATERAL (SELECT v.* FROM knowledge_vectors AS v WHERE v.chunk = c.chunk OFFSET 0) AS v
    CROSS JOIN LATERAL (SELECT t.mean FROM knowledge_texts AS t WHERE t.document = c.chunk >> 20 OFFSET 0) AS t
    LEFT JOIN LATERAL (
        SELECT sum(q.idf * p.own / (p.own + %(k1)s * (1 - %(b)s + %(b)s * p.words / %(mean)s))) AS own,
            sum(q.idf * p.around / (p.around + %(k1)s * (1 - %(b)s
                + %(b)s * d.words * least(1, %(window)s::float8 / d.chunks) / %(mean_around)s))) AS around
        FROM unnest(%(terms)s::bigint[], %(idf)s::float8[]) AS q (term, idf)
        CROSS JOIN LATERAL (
            SELECT sum(n.weight) AS around, sum(n.weight) FILTER (WHERE n.chunk = c.chunk) AS own,
                max(n.words) FILTER (WHERE n.chunk = c.chunk) AS words
            FROM knowledge_postings AS n
            WHERE n.term = q.term AND n.chunk BETWEEN c.chunk - %(reach)s AND c.chunk + %(reach)s
        ) AS p
    ) AS l ON true
"""  # noqa: S608 - same
_READ: LiteralString = f"""
    SELECT c.id, d.id, d.version, d.title, c.text, c.starts, c.ends, d.uri, c.heading, c.page, c.anchor
    FROM knowledge_chunks AS c JOIN knowledge_documents AS d ON d.id = c.document
    WHERE c.id = ANY (%(chunks)s) AND {READABLE}
"""  # noqa: S608 - same


@dataclass(frozen=True, slots=True)
class _Terms:
    """The query's words as the bases count them, the rarest first."""

    keys: tuple[int, ...]
    idf: tuple[float, ...]
    counts: tuple[int, ...]
    mean: float
    mean_around: float

    @property
    def values(self) -> dict[str, object]:
        read, postings = 0, 0
        for count in self.counts:
            if read and postings + count > _POSTINGS_READ:
                break
            read, postings = read + 1, postings + count
        return {
            "terms": list(self.keys),
            "idf": list(self.idf),
            "read": list(self.keys[:read]),
            "read_idf": list(self.idf[:read]),
            "k1": TENTHS * _K1,
            "b": _B,
            "mean": self.mean,
            "mean_around": self.mean_around,
            "reach": _REACH,
            "window": 2 * _REACH + 1,
        }


def searching(search: Search, *, now: float) -> Steps[Found]:
    """The steps of a search.  What it finds has labels `1`, `2`, … in its order."""
    most = max(_LEAST_CANDIDATES, 2 * min(search.k, _MOST_K))
    words = list(dict.fromkeys(words_of(search.query)))[:_MOST_TERMS]
    keys = {(base, word): key_of(base, word) for base in search.bases for word in words}
    values: dict[str, object] = {**search.asker.values, **_filters(search), "bases": list(search.bases), "most": most}
    values["near"] = max(_NEAR, 4 * most)
    _, [few], bases, counts = yield (
        assume(search.asker),
        Statement(_FEW, {**values, "few": _FEW_DOCUMENTS}),
        Statement(_BASES, values),
        Statement(_TERMS, {"keys": list(keys.values())}),
    )
    # As text there and back: lists of a thousand numbers take a millisecond to be read and written here.
    allowed: str | None = few[0]
    documents, chunks = int(few[1]), int(few[2])
    width = len(search.vector)
    if allowed is None or not bases or any(of_base[3] != width for of_base in bases):
        return Found((), 0.0)
    terms = _terms(keys, bases, dict(counts))
    values |= {**terms.values, "allowed": allowed, "vector": halfvec(search.vector)}
    is_whole = documents < _FEW_DOCUMENTS
    vectors = max(float(few[3]), *(float(of_base[1]) for of_base in bases))
    near_by = Statement(by_vector(width, chunks if is_whole else None, of=vectors), values)
    by_words = Statement(_BY_WORDS_FEW if is_whole else _BY_WORDS, values)
    beam = str(min(_MOST_BEAM, max(_LEAST_BEAM, most)))
    _, near, worded = yield Statement(_USE_INDEX, {"beam": beam}), near_by, by_words
    candidates = list(dict.fromkeys(int(row[0]) for row in (*near, *worded)))
    [scores] = yield (Statement(_SCORES, {**values, "chunks": candidates}),)
    best = fused(_candidates(scores, terms), now=now, half_life_s=search.half_life_s)
    hits = yield from _reading(search, best)
    return Found(hits, nearest(best), chance(best))


def by_vector(width: int, chunks: int | None, *, of: float) -> LiteralString:
    """How candidates are found: of `chunks` that may be read, None where they were not all counted, among `of`."""
    if chunks is not None and chunks <= _FEW_CHUNKS:
        return BY_VECTOR_FEW
    through_index = THROUGH_INDEX.get(width)
    if chunks is not None and (through_index is None or chunks * chunks <= _SIGNED * of):
        return BY_SIGNS
    return BY_VECTOR_ALL if through_index is None else through_index


def _reading(search: Search, best: Sequence[Candidate]) -> Steps[tuple[Hit, ...]]:
    """Read the best, until there are enough that are not nearly the same."""
    seen = Seen()
    hits: list[Hit] = []
    twins: list[Hit] = []
    for at in range(0, len(best), search.k):
        part = best[at : at + search.k]
        [rows] = yield (Statement(_READ, {**search.asker.values, "chunks": [each.chunk for each in part]}),)
        texts = {int(row[0]): row for row in rows}
        for each in part:
            row = texts.get(each.chunk)
            if row is not None:
                (hits if seen.is_new(row[4]) else twins).append(_hit(row, each))
        if len(hits) >= search.k:
            break
    chosen = [*hits, *twins][: search.k]
    return tuple(_labelled(hit, str(number)) for number, hit in enumerate(chosen, 1))


def _hit(row: Row, found: Candidate) -> Hit:
    passage = Passage(
        label="",
        document=document_id(row[1]),
        version=row[2],
        title=row[3],
        text=row[4],
        start=row[5],
        end=row[6],
        uri=row[7],
        heading=tuple(row[8]),
        page=row[9],
        anchor=row[10],
        score=found.score,
    )
    return Hit(passage, found.chunk, found.cosine, found.lexical)


def _labelled(hit: Hit, label: str) -> Hit:
    return structs.replace(hit, passage=structs.replace(hit.passage, label=label))


def _terms(keys: dict[tuple[BaseId, str], int], bases: Sequence[Row], counts: dict[int, int]) -> _Terms:
    """A word's rarity is that in all the bases together; what none of them has counts nothing and is not looked for."""
    chunks = max(1, sum(row[1] for row in bases))
    words = sum(row[2] for row in bases)
    mean = max(1.0, words / chunks)
    mean_around = min(max(1.0, words / max(1, sum(row[4] for row in bases))), mean * (2 * _REACH + 1))
    of_word: dict[str, int] = {}
    for (_, word), key in keys.items():
        of_word[word] = of_word.get(word, 0) + counts.get(key, 0)
    found = sorted((of_word[word], key, counts[key]) for (_, word), key in keys.items() if counts.get(key, 0) > 0)
    return _Terms(
        tuple(key for _, key, _ in found),
        tuple(log(1 + (chunks - min(chunks, total) + 0.5) / (total + 0.5)) for total, _, _ in found),
        tuple(count for _, _, count in found),
        mean,
        mean_around,
    )


def _candidates(scores: Sequence[Row], terms: _Terms) -> list[Candidate]:
    """BM25 as the share of what it would be for a text that is full of all the words."""
    most = sum(terms.idf) or 1.0
    return [
        Candidate(chunk, cosine, own / most, about, around / most, modified_at)
        for chunk, cosine, own, about, around, modified_at in scores
    ]


def _filters(search: Search) -> dict[str, object]:
    asked = search.filters
    return {
        "equal": Jsonb(dict(asked.equal)) if asked.equal else None,
        "one_of": Jsonb({name: list(each) for name, each in asked.one_of.items()}) if asked.one_of else None,
        "since": asked.since,
        "until": asked.until,
    }
