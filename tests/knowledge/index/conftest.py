"""Bases with documents whose vectors are made up, so that these tests need no encoder."""

import hashlib
from collections.abc import Iterator

import numpy as np
import psycopg
import pytest
from numpy.typing import NDArray

from penstock.core.sources import PUBLIC, Reader
from penstock.knowledge.document import BaseId, Chunk, Document
from penstock.knowledge.index.bases import Fingerprint, create_base
from penstock.knowledge.index.store import PostgresStore
from penstock.knowledge.index.words import words_of
from penstock.testing.clock import FakeClock

WIDTH = 384
MADE_UP = Fingerprint("made up", WIDTH)
STAFF = Reader("group:staff")


def vector_of(text: str) -> NDArray[np.float32]:
    """A sum of fixed random vectors of its words: texts that share words are near each other."""
    total = np.zeros(WIDTH, np.float32)
    for word in words_of(text):
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big")
        total += np.random.default_rng(seed).standard_normal(WIDTH, np.float32)
    norm = float(np.linalg.norm(total))
    return total / norm if norm else total


def vectors_of(document: Document) -> NDArray[np.float32]:
    return np.stack([vector_of(chunk.text) for chunk in document.chunks])


def document(key: str, *paragraphs: str, readers: tuple[Reader, ...] = (PUBLIC,), **more: object) -> Document:
    text = "\n\n".join(paragraphs)
    chunks: list[Chunk] = []
    at = 0
    for ordinal, paragraph in enumerate(paragraphs):
        chunks.append(Chunk(ordinal=ordinal, text=paragraph, start=at, end=at + len(paragraph)))
        at += len(paragraph) + 2
    fields: dict[str, object] = {"title": key, "media_type": "text/plain", "source": "folder", **more}
    return Document(
        key=key,
        text=text,
        chunks=tuple(chunks),
        digest=hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest(),
        readers=readers,
        **fields,  # type: ignore[arg-type]
    )


@pytest.fixture
def connection(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(connection: psycopg.Connection, clock: FakeClock) -> PostgresStore:
    return PostgresStore(connection, clock)


@pytest.fixture
def base(connection: psycopg.Connection) -> BaseId:
    return create_base(connection, "acme", "handbook", MADE_UP)
