"""The streaming upstream: 50 events a second on each of many streams, each event stamped with its time of sending.

Run as a program with a port.  One epoll loop and a wheel of twenty slots, one a millisecond: every stream sits in one
slot, and the streams of a slot get the same bytes.  That keeps its own cost low and the arrivals spread out.
"""

import re
import select
import socket
import sys
import time

from bench.payloads import LAST_CHUNKS, first_chunk, text_chunk

SLOTS = 20
SLOT_NS = 1_000_000
"""Twenty slots of a millisecond: each stream has an event every 20 ms."""

_HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ncache-control: no-cache\r\n"
    b"x-request-id: req_bench\r\ntransfer-encoding: chunked\r\n\r\n"
)
_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
_EVENTS = re.compile(rb'"max_(?:completion_)?tokens": *(\d+)')


class Upstream:
    def __init__(self, port: int) -> None:
        self.listener = socket.create_server(("127.0.0.1", port), backlog=2048)
        self.listener.setblocking(False)
        self.epoll = select.epoll()
        self.epoll.register(self.listener, select.EPOLLIN)
        self.connections: dict[int, socket.socket] = {}
        self.received: dict[int, bytes] = {}
        self.wheel: list[dict[int, list[int]]] = [{} for _ in range(SLOTS)]
        self.next_slot = 0

    def serve(self) -> None:
        at, due_ns = 0, time.monotonic_ns()
        while True:
            wait_ns = due_ns - time.monotonic_ns()
            # epoll's timeout has a millisecond's resolution: round down and sleep the rest, or events come in bursts
            for fd, _ in self.epoll.poll(max(0, wait_ns // 1_000_000) / 1000):
                self.accept() if fd == self.listener.fileno() else self.read(fd)
            wait_ns = due_ns - time.monotonic_ns()
            if wait_ns > SLOT_NS:
                continue
            if wait_ns > 0:
                time.sleep(wait_ns / 1e9)  # noqa: TID251 - this loop is its own clock
            self.tick(at)
            at = (at + 1) % SLOTS
            due_ns += SLOT_NS

    def accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except BlockingIOError:
                return
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.connections[connection.fileno()] = connection
            self.received[connection.fileno()] = b""
            self.epoll.register(connection, select.EPOLLIN)

    def read(self, fd: int) -> None:
        try:
            data = self.connections[fd].recv(65_536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.drop(fd)
            return
        self.received[fd] += data
        head, separator, body = self.received[fd].partition(b"\r\n\r\n")
        if not separator:
            return
        length = _LENGTH.search(head)
        is_whole = len(body) >= int(length[1]) if length else head.startswith(b"GET") or body.endswith(b"0\r\n\r\n")
        if is_whole:
            self.received[fd] = b""
            self.begin(fd, head, body)

    def begin(self, fd: int, head: bytes, body: bytes) -> None:
        if head.startswith(b"GET"):
            self.connections[fd].send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
            return
        wanted = _EVENTS.search(body)
        self.connections[fd].send(_HEAD + first_chunk(time.monotonic_ns()))
        self.wheel[self.next_slot][fd] = [int(wanted[1]) - 1 if wanted else 100]
        self.next_slot = (self.next_slot + 7) % SLOTS

    def tick(self, at: int) -> None:
        slot = self.wheel[at]
        if not slot:
            return
        data = text_chunk(time.monotonic_ns())
        for fd, left in list(slot.items()):
            left[0] -= 1
            is_last = left[0] <= 0
            piece = data + LAST_CHUNKS if is_last else data
            try:
                is_sent = self.connections[fd].send(piece) == len(piece)
            except OSError:
                is_sent = False
            if not is_sent:
                self.drop(fd)  # the gateway has gone, or has not read for so long that the socket is full
                continue
            if is_last:
                del slot[fd]

    def drop(self, fd: int) -> None:
        connection = self.connections.pop(fd)
        self.epoll.unregister(fd)
        connection.close()
        self.received.pop(fd, None)
        for slot in self.wheel:
            slot.pop(fd, None)


if __name__ == "__main__":
    Upstream(int(sys.argv[1])).serve()
