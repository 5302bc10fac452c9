"""Sessions in memory: a browser holds an id that means nothing, the credential stays here.

An id is kept as its hash only.  Bounded in number, in idleness and in age; gone with the process, which then asks
people to sign in again.  Used on the event loop alone.
"""

from collections import OrderedDict
from dataclasses import dataclass
from hashlib import blake2b
from secrets import token_urlsafe

from penstock.config.console import ConsoleSettings
from penstock.core.clock import Clock


@dataclass(slots=True, eq=False)
class Session:
    """One signed-in browser.  `is_over` once it ended, for pages that still hold it."""

    credential: str
    who: str
    began_s: float
    active_s: float
    is_over: bool = False

    def __repr__(self) -> str:
        return f"Session(who={self.who!r})"


class Sessions:
    """`begin` gives the id, once; `find` is asked for each request."""

    def __init__(self, settings: ConsoleSettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()
        """By hash of the id; the one that was active last at the end."""

    def __len__(self) -> int:
        return len(self._sessions)

    def begin(self, credential: str, who: str) -> str:
        """The id of a new session, never one that a browser came with."""
        now = self._clock.monotonic()
        session_id = token_urlsafe(32)
        self._sessions[_hash(session_id)] = Session(credential, who, now, now)
        while len(self._sessions) > self._settings.max_sessions:
            _, ended = self._sessions.popitem(last=False)
            ended.is_over = True
        return session_id

    def find(self, session_id: str) -> Session | None:
        """The session, if it has not ended."""
        key = _hash(session_id)
        session = self._sessions.get(key)
        if session is None:
            return None
        if not self.lives(session):
            del self._sessions[key]
            return None
        return session

    def lives(self, session: Session) -> bool:
        """Whether it goes on; ends it where its time is over."""
        now = self._clock.monotonic()
        is_idle = now - session.active_s >= self._settings.session_idle_s
        if is_idle or now - session.began_s >= self._settings.session_max_s:
            session.is_over = True
        return not session.is_over

    def touch(self, session: Session) -> None:
        """Its user did something; a page that refreshes itself is no such thing."""
        session.active_s = self._clock.monotonic()
        for key, each in reversed(self._sessions.items()):
            if each is session:
                self._sessions.move_to_end(key)
                return

    def end(self, session: Session) -> None:
        session.is_over = True
        for key, each in reversed(self._sessions.items()):
            if each is session:
                del self._sessions[key]
                return


def _hash(session_id: str) -> bytes:
    return blake2b(session_id.encode("utf-8", "replace"), digest_size=32).digest()
