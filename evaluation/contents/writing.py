"""Contents as many callers would have left them: words as frequent as in a language, sealed and marked as ever.

Written by the database's own way of taking very many rows, and indexed afterwards: what is there in the end is what
the control plane would have brought in.
"""

import struct
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from functools import cache

import numpy as np
import numpy.typing as npt
import psycopg

from penstock.app.contents.plane import opening_of
from penstock.guard.personal.vault.sealing import Sealer
from penstock.watch.contents.content import Content, Piece, Said, Turn
from penstock.watch.contents.marks import DAY_S

KEY = b"e" * 32
NOW = 1_790_000_000
DAYS = 30
TENANTS = ("large", "t1", "t2", "t3", "t4")
VOCABULARY = 50_000
WORDS = 150
"""Of an exchange, of which about two in three are different."""
BURST_DAY = 20
_AT_ONCE = 2_000
_AHEAD = 8
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack("!II", 0, 0)
_ARRAY = np.dtype([("size", ">i4"), ("value", ">i8")])
_INT8 = 20


def word(rank: int) -> str:
    """The word of a rank, 0 being the most frequent; of letters alone."""
    letters = ""
    number = rank + 26
    while number:
        number, at = divmod(number, 26)
        letters += chr(97 + at)
    return letters + "en"


def exchange_id(number: int, rows: int) -> str:
    """Spread evenly over the days, and unlike every other."""
    at_ms = int((NOW - DAYS * DAY_S * (1 - number / rows)) * 1000)
    return f"ex_{at_ms:012x}{number:020x}"


def fill(url: str, rows: int, *, processes: int) -> None:
    """Fewer rows than that are never left: raises what goes wrong."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP INDEX contents_marks")
        with ProcessPoolExecutor(processes) as pool, connection.cursor() as cursor:
            copying = "COPY contents (id, tenant, expires_at, key_id, sealed, marks) FROM STDIN (FORMAT binary)"
            with cursor.copy(copying) as copy:
                copy.write(_HEADER)
                for block in _in_order(pool, rows):
                    copy.write(block)
                copy.write(struct.pack("!h", -1))
        connection.execute("SET maintenance_work_mem = '1GB'")
        connection.execute("CREATE INDEX contents_marks ON contents USING gin (marks)")
        connection.execute("VACUUM ANALYZE contents")


def _in_order(pool: ProcessPoolExecutor, rows: int) -> Iterator[bytes]:
    """All rows, of which few wait in memory: they are made faster than they are written."""
    making: deque[Future[bytes]] = deque()
    for start in range(0, rows, _AT_ONCE):
        making.append(pool.submit(block_of, rows, start))
        if len(making) > _AHEAD:
            yield making.popleft().result()
    while making:
        yield making.popleft().result()


def block_of(rows: int, start: int) -> bytes:
    """Some rows, as COPY takes them."""
    rng = np.random.default_rng(start)
    count = min(_AT_ONCE, rows - start)
    ranks = 1 / np.arange(1, VOCABULARY + 1)
    drawn = np.searchsorted(np.cumsum(ranks / ranks.sum()), rng.random((count, WORDS)))
    maker = _maker()
    return b"".join(maker.row(start + at, rows, np.minimum(drawn[at], VOCABULARY - 1)) for at in range(count))


@cache
def _maker() -> "_Maker":
    """Of this process: what its words and their hashes are takes longer to find out than to write some rows."""
    return _Maker()


class _Maker:
    def __init__(self) -> None:
        self._opening = opening_of(Sealer(KEY))
        self._key_id = Sealer(KEY).key_id
        self._words = [word(rank) for rank in range(VOCABULARY)]
        self._hashes: dict[str, npt.NDArray[np.int64]] = {}

    def row(self, number: int, rows: int, ranks: npt.NDArray[np.int64]) -> bytes:
        turn = number // 7 % 20
        tenant = TENANTS[0] if turn < 12 else TENANTS[1 + turn % 4]
        exchange = exchange_id(number, rows)
        day = int(exchange[3:15], 16) // 1000 // DAY_S
        besides = planted(number, rows, day)
        said: list[str] = [*(self._words[rank] for rank in ranks), *besides]
        half = len(said) // 2
        content = Content(
            model="help",
            end="completed",
            target="openai/gpt",
            turns=(Turn(role="user", pieces=(Piece(kind="text", text=" ".join(said[:half])),)),),
            choices=(Said(pieces=(Piece(kind="text", text=" ".join(said[half:])),), finish="stop"),),
        )
        _, sealed = self._opening.sealed.seal(tenant, exchange, content)
        marks = np.unique(np.concatenate((self._known(tenant)[ranks], self._marks(tenant, besides))))
        marks |= day % 32768 << 48
        return _packed(
            (exchange.encode(), tenant.encode(), struct.pack("!d", 9e9), self._key_id.encode(), sealed, _array(marks))
        )

    def _known(self, tenant: str) -> npt.NDArray[np.int64]:
        """The hash of each word of the vocabulary, by its rank."""
        if tenant not in self._hashes:
            self._hashes[tenant] = np.concatenate([self._marks(tenant, (each,)) for each in self._words])
        return self._hashes[tenant]

    def _marks(self, tenant: str, words: Sequence[str]) -> npt.NDArray[np.int64]:
        """Of day nought, which leaves the hashes alone."""
        return np.array(self._opening.marker.marks(tenant, self._key_id, 0, words), dtype=np.int64)


def planted(number: int, rows: int, day: int) -> list[str]:
    """What is looked for: in a handful of exchanges, in a phrase, or on one day alone in all of them."""
    said: list[str] = []
    if number % (rows // 5) == 7:
        said += ["zanzibar"]
    if number % (rows // 7) == 11:
        said += ["the", "purple", "heron", "sings"]
    if day == (NOW // DAY_S) - BURST_DAY:
        said += ["breakdown"]
    if number % 1_000 == 3:
        said += ["invoice"]
    if number % 100 == 3:
        said += ["delivery"]
    return said


def _array(marks: npt.NDArray[np.int64]) -> bytes:
    items = np.empty(len(marks), dtype=_ARRAY)
    items["size"], items["value"] = 8, marks
    return struct.pack("!iiIii", 1, 0, _INT8, len(marks), 1) + items.tobytes()


def _packed(fields: Sequence[bytes]) -> bytes:
    return struct.pack("!h", len(fields)) + b"".join(struct.pack("!i", len(each)) + each for each in fields)
