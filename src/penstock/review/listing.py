"""The queue looked through, page by page: what is open with the most urgent first, or all with the newest first.

A page goes on behind the last row of the one before (keyset), so that it costs the same however far down it is, and
rows that come and go meanwhile neither repeat nor hide others.
"""

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgspec
import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from penstock.core.errors import MalformedRequest
from penstock.review.hold import MOST_URGENT, State
from penstock.review.queue import HoldRow
from penstock.review.reviewer import MAY_READ, Reviewer

Order: TypeAlias = Literal["urgent", "newest"]

_COLUMNS = sql.SQL(", ").join(sql.Identifier("h", name) for name in (*HoldRow.__struct_fields__, "rank"))
_ORDERS: dict[Order, sql.SQL] = {
    "urgent": sql.SQL("rank, due_at, id"),
    "newest": sql.SQL("created_at DESC, id DESC"),
}
_EQUAL = ("state", "tenant", "group", "model", "rule", "user", "conversation", "exchange", "claimed_by")


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldChoice:
    """Which holds; what is None is not asked about.

    `urgent` order is of the open ones alone.  `since` is inclusive and `until` exclusive, both of when they were made;
    `due_before` finds what is overdue then.
    """

    order: Order = "urgent"
    state: State | None = None
    tenant: str | None = None
    group: str | None = None
    model: str | None = None
    rule: str | None = None
    user: str | None = None
    conversation: str | None = None
    exchange: str | None = None
    claimed_by: str | None = None
    min_priority: int | None = None
    due_before: float | None = None
    since: float | None = None
    until: float | None = None


async def page(
    connection: psycopg.AsyncConnection, who: Reviewer, choice: HoldChoice, *, after: str | None, limit: int
) -> tuple[list[HoldRow], str | None]:
    """Rows that the caller may see, and the `after` of the next page.

    Raises `MalformedRequest` for an `after` that no page gave.
    """
    query, values = _query(who, choice, after, limit + 1)
    async with connection.cursor(row_factory=dict_row) as cursor:
        # Planned anew for what is asked: a plan for just any value would look for a rare one among all the others.
        rows = await (await cursor.execute(query, values, prepare=False)).fetchall()
    found = msgspec.convert(rows, list[HoldRow])
    return found[:limit], _place(found[limit - 1], choice.order) if len(found) > limit else None


def _query(who: Reviewer, choice: HoldChoice, after: str | None, most: int) -> tuple[sql.Composed, dict[str, object]]:
    terms: list[sql.Composable] = []
    values: dict[str, object] = {"most": most}
    for name in _EQUAL:
        value = getattr(choice, name)
        if value is not None:
            terms.append(sql.SQL("{} = {}").format(sql.Identifier("h", name), sql.Placeholder(name)))
            values[name] = value
    for name, comparison in (
        ("min_priority", sql.SQL("h.rank <= 9 - {}::smallint")),
        ("due_before", sql.SQL("h.due_at < {}")),
        ("since", sql.SQL("h.created_at >= {}")),
        ("until", sql.SQL("h.created_at < {}")),
    ):
        value = getattr(choice, name)
        if value is not None:
            terms.append(comparison.format(sql.Placeholder(name)))
            values[name] = value
    if choice.order == "urgent":
        terms.append(sql.SQL("h.ended_at IS NULL"))
    if choice.state == "claimed":
        terms.append(sql.SQL("h.claimed_by IS NOT NULL"))  # the same, in the words of an index
    if who.tenant is not None:
        terms.append(sql.SQL("h.tenant = %(scope)s"))
        values["scope"] = who.tenant
    terms.append(sql.SQL(MAY_READ))
    values |= who.rights
    # What one is about to judge blindly is not shown with what became of it.
    terms.append(sql.SQL("(h.second_by IS DISTINCT FROM %(me)s OR h.second_at IS NOT NULL)"))
    values["me"] = who.id
    if after is not None:
        values |= _after(after, choice.order)
    order = choice.order
    if who.groups is None or choice.group is not None:
        if who.groups is not None and choice.group not in {"", *who.groups}:
            terms.append(sql.SQL("false"))
        return _ordered(terms, order, _prefix(choice, who), is_first=after is None), values
    # Each group by its own stretch of the index, and then together: a small group is not looked for among the others'.
    parts: list[sql.Composable] = []
    for index, group in enumerate(["", *sorted(who.groups)]):
        values[f"group_{index}"] = group
        term = sql.SQL("h.{} = {}").format(sql.Identifier("group"), sql.Placeholder(f"group_{index}"))
        fixed = [] if who.tenant is None else [("tenant", "scope"), ("group", f"group_{index}")]
        parts.append(sql.SQL("({})").format(_ordered([*terms, term], order, fixed, is_first=after is None)))
    whole = sql.SQL("SELECT * FROM ({}) AS f ORDER BY {} LIMIT %(most)s")
    return whole.format(sql.SQL(" UNION ALL ").join(parts), _ORDERS[order]), values


def _prefix(choice: HoldChoice, who: Reviewer) -> list[tuple[str, str]]:
    """The columns that are the same throughout, as far as an index begins with them: column and placeholder."""
    tenant = "scope" if who.tenant is not None else "tenant"
    if who.tenant is None and choice.tenant is None:
        return []
    return [("tenant", tenant)] if choice.group is None else [("tenant", tenant), ("group", "group")]


def _ordered(
    terms: list[sql.Composable], order: Order, fixed: list[tuple[str, str]], *, is_first: bool
) -> sql.Composed:
    if not is_first:
        terms = [*terms, _NEWER if order == "newest" else _less_urgent(fixed)]
    return sql.SQL("SELECT {} FROM holds AS h WHERE {} ORDER BY {} LIMIT %(most)s").format(
        _COLUMNS, sql.SQL(" AND ").join(terms), _ORDERS[order]
    )


_NEWER = sql.SQL("(h.created_at, h.id) < (%(at)s::float8, %(at_id)s)")


def _less_urgent(fixed: list[tuple[str, str]]) -> sql.Composed:
    """What is behind a row.

    Of such a comparison the planner looks at the first column alone.  Most holds are as urgent as each other, so that
    it would expect nothing behind, and take an index of everybody's holds for the ones of a group: so that begins with
    what the index of the group begins with.
    """
    columns = [sql.Identifier("h", name) for name, _ in fixed]
    places = [sql.SQL("{}::text").format(sql.Placeholder(name)) for _, name in fixed]
    return sql.SQL("({}) > ({})").format(
        sql.SQL(", ").join([*columns, *(sql.Identifier("h", name) for name in ("rank", "due_at", "id"))]),
        sql.SQL(", ").join([*places, sql.SQL("%(at_rank)s::smallint, %(at)s::float8, %(at_id)s")]),
    )


def _place(row: HoldRow, order: Order) -> str:
    at = row.due_at if order == "urgent" else row.created_at
    return f"{row.priority}.{at.hex()}.{row.id}" if order == "urgent" else f"{at.hex()}.{row.id}"


def _after(after: str, order: Order) -> dict[str, Any]:
    try:
        if order == "urgent":
            priority, _, rest = after.partition(".")
            at, _, name = rest.rpartition(".")
            return {"at_rank": MOST_URGENT - int(priority[:2]), "at": float.fromhex(at), "at_id": name}
        at, _, name = after.rpartition(".")
        return {"at": float.fromhex(at), "at_id": name}
    except (ValueError, OverflowError):
        raise MalformedRequest("`after` is not a value that an earlier page gave as `next`.", field="after") from None
