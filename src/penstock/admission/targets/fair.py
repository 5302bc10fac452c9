"""Who goes next when more want a target's places than there are: three classes, and tenants within a class.

`gate.TargetGate` keeps its waiting calls here.  Both levels are start-time fair queueing (Goyal 1996).  Between classes
the cost of a call is the time that it holds its place, so that a class of long calls gets its share of places and not
of calls; between the tenants of a class every call costs one over the tenant's weight.

A class is sure of its share of the places.  It lends what it has not used lately, and what it has used lately stays
free for it: so a flood in one class does not make another one wait for places that it was using a moment ago.
"""

import heapq
import math
from collections import deque
from itertools import count
from typing import Generic, TypeVar

from penstock.config.targets import PRIORITIES, Priority, QueueSettings

Item = TypeVar("Item")

_PRUNE_BEYOND = 64
_CROWD = 4


class _Flow(Generic[Item]):
    """The waiting calls of one tenant within a class."""

    __slots__ = ("finish", "items", "tenant", "weight")

    def __init__(self, tenant: str, weight: float) -> None:
        self.tenant = tenant
        self.weight = weight
        self.finish = 0.0
        self.items: deque[Item] = deque()


class FairLine(Generic[Item]):
    """The waiting calls of one class, fair between tenants by weight.

    No tenant may hold more than half of the room that is left, so that one that floods the line leaves room for others.
    """

    __slots__ = ("_flows", "_heads", "_order", "_prune_beyond", "_virtual", "_waiting_weight", "max_waiting", "waiting")

    def __init__(self, max_waiting: int) -> None:
        self.max_waiting = max_waiting
        self.waiting = 0
        self._flows: dict[str, _Flow[Item]] = {}
        self._heads: list[tuple[float, int, _Flow[Item]]] = []
        self._order = count()
        self._prune_beyond = _PRUNE_BEYOND
        self._virtual = 0.0
        self._waiting_weight = 0.0

    @property
    def tenants(self) -> int:
        """How many tenants are remembered."""
        return len(self._flows)

    def has_room(self, tenant: str) -> bool:
        room = self.max_waiting - self.waiting
        flow = self._flows.get(tenant)
        return room > 0 and (flow is None or len(flow.items) < room)

    def ahead_of(self, tenant: str, weight: float) -> int:
        """How many would go before a new call of `tenant`: about its own turn times everyone's weight."""
        flow = self._flows.get(tenant)
        mine = len(flow.items) if flow is not None else 0
        others = self._waiting_weight - (flow.weight if flow is not None and mine else 0.0)
        return min(self.waiting, mine + math.ceil((mine + 1) * others / weight))

    def push(self, item: Item, tenant: str, weight: float) -> None:
        flow = self._flows.get(tenant)
        if flow is None:
            if len(self._flows) > self._prune_beyond:
                self._prune()
            flow = self._flows[tenant] = _Flow(tenant, weight)
        flow.items.append(item)
        self.waiting += 1
        if len(flow.items) == 1:
            flow.weight = weight
            self._waiting_weight += weight
            heapq.heappush(self._heads, (max(self._virtual, flow.finish), next(self._order), flow))

    def first(self) -> Item:
        """Whose turn it is; the line must not be empty."""
        return self._heads[0][2].items[0]

    def pop(self) -> Item:
        start, _, flow = heapq.heappop(self._heads)
        self._virtual = start
        flow.finish = start + 1.0 / flow.weight
        item = flow.items.popleft()
        self.waiting -= 1
        if flow.items:
            heapq.heappush(self._heads, (flow.finish, next(self._order), flow))
        else:
            self._waiting_weight -= flow.weight
            self._rest()
        return item

    def remove(self, item: Item, tenant: str) -> None:
        """Take out a call that gave up; its tenant keeps its turn."""
        flow = self._flows[tenant]
        flow.items.remove(item)
        self.waiting -= 1
        if not flow.items:
            self._waiting_weight -= flow.weight
            self._heads = [head for head in self._heads if head[2] is not flow]
            heapq.heapify(self._heads)
            self._rest()

    def _rest(self) -> None:
        """With nobody in line nobody is owed anything: begin anew."""
        if not self.waiting:
            self._flows.clear()
            self._virtual = 0.0
            self._waiting_weight = 0.0

    def _prune(self) -> None:
        """Forget tenants that wait for nothing: those whose turn has passed, and all where they are too many."""
        is_crowd = len(self._flows) > _CROWD * self.max_waiting
        self._flows = {
            tenant: flow
            for tenant, flow in self._flows.items()
            if flow.items or (flow.finish > self._virtual and not is_crowd)
        }
        self._prune_beyond = 2 * len(self._flows) + _PRUNE_BEYOND


