"""Knowledge: the bases, and what is in each."""

from penstock.console.web.pages.knowledge.bases import build
from penstock.console.web.pages.knowledge.documents import one

__all__ = ["build", "one"]
