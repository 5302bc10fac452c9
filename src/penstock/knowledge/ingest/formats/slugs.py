"""Anchors of headings that have none of their own, as GitHub makes them."""

import re
from typing import Final

_DROPPED: Final = re.compile(r"[^\w\- ]")


class Slugs:
    """Of one document: a heading that comes again gets a number."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def of(self, heading: str) -> str:
        slug = _DROPPED.sub("", heading.strip().lower()).replace(" ", "-")
        number = self._seen.get(slug, -1) + 1
        self._seen[slug] = number
        if not number:
            return slug
        numbered = f"{slug}-{number}"
        self._seen.setdefault(numbered, 0)
        return numbered
