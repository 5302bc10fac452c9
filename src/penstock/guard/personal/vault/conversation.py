"""One conversation in memory: its book, and how that stands to the store."""

from penstock.guard.personal.vault.book import Book
from penstock.guard.personal.vault.scope import Scope


class Conversation:
    """Changed on the event loop alone; the link's thread reads it.

    `heard` is the last erasure that this process had heard of when it was made.  `version` is the store's that the book
    agrees with, 0 where it has none; `is_stale` says that the store may know more.  `written` are the book's changes
    that the store has.  With `is_foreign` the store's row is one that we cannot open, and leave alone.  `may_rest` says
    that all of its turns may be kept where this installation is.
    """

    __slots__ = (
        "__weakref__",
        "book",
        "expires_at",
        "heard",
        "is_foreign",
        "is_gone",
        "is_stale",
        "may_rest",
        "scope",
        "version",
        "written",
    )

    def __init__(self, scope: Scope, book: Book, *, heard: int, is_stale: bool, expires_at: float) -> None:
        self.scope = scope
        self.book = book
        self.heard = heard
        self.is_stale = is_stale
        self.expires_at = expires_at
        self.version = 0
        self.written = 0
        self.is_gone = False
        self.is_foreign = False
        self.may_rest = True
