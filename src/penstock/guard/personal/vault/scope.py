"""Whose a conversation is: its tokens mean something within its scope, and are text everywhere else.

Called by the vault for every exchange whose model has guards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, Literal

from penstock.core.chat import ChatRequest, Request
from penstock.core.exchange import Exchange, Principal
from penstock.core.json import JsonObject

FIELD: Final = "conversation"
"""The key of a request's `metadata` that names its conversation; the header is `x-penstock-conversation`."""
_PERSON: Final = b"penstock vault"

NameKind = Literal["named", "conversation", "response", "memory"]
"""Who gave the name: the client, a provider for the conversation or the answer that it keeps, or we for what we do."""


@dataclass(frozen=True, slots=True)
class Scope:
    """`holder` is the user, or the key where nobody is named; `key` a digest of all of it and the conversation."""

    tenant: str
    holder: str
    key: bytes


@dataclass(frozen=True, slots=True)
class Named:
    """The conversation of an exchange.

    With `is_reference` its earlier turns lie with the provider, not in the request.  With `names_answer` the provider
    keeps the answer, whose id the next turn will name; `scope` is None where this is the first turn of such a
    conversation.  `known` is what tokens of its turns stand for that were kept with them.
    """

    scope: Scope | None
    is_reference: bool = False
    names_answer: bool = False
    known: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)


class Scopes:
    """Makes the digests of one installation.  `secret` is the installation's own."""

    __slots__ = ("_keyed",)

    def __init__(self, secret: bytes) -> None:
        key = blake2b(secret, digest_size=32, person=_PERSON).digest()
        self._keyed = blake2b(digest_size=32, key=key, person=_PERSON)

    def of(self, exchange: Exchange) -> Named | None:
        """The conversation that the exchange names; None where it names none."""
        request, who, kept_here = exchange.request, exchange.principal, exchange.memory
        if kept_here is not None:  # its turns stand in the request by now
            return Named(self.scope(who, "memory", kept_here.thread), known=kept_here.values)
        said = exchange.wishes.conversation
        extras: JsonObject = request.extras
        before, kept = extras.get("previous_response_id"), _id_of(extras.get("conversation"))
        is_reference = isinstance(before, str) or kept is not None
        if not said and isinstance(request, ChatRequest):
            said = request.metadata.get(FIELD)
        if said:
            return Named(self.scope(who, "named", said), is_reference)
        if kept is not None:
            return Named(self.scope(who, "conversation", kept), is_reference=True)
        names_answer = _keeps_answer(request)
        if isinstance(before, str) and before:
            return Named(self.scope(who, "response", before), is_reference=True, names_answer=names_answer)
        return Named(None, names_answer=True) if names_answer else None

    def scope(self, who: Principal, kind: NameKind, name: str) -> Scope:
        """Of a conversation of that name: the caller's own, whatever others call theirs."""
        holder = holder_of(who)
        hasher = self._keyed.copy()
        for part in (who.tenant, holder, kind, name):
            written = part.encode("utf-8", "surrogatepass")
            hasher.update(len(written).to_bytes(4))
            hasher.update(written)
        return Scope(who.tenant, holder, hasher.digest())


def holder_of(who: Principal) -> str:
    """The user, or the key where there is none.  A user whose id reads like a key is still another."""
    return user_holder(who.user) if who.user else f"key:{who.key}"


def user_holder(user: str) -> str:
    """As it stands in the store."""
    return f"user:{user}"


def _id_of(conversation: object) -> str | None:
    """OpenAI's `conversation` is an id, or an object with one."""
    found = conversation.get("id") if isinstance(conversation, dict) else conversation  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]  # JSON
    return found if isinstance(found, str) and found else None


def _keeps_answer(request: Request) -> bool:
    """Whether the next turn may name this one's answer: only where the client asks that it be kept."""
    return request.dialect == "openai-responses" and request.extras.get("store") is True
