"""How an answer looks on the wire: status line, date, headers and the framing of the body."""

from email.utils import formatdate
from http import HTTPStatus

from penstock.core.clock import Clock

HeaderList = list[tuple[str, str]]

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
CHUNKED = "transfer-encoding: chunked\r\n"
CLOSE = "connection: close\r\n"
KEEP_ALIVE = "connection: keep-alive\r\n"
"""Said to HTTP/1.0 only: later versions keep a connection unless told otherwise."""

_PHRASES = {status.value: status.phrase for status in HTTPStatus} | {499: "Client Closed Request"}
"""499 is nginx's, for a request whose client has left."""


class HeadWriter:
    """Writes the heads of answers.  One for each listener: the `date` line is made once a second.

    While `is_draining`, every answer is its connection's last and says so.
    """

    __slots__ = ("_clock", "_date", "_second", "is_draining")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._second = -1
        self._date = ""
        self.is_draining = False

    def head(self, status: int, headers: HeaderList, framing: str) -> bytes:
        """The head up to and with its empty line.  `framing` is whole header lines.

        Raises `ValueError` for a header that would end early and begin another, or that Latin-1 cannot write.
        """
        second = int(self._clock.now())
        if second != self._second:
            self._second = second
            self._date = f"date: {formatdate(second, usegmt=True)}\r\n"
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
        if lines.count("\r") != len(headers) or lines.count("\n") != len(headers) or "\0" in lines:
            raise ValueError("a header's name or value has a line break or a NUL in it")
        phrase = _PHRASES.get(status, "Unknown")
        return f"HTTP/1.1 {status} {phrase}\r\n{self._date}{lines}{framing}\r\n".encode("latin-1")


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body.  `data` is not empty: that would be the end."""
    return b"%x\r\n%b\r\n" % (len(data), data)