class PriorityClass(Generic[Item]):
    """One class: its line, the places it holds, its share, and its due in place-seconds over share."""

    __slots__ = ("_lend_after_s", "_peak", "_peak_before", "_peak_until_s", "due", "held", "line", "name", "share")

    def __init__(self, name: Priority, *, share: float, max_waiting: int, lend_after_s: float) -> None:
        self.name: Priority = name
        self.share = share
        self.line: FairLine[Item] = FairLine(max_waiting)
        self.held = 0
        self.due = 0.0
        self._lend_after_s = lend_after_s
        self._peak = 0
        self._peak_before = 0
        self._peak_until_s = -math.inf

    def wants(self, now_s: float) -> None:
        """Note one more call that wants a place: the most that were wanted at once lately are kept for the class."""
        if now_s >= self._peak_until_s:
            self._roll(now_s)
        wanted = self.held + self.line.waiting + 1
        self._peak = max(self._peak, wanted)

    def kept(self, places: float, now_s: float) -> float:
        """How many free places are the class's own for now, of `places` that there are in all."""
        if now_s >= self._peak_until_s:
            self._roll(now_s)
        lately = max(self._peak, self._peak_before)
        return max(0.0, min(self.share * places, lately) - self.held)

    def _roll(self, now_s: float) -> None:
        is_next = now_s < self._peak_until_s + self._lend_after_s
        self._peak_before = self._peak if is_next else 0
        self._peak = self.held + self.line.waiting
        self._peak_until_s = now_s + self._lend_after_s


class FairQueue(Generic[Item]):
    """The three classes, and which of them is next."""

    __slots__ = ("_by_name", "_virtual", "classes", "held", "waiting")

    def __init__(self, settings: QueueSettings) -> None:
        shares = {"interactive": settings.interactive, "standard": settings.standard, "batch": settings.batch}
        total = sum(shares.values())
        self.classes: tuple[PriorityClass[Item], ...] = tuple(
            PriorityClass(
                name,
                share=shares[name] / total,
                max_waiting=settings.max_waiting,
                lend_after_s=settings.lend_after_s,
            )
            for name in PRIORITIES
        )
        self._by_name = {each.name: each for each in self.classes}
        self._virtual = 0.0
        self.held = 0
        self.waiting = 0

    def of(self, priority: Priority) -> PriorityClass[Item]:
        return self._by_name[priority]

    def may_take(self, which: PriorityClass[Item], places: int, now_s: float) -> bool:
        """Whether `which` may have one more place: within its share, or of what nobody keeps."""
        if self.held >= places:
            return False
        if which.held + 1 <= which.share * places or which.held == 0:
            return True
        kept = 0.0
        for other in self.classes:
            if other is not which:
                kept += other.kept(places, now_s)
        return self.held + kept + 1.0 <= places

    def take(self, which: PriorityClass[Item], expected_hold_s: float) -> None:
        due = which.due
        due = max(due, self._virtual)
        self._virtual = due
        which.due = due + expected_hold_s / which.share
        which.held += 1
        self.held += 1

    def give_back(self, which: PriorityClass[Item], beyond_expected_s: float) -> None:
        """Return a place; what it was held for beyond what `take` reckoned with is charged now."""
        which.held -= 1
        self.held -= 1
        which.due += beyond_expected_s / which.share

    def push(self, item: Item, which: PriorityClass[Item], tenant: str, weight: float) -> None:
        if not which.line.waiting and which.due < self._virtual:
            which.due = self._virtual
        which.line.push(item, tenant, weight)
        self.waiting += 1

    def remove(self, item: Item, which: PriorityClass[Item], tenant: str) -> None:
        which.line.remove(item, tenant)
        self.waiting -= 1

    def next_class(self, places: int, now_s: float) -> PriorityClass[Item] | None:
        """The class whose first call goes next, or None where no waiting class may have a place."""
        best: PriorityClass[Item] | None = None
        for each in self.classes:
            if each.line.waiting and (best is None or each.due < best.due) and self.may_take(each, places, now_s):
                best = each
        return best

    def pop(self, which: PriorityClass[Item]) -> Item:
        self.waiting -= 1
        return which.line.pop()

    def drain(self) -> list[Item]:
        """Take everyone out, in no order."""
        items: list[Item] = []
        for each in self.classes:
            while each.line.waiting:
                items.append(self.pop(each))
        return items
