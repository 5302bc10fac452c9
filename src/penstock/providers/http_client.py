"""Connections to providers: opening, TLS, proxies, and keeping them for the next call.

`HttpProvider` asks for a connection to a call's origin and gives it back.  Redirects are never followed and no header
is added but `host`, `content-length`, `accept-encoding` and `user-agent`.
"""

import asyncio
import ssl
import urllib.request
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import penstock
from penstock.core.clock import Clock
from penstock.core.errors import UpstreamError, UpstreamTimeout, UpstreamUnavailable
from penstock.providers.dialect import HttpCall
from penstock.providers.http_connection import Connection

_IDLE_LIMIT_S = 60.0
"""Below the shortest keep-alive of the large providers' front ends, so that a kept connection is rarely a dead one."""
_MAX_IDLE = 256
_LINGER_S = 1.0
"""How long an answer that is complete in its dialect may take to end in HTTP before its connection is dropped."""
_MAX_ORIGINS_CACHED = 1024


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a connection leads: the same origin, the same pool."""

    is_tls: bool
    host: str
    port: int

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"


class _Target:
    """A URL, taken apart once.  `idle` is the pool of its origin, which all URLs of that origin share."""

    __slots__ = ("_head", "_headers", "_method", "head_end", "idle", "origin", "path")

    def __init__(self, origin: Origin, path: str, head_end: str, idle: list[Connection]) -> None:
        self.origin = origin
        self.path = path
        self.head_end = head_end
        self.idle = idle
        self._method = ""
        self._headers: tuple[tuple[str, str], ...] = ()
        self._head = b""

    def request(self, call: HttpCall) -> bytes:
        """The call as it goes over the wire.  Its head is written once for the calls that share their headers."""
        body = call.body
        if call.headers is not self._headers or call.method != self._method:
            lines = "".join([f"{name}: {value}\r\n" for name, value in call.headers])
            if lines.count("\n") != len(call.headers) or lines.count("\r") != len(call.headers):
                raise ValueError("a header's value holds a line break")
            self._head = f"{call.method} {self.path} HTTP/1.1\r\n{lines}{self.head_end}".encode("latin-1")
            self._headers, self._method = call.headers, call.method
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)


class HttpClient:
    """A pool of HTTP/1.1 connections, for one provider.

    `environ_proxies` is what `urllib.request.getproxies_environment()` gives (`HTTP_PROXY`, `HTTPS_PROXY`,
    `NO_PROXY`, in either case); pass an empty mapping for none.  `tls` verifies against the system's certificates
    (`SSL_CERT_FILE` is heeded) unless given.  Must be used on one event loop.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        tls: ssl.SSLContext | None = None,
        connect_timeout_s: float = 10.0,
        environ_proxies: Mapping[str, str] | None = None,
    ) -> None:
        self._clock = clock
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._proxies = dict(urllib.request.getproxies_environment() if environ_proxies is None else environ_proxies)
        self._idle: dict[Origin, list[Connection]] = {}
        self._live: set[Connection] = set()
        self._targets: dict[str, _Target] = {}
        self._is_closed = False

    async def send(self, call: HttpCall, *, timeout_s: float) -> Connection:
        """Send `call` on a kept or a new connection.  `timeout_s` bounds connecting, TLS included.

        Cancelling leaves nothing open.  Raises `UpstreamUnavailable` or `UpstreamTimeout` (phase `connect`).
        """
        target = self._targets.get(call.url) or self._take_apart(call.url)
        data = target.request(call)
        connection = self._take_idle(target.idle)
        if connection is None:
            connection = await self._connect(target, timeout_s=min(timeout_s, self._connect_timeout_s))
        self._live.add(connection)
        connection.send(data)
        return connection

    def release(self, connection: Connection, *, may_linger: bool = False) -> None:
        """Keep the connection if its answer has ended, drop it otherwise.  Never waits, never raises.

        With `may_linger` an answer whose bytes are all in, but not yet the mark of its end, gets a second for that.
        """
        self._live.discard(connection)
        if self._is_closed or not connection.is_open:
            connection.abort()
        elif connection.is_reusable:
            self._keep(connection)
        elif may_linger and not connection.is_done:
            self._linger(connection)
        else:
            connection.abort()

    async def aclose(self) -> None:
        """Drop every connection, also those in use."""
        self._is_closed = True
        for connections in self._idle.values():
            for connection in connections:
                connection.abort()
            connections.clear()
        for connection in tuple(self._live):
            connection.abort()
        self._live.clear()

    def _take_apart(self, url: str) -> _Target:
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("a provider's URL must be absolute, http or https")
        origin = Origin(is_tls, parts.hostname, parts.port or (443 if is_tls else 80))
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        proxy = None if is_tls else self._proxy_of(origin)
        extra = ""
        if proxy is not None:  # a plain request goes to the proxy whole, with the absolute address as its path
            path = f"http://{origin.authority}{path}"
            extra = _proxy_authorization(proxy)
        head_end = (
            f"host: {origin.authority}\r\naccept-encoding: gzip\r\n"
            f"user-agent: penstock/{penstock.__version__}\r\n{extra}content-length: "
        )
        target = _Target(origin, path, head_end, self._idle.setdefault(origin, []))
        if len(self._targets) >= _MAX_ORIGINS_CACHED:
            self._targets.clear()
        self._targets[url] = target
        return target

    def _proxy_of(self, origin: Origin) -> SplitResult | None:
        url = self._proxies.get("https" if origin.is_tls else "http") or self._proxies.get("all")
        if not url or _bypasses_proxy(origin, self._proxies.get("no", "")):
            return None
        proxy = urlsplit(url if "//" in url else f"http://{url}")
        if proxy.scheme != "http" or not proxy.hostname:
            raise UpstreamUnavailable("The provider could not be reached.", detail=f"{proxy.scheme} proxy: use http")
        return proxy

    def _take_idle(self, idle: list[Connection]) -> Connection | None:
        """The connection that was used last, for it is the least likely to have been closed meanwhile."""
        if not idle:
            return None
        oldest_s = self._clock.monotonic() - _IDLE_LIMIT_S
        while idle:
            connection = idle.pop()
            if connection.is_open and connection.idle_since_s >= oldest_s:
                return connection
            connection.abort()
        return None

    def _keep(self, connection: Connection) -> None:
        idle = connection.pool
        now_s = self._clock.monotonic()
        while idle and (not idle[0].is_open or idle[0].idle_since_s < now_s - _IDLE_LIMIT_S):
            idle.pop(0).abort()
        if len(idle) >= _MAX_IDLE:
            connection.abort()
            return
        connection.idle_since_s = now_s
        idle.append(connection)

    def _linger(self, connection: Connection) -> None:
        timer = self._clock.call_at(self._clock.monotonic() + _LINGER_S, connection.abort)
        self._live.add(connection)

        def on_free(freed: Connection) -> None:
            timer.cancel()
            self._live.discard(freed)
            if freed.is_reusable and not self._is_closed:
                self._keep(freed)
            else:
                freed.abort()

        connection.on_free = on_free

    async def _connect(self, target: _Target, *, timeout_s: float) -> Connection:
        if self._is_closed:
            raise UpstreamUnavailable("The provider's connections are closed.", detail="closed")
        try:
            async with asyncio.timeout(timeout_s):
                connection = await self._dial(target.origin)
        except TimeoutError as error:
            raise UpstreamTimeout("The provider did not accept a connection in time.", phase="connect") from error
        except OSError as error:
            raise connect_error(error) from error
        except UpstreamError as error:
            error.was_sent = False
            raise
        connection.pool = target.idle
        return connection

    async def _dial(self, origin: Origin) -> Connection:
        loop = asyncio.get_running_loop()
        proxy = self._proxy_of(origin)
        tls = self._tls_context() if origin.is_tls else None
        if proxy is None:
            _, connection = await loop.create_connection(
                lambda: Connection(loop),
                origin.host,
                origin.port,
                ssl=tls,
                server_hostname=origin.host if tls else None,
            )
            return connection
        transport, connection = await loop.create_connection(
            lambda: Connection(loop), proxy.hostname or "", proxy.port or 80
        )
        if tls is None:
            return connection
        try:
            await _open_tunnel(connection, origin, proxy)
            secured = Connection(loop)
            tunnel = await loop.start_tls(transport, secured, tls, server_hostname=origin.host)
        except BaseException:
            transport.abort()
            raise
        if tunnel is None:
            raise UpstreamUnavailable("The provider could not be reached.", detail="proxy closed the tunnel")
        secured.connection_made(tunnel)
        return secured

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls


