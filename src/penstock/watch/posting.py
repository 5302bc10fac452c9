"""One POST of this machine's own over HTTP: alerts to webhooks, traces to a collector; e-mail connects by `reach` too.

Called in threads.  No redirects and no proxies: what is sent goes where the configuration says.  The address is looked
up once and is what the connection is made to, so that a name cannot pass the check for private addresses and then lead
elsewhere.  Certificates are checked by the system's authorities (`SSL_CERT_FILE` adds one), or by `ca_file` alone.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

_SHOWN_BYTES = 2048
_NOT_PUBLIC = tuple(ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 addresses that lead on to an IPv4 address of anybody's choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """How it is sent.  Without `allow_private` no address that is not everybody's is reached."""

    timeout_s: float
    allow_private: bool
    ca_file: str | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back.  `status` is None where nothing did, and `error` says why; `body` is the beginning."""

    status: int | None
    error: str | None
    body: bytes
    took_s: float
    retry_after_s: float | None = None

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_gone(self) -> bool:
        """The receiver wants no more of them."""
        return self.status == 410

    @property
    def text(self) -> str:
        """The body, for people."""
        return self.body.decode("utf-8", "replace")

    @property
    def problem(self) -> str:
        """For people, where it is not taken."""
        return self.error or f"it answered {self.status}"


class Unreachable(Exception):
    """It must not be reached; `str()` says why."""


def post(url: str, body: bytes, headers: Mapping[str, str], way: Way) -> Posted:
    """Send it once.  Never raises for what the receiver or the network does; takes little longer than `timeout_s`."""
    begun_s = time.monotonic()
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Connection(url, way)
    status, error, shown, retry_after_s = None, None, b"", None
    try:
        connection.request("POST", target, body=body, headers=dict(headers))
        response = connection.getresponse()
        if connection.is_cut:  # within the head, which reads as its end
            raise TimeoutError
        status = response.status
        retry_after_s = _retry_after(response.getheader("retry-after"))
        with suppress(OSError, http.client.HTTPException, ValueError):  # the status says it all
            shown = response.read(_SHOWN_BYTES)
    except Unreachable as refused:
        error = str(refused)
    except (OSError, http.client.HTTPException, ValueError) as failed:
        is_late = connection.is_cut or isinstance(failed, TimeoutError)
        error = f"no answer within {way.timeout_s:g} s" if is_late else _said(failed)
    finally:
        connection.close()
    return Posted(status, error, shown, time.monotonic() - begun_s, retry_after_s)


class _Connection(http.client.HTTPConnection):
    """To the address that was checked, and cut when its whole time is over, however slowly something drips in."""

    def __init__(self, url: str, way: Way) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if self._is_secure else 80), timeout=way.timeout_s)
        self.default_port = 443 if self._is_secure else 80
        self._way = way
        self._timer = threading.Timer(way.timeout_s, self._cut)
        self._timer.daemon = True
        self.is_cut = False

    def connect(self) -> None:
        self._timer.start()
        raw = reach(self.host, self.port, self._way)
        if self._is_secure:
            try:
                raw = ssl.create_default_context(cafile=self._way.ca_file).wrap_socket(raw, server_hostname=self.host)
            except (OSError, ValueError):
                raw.close()
                raise
        self.sock = raw

    def close(self) -> None:
        self._timer.cancel()
        super().close()

    def _cut(self) -> None:
        self.is_cut = True
        raw: socket.socket | None = self.sock
        if raw is not None:
            try:
                socket.socket.shutdown(raw, socket.SHUT_RDWR)  # not TLS's own, which another thread is using
            except OSError:
                return


def reach(host: str, port: int, way: Way) -> socket.socket:
    """A connection to the address that was checked.  Raises `OSError` and `Unreachable`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    allowed = [each for each in found if way.allow_private or is_public(str(each[4][0]))]
    if not allowed:
        raise Unreachable("its address is private, and `allow_private` is off")
    problem: OSError | None = None
    for _, _, _, _, address in allowed:
        try:
            return socket.create_connection((str(address[0]), port), timeout=way.timeout_s)
        except OSError as error:
            problem = error
    raise problem or OSError("it has no address")


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody may reach, and leads nowhere else."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in _NOT_PUBLIC):
            return False
    return found.is_global and not found.is_multicast


def _retry_after(value: str | None) -> float | None:
    return float(value) if value is not None and value.isascii() and value.isdecimal() and len(value) < 7 else None


def _said(error: Exception) -> str:
    """What went wrong, without a byte of what a stranger's server sent."""
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {error.verify_message}"
        case socket.gaierror():
            return "its name cannot be resolved"
        case OSError():
            return f"it cannot be reached: {error.strerror or type(error).__name__}"
        case _:
            return f"its answer is not HTTP: {type(error).__name__}"
