"""The admin token: who holds it may do everything the control plane can do."""

from hmac import compare_digest
from secrets import token_urlsafe

from penstock.config.datadir import DataDir, read_or_create
from penstock.core.errors import ConfigError

_MIN_CHARS = 32


def open_admin_token(data_dir: DataDir) -> str:
    """The token of this installation, made on the first start.  Raises `ConfigError` where it is too short for one."""
    token = read_or_create(data_dir.admin_token, lambda: f"pa_{token_urlsafe(32)}")
    if len(token) < _MIN_CHARS:
        raise ConfigError(f"{data_dir.admin_token} holds no whole token: remove it, and the next start makes one")
    return token


def is_admin(token: str, authorization: str | None) -> bool:
    """Whether the `authorization` header carries the token; takes the same time whatever is wrong with it."""
    scheme, _, given = (authorization or "").partition(" ")
    return (
        compare_digest(given.strip().encode("utf-8", "replace"), token.encode("ascii")) and scheme.lower() == "bearer"
    )
