"""Chunks into vectors: each is read by the encoder together with what it is about, its title and headings."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from penstock.knowledge.document import Chunk
from penstock.knowledge.ingest.chunks import without_addresses
from penstock.knowledge.ingest.weight import weight

Vector: TypeAlias = NDArray[np.float32]
_MOST_CONTEXT: Final = 30


def in_context(title: str, chunk: Chunk) -> str:
    """What is read of a chunk: its title, the headings that do not stand in it, and its text without addresses."""
    text = without_addresses(chunk.text)
    # The title first, then the nearest headings, as far as there is room; in the document's order.
    ranked = [title, *reversed([each for each in chunk.heading if each != title and f"# {each}" not in text])]
    kept: list[str] = []
    room = _MOST_CONTEXT
    for each in ranked:
        words = each if weight(each) <= room else " ".join(each.split()[: max(room // 2, 0)])
        if words and room > 3:
            kept.append(words)
            room -= weight(words)
    return " > ".join([*kept[:1], *reversed(kept[1:])]) + f"\n{text}"


class Embedder:
    """Reads texts with `read` in `threads` threads; in order, as futures."""

    def __init__(self, read: Callable[[str], Vector], *, width: int, threads: int = 2) -> None:
        self._read = read
        self._width = width
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="embedding")

    def submit(self, title: str, chunks: Sequence[Chunk]) -> "list[Future[Vector]]":
        return [self._pool.submit(self._vector, in_context(title, chunk)) for chunk in chunks]

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)

    def gathered(self, futures: "Sequence[Future[Vector]]") -> Vector:
        """A row for each; waits for them."""
        if not futures:
            return np.zeros((0, self._width), np.float32)
        return np.stack([future.result() for future in futures]).astype(np.float32, copy=False)

    def _vector(self, text: str) -> Vector:
        found = self._read(text)
        if found.any():
            return found
        # Of a text in no script that the encoder knows nothing can be said; it lies equally far from everything.
        return np.full(self._width, self._width**-0.5, np.float32)