async def _open_tunnel(connection: Connection, origin: Origin, proxy: SplitResult) -> None:
    address = f"{origin.host}:{origin.port}"
    head = f"CONNECT {address} HTTP/1.1\r\nhost: {address}\r\n{_proxy_authorization(proxy)}\r\n"
    connection.send(head.encode("latin-1"))
    await connection.wait_head()
    if connection.status != 200:
        raise UpstreamUnavailable("The provider could not be reached.", detail=f"proxy said {connection.status}")


def _bypasses_proxy(origin: Origin, no_proxy: str) -> bool:
    """`NO_PROXY` as curl reads it: `*`, or names and addresses, each also covering its subdomains."""
    host = origin.host.lower()
    for entry in no_proxy.lower().split(","):
        name, _, port = entry.strip().partition(":") if entry.count(":") < 2 else (entry.strip(), "", "")
        name = name.lstrip("*").lstrip(".") or name
        if name and (name in {"*", host} or host.endswith(f".{name}")) and port in {"", str(origin.port)}:
            return True
    return False


def _proxy_authorization(proxy: SplitResult) -> str:
    if not proxy.username:
        return ""
    pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
    return f"proxy-authorization: Basic {b64encode(pair.encode()).decode('ascii')}\r\n"


def connect_error(error: OSError) -> UpstreamError:
    """What a failed connection means: certificates need the operator, everything else may pass."""
    if isinstance(error, ssl.SSLCertVerificationError):
        failure = UpstreamUnavailable("The provider's certificate could not be verified.", detail=error.verify_message)
        failure.retry = "other"
    else:
        failure = UpstreamUnavailable("The provider could not be reached.", detail=type(error).__name__)
    failure.was_sent = False
    return failure
