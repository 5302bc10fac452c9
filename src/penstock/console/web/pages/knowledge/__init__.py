"""Knowledge: the bases, and what is in each."""

from penstock.console.web.pages.knowledge.base import one
from penstock.console.web.pages.knowledge.bases import build

__all__ = ["build", "one"]
