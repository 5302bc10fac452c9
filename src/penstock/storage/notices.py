"""Waits for news on a connection as cheaply as the system does: to ask psycopg takes a third of a millisecond, which
threads that look ten times a second would spend all day.
"""

import math
import select

import psycopg


def is_readable(connection: psycopg.Connection, within_s: float, *, woken: int | None = None) -> bool:
    """Whether something has come on the connection, a notice or its end, as soon as it has and at the latest then.

    It ends sooner where the descriptor `woken` can be read.  What came together with the answer to a query is not seen:
    ask `notifies(timeout=0)` after one.  Raises `psycopg.OperationalError` where the connection is closed.
    """
    poll = select.poll()
    fd = connection.fileno()
    poll.register(fd, select.POLLIN)
    if woken is not None:
        poll.register(woken, select.POLLIN)
    return any(each == fd for each, _ in poll.poll(math.ceil(1000 * max(within_s, 0.0))))
