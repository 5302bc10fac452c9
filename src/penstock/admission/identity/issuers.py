"""Keeps one issuer's signing keys: fetched beside the traffic, kept on disk, outliving an issuer that does not answer.

`LiveTokens` asks `want` when a token names a key that it does not know; that wakes the thread, at most every ten
seconds, and never waits.
"""

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from secrets import token_hex

import msgspec
import structlog

from penstock.admission.identity.fetch import FetchFailed, fetch
from penstock.admission.identity.signing_keys import BadKeySet, KeySet, read_key_set
from penstock.admission.identity.tokens import LiveTokens
from penstock.config.datadir import write_private
from penstock.config.identity import Issuer
from penstock.core.clock import Clock, age

_DISCOVERY = "/.well-known/openid-configuration"
_MIN_BETWEEN_S = 10.0
_FIRST_RETRY_S = 1.0
_LONGEST_RETRY_S = 60.0
_STOP_S = 1.0

_log = structlog.get_logger(__name__)


class _Saved(msgspec.Struct, frozen=True):
    issuer: str
    confirmed_at: float
    key_set: msgspec.Raw


class _Discovered(msgspec.Struct):
    issuer: str
    jwks_uri: str


class IssuerFollower:
    """`start` once, `stop` once.  `refresh` is one round, for the thread and for tests."""

    def __init__(
        self,
        name: str,
        settings: Issuer,
        tokens: LiveTokens,
        *,
        folder: Path,
        clock: Clock,
        get: Callable[[str], bytes] = fetch,
    ) -> None:
        self._name = name
        self._settings = settings
        self._tokens = tokens
        self._file = folder / f"{name}.json"
        self._clock = clock
        self._get = get
        self._raw = b""
        self._error: str | None = None
        self._is_stopping = False
        self._is_wanted = threading.Event()
        self._is_fetching = False
        self._fetched_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"penstock-issuer-{name}", daemon=True)
        self._load()

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._is_stopping = True
        self._is_wanted.set()
        self._thread.join(timeout=_STOP_S)  # a fetch under way is not waited for: the thread is a daemon

    def want(self) -> bool:
        """Ask for the keys anew.  Whether that is under way: not if it was done a moment ago."""
        if self._is_fetching or self._is_wanted.is_set():
            return True
        if self._fetched_s is not None and self._clock.monotonic() - self._fetched_s < _MIN_BETWEEN_S:
            return False
        self._is_wanted.set()
        return True

    def stale_s(self) -> float | None:
        """How old the keys are, where the issuer should have confirmed them long since; else None."""
        if self._error is None:
            return None  # the usual case, asked for each request
        age_s = self._tokens.unconfirmed_s(self._name)
        return age_s if age_s > 2 * self._settings.refresh_s else None

    def problem(self) -> str | None:
        """What is wrong, for `/health`; None where all is well."""
        if self._error is None:
            return None
        age_s = self._tokens.unconfirmed_s(self._name)
        if age_s >= self._settings.max_age_s:
            return f"issuer `{self._name}`: no usable keys, its tokens cannot be checked ({self._error})"
        return f"issuer `{self._name}`: keys not confirmed for {age(age_s)}, still in use ({self._error})"

    def refresh(self) -> bool:
        """Fetch once, and take what came if it is good.  Whether it was."""
        self._is_fetching = True
        self._is_wanted.clear()
        try:
            raw = self._get(self._settings.jwks_url or self._discover())
            keys = read_key_set(raw)
        except (FetchFailed, BadKeySet) as error:
            self._error = str(error)
            _log.warning("issuer_keys_not_fetched", issuer=self._name, reason=self._error)
            return False
        else:
            self._take(raw, keys)
            self._error = None
            return True
        finally:
            self._fetched_s = self._clock.monotonic()
            self._is_fetching = False

    def _run(self) -> None:
        failures = 0
        while not self._is_stopping:
            failures = 0 if self.refresh() else failures + 1
            wait_s = self._settings.refresh_s
            if failures:
                wait_s = min(wait_s, _LONGEST_RETRY_S, _FIRST_RETRY_S * 2.0 ** min(failures - 1, 10))
            self._is_wanted.wait(wait_s)

    def _discover(self) -> str:
        """Where the issuer keeps its keys, by OpenID Connect Discovery 1.0; it must call itself the same."""
        data = self._get(self._settings.issuer.rstrip("/") + _DISCOVERY)
        try:
            found = msgspec.json.decode(data, type=_Discovered)
        except (msgspec.DecodeError, RecursionError):
            raise FetchFailed("its discovery document is not one") from None
        if found.issuer != self._settings.issuer:
            raise FetchFailed("its discovery document names another issuer")
        is_local = self._settings.issuer.startswith("http://")
        if not found.jwks_uri.startswith("https://") and not (is_local and found.jwks_uri.startswith("http://")):
            raise FetchFailed("its discovery document names no https:// address for the keys")
        return found.jwks_uri

    def _take(self, raw: bytes, keys: KeySet) -> None:
        now = self._clock.now()
        if raw == self._raw:
            self._tokens.confirm_keys(self._name, at=now)
        else:
            self._raw = raw
            self._tokens.replace_keys(self._name, keys, confirmed_at=now)
            _log.info("issuer_keys_changed", issuer=self._name, keys=len(keys))
        self._save(now)

    def _save(self, now: float) -> None:
        draft = self._file.with_name(f".{self._file.name}.{token_hex(8)}")
        try:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            saved = _Saved(self._settings.issuer, now, msgspec.Raw(self._raw))
            write_private(draft, msgspec.json.encode(saved))
            draft.replace(self._file)
        except OSError as error:
            _log.warning("issuer_keys_not_saved", issuer=self._name, reason=str(error))
            with suppress(OSError):
                draft.unlink(missing_ok=True)

    def _load(self) -> None:
        """What an earlier process saved; nothing where it is of another issuer, damaged or not there."""
        with suppress(OSError, msgspec.DecodeError, BadKeySet):
            saved = msgspec.json.decode(self._file.read_bytes(), type=_Saved)
            if saved.issuer == self._settings.issuer and saved.confirmed_at <= self._clock.now():
                raw = bytes(saved.key_set)
                self._tokens.replace_keys(self._name, read_key_set(raw), confirmed_at=saved.confirmed_at)
                self._raw = raw
