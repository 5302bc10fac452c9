"""What was shown of each assistant's drift, until anything that it is made of is another: it takes a tenth of a second
to make and hardly changes within an hour.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from penstock.console.drift.views import FeatureView

_MOST: Final = 200
"""Assistants, some kilobytes each; whoever was not asked about for longest goes first."""


class Shown:
    """Used on the event loop alone; what is made is made in a thread, so that others are served meanwhile."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, tuple[object, list[FeatureView]]] = OrderedDict()

    async def get(self, assistant: str, mark: object, make: Callable[[], list[FeatureView]]) -> list[FeatureView]:
        """As it is kept, where `mark` equals that of then; made anew otherwise."""
        kept = self._kept.get(assistant)
        if kept is None or kept[0] != mark:
            kept = self._kept[assistant] = (mark, await asyncio.to_thread(make))
        self._kept.move_to_end(assistant)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return kept[1]
