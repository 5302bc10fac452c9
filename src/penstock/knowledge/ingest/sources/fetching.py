"""Fetching over HTTP for somebody who gave the addresses: only from hosts that were named, and from no inner network.

A name is looked up once, what it stands for is checked, and that address is connected to: a name that changes its mind
between the check and the connection leads nowhere else.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import SplitResult, urljoin, urlsplit

from penstock.knowledge.ingest.sources.source import Gone
from penstock.knowledge.ingest.unreadable import Unreadable

_MOST_REDIRECTS: Final = 5
_TIMEOUT_S: Final = 20.0
_BLOCK: Final = 1 << 16
_AGENT: Final = "Penstock (documents named by their owner)"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})

Resolve = Callable[[str, int], list[str]]


@dataclass(frozen=True, slots=True)
class Page:
    """`mark` is the validator to send the next time; `data` is None where nothing has changed since `mark`."""

    data: bytes | None
    mark: str | None
    content_type: str
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a name.  Raises `OSError`."""
    return [str(each[4][0]) for each in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


class Fetcher:
    """`fetch` blocks.  `hosts` are the only ones asked, redirects included; `inner_hosts` of them may be private."""

    def __init__(
        self,
        hosts: Collection[str],
        *,
        most_bytes: int,
        inner_hosts: Collection[str] = (),
        resolve: Resolve = resolve,
        timeout_s: float = _TIMEOUT_S,
    ) -> None:
        self._hosts = {host.lower() for host in hosts}
        self._inner = {host.lower() for host in inner_hosts}
        self._most_bytes = most_bytes
        self._resolve = resolve
        self._timeout_s = timeout_s

    def fetch(self, url: str, *, mark: str | None = None) -> Page:
        """Raises `Gone` for 404 and 410, and `Unreadable`: `forbidden` where we do not go, else `unreachable`."""
        for _ in range(_MOST_REDIRECTS + 1):
            found = self._once(url, mark)
            if isinstance(found, Page):
                return found
            url = urljoin(url, found)
        raise Unreadable("unreachable", f"it leads on more than {_MOST_REDIRECTS} times")

    def _once(self, url: str, mark: str | None) -> Page | str:
        parts = urlsplit(url)
        connection = self._connection(parts)
        headers = {"user-agent": _AGENT, "accept": "*/*", "accept-encoding": "identity"}
        kind, _, value = (mark or "").partition(":")
        if value:
            headers["if-none-match" if kind == "etag" else "if-modified-since"] = value
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        try:
            connection.request("GET", target, headers=headers)
            answer = connection.getresponse()
            if answer.status in _REDIRECTS and (location := answer.getheader("location")):
                return location
            return self._page(answer, mark)
        except (OSError, http.client.HTTPException, UnicodeError) as error:
            raise Unreadable("unreachable", f"it cannot be fetched ({type(error).__name__})") from None
        finally:
            connection.close()

    def _page(self, answer: http.client.HTTPResponse, mark: str | None) -> Page:
        content_type = answer.getheader("content-type") or ""
        if answer.status == 304 and mark is not None:
            return Page(None, mark, content_type)
        if answer.status in {404, 410}:
            raise Gone
        if answer.status != 200:
            raise Unreadable("unreachable", f"the server answers {answer.status}")
        data = bytearray()
        while block := answer.read(_BLOCK):
            data += block
            if len(data) > self._most_bytes:
                raise Unreadable("too_large", f"it has more than {self._most_bytes >> 20} MiB")
        etag, modified = answer.getheader("etag"), answer.getheader("last-modified")
        new_mark = f"etag:{etag}" if etag else f"modified:{modified}" if modified else None
        return Page(bytes(data), new_mark, content_type)

    def _connection(self, parts: SplitResult) -> http.client.HTTPConnection:
        host = (parts.hostname or "").lower()
        if parts.scheme not in {"http", "https"} or not host:
            raise Unreadable("forbidden", "its address is not of the web")
        if host not in self._hosts:
            raise Unreadable("forbidden", f"it is on {host}, which is another host than the source's")
        try:
            port = parts.port or (443 if parts.scheme == "https" else 80)
            addresses = self._resolve(host, port)
        except (OSError, UnicodeError, ValueError):
            raise Unreadable("unreachable", f"{host} cannot be found") from None
        if host not in self._inner:
            addresses = [each for each in addresses if _is_public(each)]
        if not addresses:
            raise Unreadable(
                "forbidden", f"{host} is an address of an inner network: allow it by name if that is meant"
            )
        if parts.scheme == "https":
            return _PinnedHttps(host, port, addresses[0], self._timeout_s)
        return _Pinned(host, port, addresses[0], self._timeout_s)


def _is_public(address: str) -> bool:
    found = ipaddress.ip_address(address.split("%", 1)[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is not None:
            found = inner
    return found.is_global and not found.is_multicast


class _Pinned(http.client.HTTPConnection):
    """Connects to the address that was checked, whatever the name stands for by now."""

    def __init__(self, host: str, port: int, address: str, timeout_s: float) -> None:
        super().__init__(host, port, timeout=timeout_s)
        self._address = address

    def connect(self) -> None:
        self.sock = socket.create_connection((self._address, self.port), self.timeout)


class _PinnedHttps(http.client.HTTPSConnection):
    def __init__(self, host: str, port: int, address: str, timeout_s: float) -> None:
        self._secure = ssl.create_default_context()
        super().__init__(host, port, timeout=timeout_s, context=self._secure)
        self._address = address

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        self.sock = self._secure.wrap_socket(plain, server_hostname=self.host)
