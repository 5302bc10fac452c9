"""What the data plane is asked with: the viewer's own credential, or, for the admin token, a key made for it.

The admin token opens the admin API alone.  Its holder may make keys, and so one is made over the API: of a tenant that
they choose, without roles, under a name that says what it was, for half an hour at the longest.
"""

from datetime import UTC, datetime, timedelta

import structlog

from penstock.admission.identity.roles import OWNER_TOKEN
from penstock.console.web.api_client import ApiRefused, path_of
from penstock.console.web.view import View

_LIVES = timedelta(minutes=30)
_RENEWED_BEFORE = timedelta(minutes=3)
KEY_NAME = "playground of the console"

_log = structlog.get_logger(__name__)


class Credential:
    """`of` before each question; `revoke` when the page is left, or its browser is out of reach."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._key: tuple[str, str, str] | None = None
        """Tenant, id and the key itself."""
        self._expires = datetime.fromtimestamp(0, UTC)

    @property
    def is_made(self) -> bool:
        """Whether the viewer's own is none that the data plane takes."""
        return self._view.who.id == OWNER_TOKEN.id

    async def of(self, tenant: str) -> str:
        """One that is good for some minutes.  Raises `ApiRefused`."""
        if not self.is_made:
            return self._view.session.credential
        now = datetime.fromtimestamp(self._view.clock.now(), UTC)
        if self._key is not None and self._key[0] == tenant and now + _RENEWED_BEFORE < self._expires:
            return self._key[2]
        await self.revoke()
        expires = now + _LIVES
        wanted = {"tenant": tenant, "name": KEY_NAME, "expires_at": expires.isoformat()}
        made = await self._view.act("POST", "/keys", wanted)
        self._key, self._expires = (tenant, made["id"], made["key"]), expires
        return made["key"]

    async def revoke(self) -> None:
        """Nothing is asked any more, or not for now.

        Also after the viewer has signed out: by the credential that made it, and not by way of the session.
        """
        if self._key is None:
            return
        _, key_id, _ = self._key
        self._key = None
        try:
            await self._view.api.call(self._view.session.credential, "DELETE", "/keys" + path_of(key_id))
        except ApiRefused as refused:
            _log.warning("playground_key_not_revoked", key=key_id, expires=self._expires, reason=refused.message)
