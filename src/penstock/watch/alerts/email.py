"""One alert to people by e-mail, over SMTP (RFC 5321).  `mail` says what they get.

One dialogue for each alert.  An address that is refused for good is left out and logged, so that the others are told;
where one is refused for now, nobody is written to yet, so that nobody is written to twice.
"""

import smtplib
import socket
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Literal

import structlog

from penstock.watch.alerts.alert import Alert
from penstock.watch.alerts.channel import EVERYTHING, Reply, Terms, Wanted
from penstock.watch.alerts.mail import mail_of, one_line
from penstock.watch.posting import Unreachable, Way, reach

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """Who takes e-mail.  With `starttls` nothing is sent where the server does not offer it."""

    host: str
    port: int
    sender: str
    security: Literal["starttls", "tls", "none"]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Email:
    """Those who are told, all with one message."""

    name: str
    to: tuple[str, ...]
    server: Server
    wanted: Wanted = EVERYTHING

    @property
    def title(self) -> str:
        return f"the e-mail receiver {self.name}"

    def wants(self, alert: Alert) -> bool:
        return self.wanted.has(alert)

    def send(self, alert: Alert, *, now: float, terms: Terms) -> Reply:
        del now  # the message says when the alert was; the server adds when it came
        begun_s = time.monotonic()
        code, problem, is_refused = self._send(alert, terms)
        return Reply(
            status=code,
            problem=problem,
            text="",
            took_s=time.monotonic() - begun_s,
            is_taken=problem is None,
            is_refused=is_refused,
        )

    def _send(self, alert: Alert, terms: Terms) -> tuple[int | None, str | None, bool]:
        """The server's last number, what was wrong, and whether it is this message that it will not have."""
        way = Way(timeout_s=terms.timeout_s, allow_private=terms.allow_private, ca_file=self.server.ca_file)
        dialogue = _Dialogue(self.server, way)
        try:
            dialogue.begin()
            dialogue.address(self.server.sender, self.to)
            code, said = dialogue.data(mail_of(alert, sender=self.server.sender, to=self.to))
        except smtplib.SMTPResponseException as refused:
            return refused.smtp_code, f"it answered {refused.smtp_code}", False
        except smtplib.SMTPNotSupportedError:
            return None, "it does not offer what is wanted: STARTTLS, or signing in", False
        except Unreachable as refused:
            return None, str(refused), False
        except (smtplib.SMTPException, OSError, ValueError) as failed:
            return None, _said(failed, way.timeout_s, is_cut=dialogue.is_cut), False
        finally:
            dialogue.end()
        del said
        return (code, None, False) if code == 250 else (code, f"it answered {code}", 500 <= code < 600)


class _Dialogue(smtplib.SMTP):
    """With the address that was checked, and cut when its whole time is over."""

    def __init__(self, server: Server, way: Way) -> None:
        super().__init__(timeout=way.timeout_s, local_hostname="penstock.invalid")
        self._server = server
        self._way = way
        self._timer = threading.Timer(way.timeout_s, self._cut)
        self._timer.daemon = True
        self._raw: socket.socket | None = None
        self.is_cut = False

    def begin(self) -> None:
        """Connect, secure and sign in."""
        server = self._server
        self._timer.start()
        self._host = server.host  # whose certificate STARTTLS checks
        code, _ = self.connect(server.host, server.port)
        if code != 220:
            raise smtplib.SMTPResponseException(code, b"")
        self.ehlo_or_helo_if_needed()
        if server.security == "starttls":
            self.starttls(context=self._context())
            self.ehlo_or_helo_if_needed()
        if server.user is not None and server.password is not None:
            self.login(server.user, server.password)

    def address(self, sender: str, to: tuple[str, ...]) -> None:
        """Say from whom and for whom it is."""
        code, _ = self.mail(sender)
        if code != 250:
            raise smtplib.SMTPResponseException(code, b"")
        refused: list[int] = []
        for place, address in enumerate(to):
            code, _ = self.rcpt(address)
            if code in {250, 251}:
                continue
            if code < 500:
                raise smtplib.SMTPResponseException(code, b"")
            refused.append(code)
            _log.warning("alert_address_refused", place=place, status=code)
        if len(refused) == len(to):
            raise smtplib.SMTPResponseException(refused[0], b"")

    def end(self) -> None:
        self._timer.cancel()
        with suppress(smtplib.SMTPException, OSError):
            if self.sock is not None and not self.is_cut:
                self.sock.settimeout(1.0)  # it has said all that counts
                self.quit()
        self.close()

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """What `connect` of the superclass calls."""
        del timeout  # `way` has it
        raw = self._raw = reach(host, port, self._way)
        if self._server.security != "tls":
            return raw
        try:
            return self._context().wrap_socket(raw, server_hostname=host)
        except (OSError, ValueError):
            raw.close()
            raise

    def _context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._way.ca_file)

    def _cut(self) -> None:
        self.is_cut = True
        raw = self.sock or self._raw
        if raw is not None:
            with suppress(OSError):
                socket.socket.shutdown(raw, socket.SHUT_RDWR)  # not TLS's own, which another thread is using


def _said(error: Exception, timeout_s: float, *, is_cut: bool) -> str:
    """What went wrong, without a byte of what a stranger's server sent."""
    if is_cut or isinstance(error, TimeoutError):
        return f"no answer within {timeout_s:g} s"
    match error:
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {one_line(error.verify_message, 200)}"
        case socket.gaierror():
            return "its name cannot be resolved"
        case smtplib.SMTPServerDisconnected():
            return "it hung up"
        case OSError():
            return f"it cannot be reached: {error.strerror or type(error).__name__}"
        case _:
            return f"its answer is not SMTP: {type(error).__name__}"
