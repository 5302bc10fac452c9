"""The fleet's boards, real: PostgreSQL and Redis, alone and as a cluster, beside one in memory for simulated time."""

from collections.abc import Iterator

import psycopg
import pytest
from tests.admission.fleet.memory import MemoryBoard
from tests.admission.limits.conftest import address, redis_cluster, redis_server

from penstock.admission.fleet.board import Board
from penstock.admission.fleet.redis_board import RedisBoard
from penstock.admission.fleet.store import PostgresBoard
from penstock.core.clock import SystemClock

__all__ = ["address", "redis_cluster", "redis_server"]

STORES = ("postgres", "redis", "cluster")
BOARDS = ("memory", *STORES)


class Desks:
    """Gives each process a board of its own, on the same store."""

    def __init__(self, kind: str, url: str) -> None:
        self._kind = kind
        self._url = url
        self._memory = MemoryBoard(SystemClock())
        self._opened: list[Board] = []

    def open(self) -> Board:
        match self._kind:
            case "postgres":
                board: Board = PostgresBoard(lambda: psycopg.connect(self._url))
            case "redis" | "cluster":
                board = RedisBoard(self._url, is_cluster=self._kind == "cluster")
            case _:
                board = self._memory.another()
        self._opened.append(board)
        return board

    def close(self) -> None:
        for board in self._opened:
            board.close()


@pytest.fixture
def desks(address: tuple[str, str]) -> Iterator[Desks]:
    opened = Desks(*address)
    yield opened
    opened.close()
