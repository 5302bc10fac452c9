"""How a signature of thinking travels through clients that know only Anthropic's.

Inside, a signature carries the name of the dialect that made it, as only that one's providers can use it.  Anthropic's
own are shown to clients as Anthropic shows them; those of others keep the name in front, so that they find back.
"""

from typing import Final

from penstock.core.chat import DIALECTS

_OWN: Final = "anthropic:"
_REDACTED: Final = "redacted:"
_FOREIGN: Final = frozenset(DIALECTS) - {"anthropic"}


def marked(shown: str) -> str:
    """The signature inside for one that a client sent."""
    return shown if _is_foreign(shown) else _OWN + shown


def marked_redacted(data: str) -> str:
    """The signature inside for the `data` of a `redacted_thinking` block."""
    if not _is_foreign(data):
        return _OWN + _REDACTED + data
    dialect, _, rest = data.partition(":")
    return f"{dialect}:{_REDACTED}{rest}"


def shown(signature: str) -> tuple[bool, str]:
    """Whether it stands for redacted thinking, and the text that the client sees."""
    dialect, _, rest = signature.partition(":")
    is_redacted = rest.startswith(_REDACTED)
    rest = rest.removeprefix(_REDACTED)
    return is_redacted, rest if dialect == "anthropic" else f"{dialect}:{rest}"


def _is_foreign(text: str) -> bool:
    dialect, colon, _ = text.partition(":")
    return bool(colon) and dialect in _FOREIGN
