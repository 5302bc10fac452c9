"""One alert to one webhook over HTTP, signed as https://www.standardwebhooks.com says (specification 1.0.0).

Called in threads.  No redirects and no proxies: an alert goes where the configuration says.  The address is looked up
once and is what the connection is made to, so that a name cannot pass the check for private addresses and then lead
elsewhere.  Certificates are checked by the system's authorities (`SSL_CERT_FILE` adds one).
"""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlsplit

import msgspec

import penstock
from penstock.watch.alerts.alert import Alert, Severity, is_at_least

_SHOWN_BYTES = 2048
_NOT_PUBLIC = tuple(ipaddress.ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))
"""IPv6 addresses that lead on to an IPv4 address of anybody's choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """A receiver.  `keys` sign, the present one first; `kinds` and `tenants` None are all."""

    name: str
    url: str
    keys: tuple[bytes, ...]
    kinds: tuple[str, ...] | None = None
    tenants: frozenset[str] | None = None
    min_severity: Severity = "info"

    def wants(self, alert: Alert) -> bool:
        return (
            is_at_least(alert.severity, self.min_severity)
            and (self.tenants is None or alert.tenant in self.tenants)
            and (self.kinds is None or any(_is_match(kind, alert.kind) for kind in self.kinds))
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back.  `status` is None where nothing did, and `error` says why; `body` is the beginning."""

    status: int | None
    error: str | None
    body: str
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
    def problem(self) -> str:
        """For people, where it is not taken."""
        return self.error or f"it answered {self.status}"


class _Refused(Exception):
    pass


def message_id(alert_id: str) -> str:
    """The webhook-id: the same for each attempt, and with no character that a header or a signature cannot have."""
    return f"msg_{hashlib.sha256(alert_id.encode()).hexdigest()[:40]}"


def message(alert: Alert) -> bytes:
    """The JSON that is sent."""
    timestamp = datetime.fromtimestamp(alert.at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return msgspec.json.encode({"type": alert.kind, "timestamp": timestamp, "data": alert})


def signature(keys: Sequence[bytes], msg_id: str, timestamp: int, body: bytes) -> str:
    """The webhook-signature: one for each key, a space between them."""
    signed = b"%b.%d.%b" % (msg_id.encode(), timestamp, body)
    return " ".join("v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode() for key in keys)


def post(webhook: Webhook, alert: Alert, *, now: float, timeout_s: float, allow_private: bool) -> Reply:
    """Send it once.  Never raises for what the receiver or the network does; takes little longer than `timeout_s`."""
    msg_id, body = message_id(alert.id), message(alert)
    headers = {
        "content-type": "application/json",
        "user-agent": f"penstock/{penstock.__version__}",
        "webhook-id": msg_id,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": signature(webhook.keys, msg_id, int(now), body),
    }
    begun_s = time.monotonic()
    parts = urlsplit(webhook.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = _Connection(webhook.url, timeout_s=timeout_s, allow_private=allow_private)
    status, error, shown, retry_after_s = None, None, b"", None
    try:
        connection.request("POST", target, body=body, headers=headers)
        response = connection.getresponse()
        if connection.is_cut:  # within the head, which reads as its end
            raise TimeoutError
        status = response.status
        retry_after_s = _retry_after(response.getheader("retry-after"))
        with suppress(OSError, http.client.HTTPException, ValueError):  # the status says it all
            shown = response.read(_SHOWN_BYTES)
    except _Refused as refused:
        error = str(refused)
    except (OSError, http.client.HTTPException, ValueError) as failed:
        is_late = connection.is_cut or isinstance(failed, TimeoutError)
        error = f"no answer within {timeout_s:g} s" if is_late else _said(failed)
    finally:
        connection.close()
    return Reply(status, error, shown.decode("utf-8", "replace"), time.monotonic() - begun_s, retry_after_s)


class _Connection(http.client.HTTPConnection):
    """To the address that was checked, and cut when its whole time is over, however slowly something drips in."""

    def __init__(self, url: str, *, timeout_s: float, allow_private: bool) -> None:
        parts = urlsplit(url)
        self._is_secure = parts.scheme == "https"
        super().__init__(parts.hostname or "", parts.port or (443 if self._is_secure else 80), timeout=timeout_s)
        self.default_port = 443 if self._is_secure else 80
        self._timeout_s = timeout_s
        self._allow_private = allow_private
        self._timer = threading.Timer(timeout_s, self._cut)
        self._timer.daemon = True
        self.is_cut = False

    def connect(self) -> None:
        self._timer.start()
        raw = self._reach()
        if self._is_secure:
            try:
                raw = ssl.create_default_context().wrap_socket(raw, server_hostname=self.host)
            except (OSError, ValueError):
                raw.close()
                raise
        self.sock = raw

    def close(self) -> None:
        self._timer.cancel()
        super().close()

    def _reach(self) -> socket.socket:
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        allowed = [each for each in found if self._allow_private or is_public(str(each[4][0]))]
        if not allowed:
            raise _Refused("its address is private, and `alerts.allow_private` is off")
        problem: OSError | None = None
        for _, _, _, _, address in allowed:
            try:
                return socket.create_connection((str(address[0]), self.port), timeout=self._timeout_s)
            except OSError as error:
                problem = error
        raise problem or OSError("it has no address")

    def _cut(self) -> None:
        self.is_cut = True
        raw: socket.socket | None = self.sock
        if raw is not None:
            try:
                socket.socket.shutdown(raw, socket.SHUT_RDWR)  # not TLS's own, which another thread is using
            except OSError:
                return


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody may reach, and leads nowhere else."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            found = found.ipv4_mapped
        elif any(found in network for network in _NOT_PUBLIC):
            return False
    return found.is_global and not found.is_multicast


def _is_match(pattern: str, kind: str) -> bool:
    return kind.startswith(pattern[:-1]) if pattern.endswith("*") else kind == pattern


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
