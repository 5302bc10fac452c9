"""A base of 100,000 chunks, made of those of the other sets: each again several times, with words and vectors changed.

One word in five is another's, and each vector is moved at random until its cosine with the first is about 0.9; so the
words are as frequent as real ones are, and the vectors lie as they do around real ones.
"""

import random
import re
import time
from collections.abc import Callable
from typing import Final

import numpy as np
import psycopg

from evaluation.retrieval.memo import Memo
from evaluation.retrieval.sets import Piece, RetrievalSet, Text
from penstock.core.clock import SystemClock
from penstock.core.sources import Reader
from penstock.knowledge.document import BaseId, Chunk, Document
from penstock.knowledge.index.bases import Fingerprint, create_base
from penstock.knowledge.index.store import PostgresStore
from penstock.knowledge.ingest.embedding import in_context

TENANT: Final = "acme"
GROUPS: Final = 100
CHUNKS_A_DOCUMENT: Final = 10
_MOVED: Final = 0.48


def readers_of_number(number: int) -> tuple[Reader, ...]:
    """One group in a hundred, and every second document another one that is large."""
    of_one = Reader(f"group:g{number % GROUPS}")
    return (of_one, Reader("group:half")) if (number // GROUPS) % 2 == 0 else (of_one,)


def _chunk(piece: Piece) -> Chunk:
    return Chunk(ordinal=0, text=piece.text, start=0, end=len(piece.text), heading=piece.heading)


def fill_crowd(
    connection: psycopg.Connection,
    sets: list[RetrievalSet],
    memo: Memo,
    *,
    chunks: int,
    say: Callable[[str], None],
) -> BaseId:
    """Put them through the store, as ingest would; the vectors' index is made at the end, which is the same index."""
    pieces = [(text, piece) for each in sets for text in each.texts for piece in text.pieces]
    vectors = memo.vectors([in_context(text.title, _chunk(piece)) for text, piece in pieces])
    base = create_base(connection, TENANT, "crowd", Fingerprint("crowd", vectors.shape[1]))
    store = PostgresStore(connection, SystemClock())
    draw = random.Random(7)  # noqa: S311 - a repeatable draw
    numbers = np.random.default_rng(7)
    words = [word for _, piece in pieces[::7] for word in piece.text.split()]
    connection.execute("DROP INDEX knowledge_vectors_384")
    began = time.monotonic()
    order = list(range(len(pieces)))
    at = len(order)
    for number in range(chunks // CHUNKS_A_DOCUMENT):
        if at + CHUNKS_A_DOCUMENT > len(order):
            draw.shuffle(order)
            at = 0
        chosen = order[at : at + CHUNKS_A_DOCUMENT]
        at += CHUNKS_A_DOCUMENT
        title: Text = pieces[chosen[0]][0]
        texts = [
            re.sub(r"\S+", lambda match: draw.choice(words) if draw.random() < 0.2 else match[0], pieces[one][1].text)
            for one in chosen
        ]
        noise = numbers.standard_normal((len(chosen), vectors.shape[1])).astype(np.float32)
        moved = vectors[chosen] + _MOVED * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
        store.put(base, _document(number, title.title, texts), moved)
        if number % 1000 == 999:
            say(f"{(number + 1) * CHUNKS_A_DOCUMENT} chunks after {time.monotonic() - began:.0f} s")
    connection.execute("SET maintenance_work_mem = '1GB'")
    connection.execute("SET max_parallel_maintenance_workers = 0")
    connection.execute(
        "CREATE INDEX knowledge_vectors_384 ON knowledge_vectors USING hnsw ((embedding::halfvec(384)) halfvec_ip_ops)"
        " WITH (m = 16, ef_construction = 64) WHERE vector_dims(embedding) = 384"
    )
    say(f"index after {time.monotonic() - began:.0f} s")
    connection.execute("VACUUM ANALYZE")
    return base


def _document(number: int, title: str, texts: list[str]) -> Document:
    chunks: list[Chunk] = []
    at = 0
    for ordinal, text in enumerate(texts):
        chunks.append(Chunk(ordinal=ordinal, text=text, start=at, end=at + len(text)))
        at += len(text) + 1
    return Document(
        key=f"{number:06d}",
        title=title,
        text="\n".join(texts),
        chunks=tuple(chunks),
        digest=str(number).encode(),
        media_type="text/plain",
        readers=readers_of_number(number),
        source="crowd",
        modified_at=1.7e9 + number,
        metadata={"kind": "abc"[number % 3]},
    )
