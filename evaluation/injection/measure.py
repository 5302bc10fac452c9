"""Leaves one source of attacks out at a time, fits on the rest, and counts what is found of it.

Where a guard acts is set on harmless texts that are not those reported: for what users write each half of the prompts
sets it for the other half, for documents two fifths of the kinds that were fitted on set it for other kinds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from time import thread_time
from typing import Final, NamedTuple

import numpy as np
from training.injection import (
    DATA_QUANTILE,
    USER_QUANTILES,
    fit_untrusted,
    fit_user,
    fitted_texts,
    setting_texts,
    user_columns,
    user_middle,
)
from training.injection_sets import unseen_prompts
from training.injection_table import Array, Mask, Table, balance
from training.injection_texts.generate import HELD_OUT_DISGUISES, HELD_OUT_GOALS

from penstock.encoder.model import Model
from penstock.guard.injection.find import InjectionDetector
from penstock.guard.injection.head import load_head
from penstock.guard.injection.signs import FEATURES, Reader
from penstock.guard.verdict import Segment

ALL: Final = ("injecagent", "bipia_text", "bipia_code", "jailbreaks", "piguard")
LEFT_OUT: Final = {
    "InjecAgent": ("injecagent",),
    "BIPIA": ("bipia_text", "bipia_code"),
    "jailbreaks": ("jailbreaks",),
    "PIGuard": ("piguard", "bipia_text", "bipia_code"),
    "all of them": ALL,
    "families": (),
}
"""PIGuard's set has attacks of BIPIA, so that one goes out with the other, both ways."""

Way = str
WAYS: Final = ("both", "signs", "vector")
"""The guard with the encoder, without it, and for comparison a logistic regression on the mean of the vectors."""
_TIMES: Final = 60


class Count(NamedTuple):
    found: float
    of: int

    @property
    def share(self) -> float:
        return self.found / self.of if self.of else 0.0


@dataclass(frozen=True, slots=True)
class Fold:
    """`hits` says for each way and text what part of it was found: a half where one of two middles finds it."""

    name: str
    left_out: Mask
    hits: dict[Way, Array]


def left_out_texts(table: Table, name: str) -> Mask:
    if name == "families":
        return _held_out_families(table)
    sources = LEFT_OUT[name]
    found = np.isin(table.source, sources)
    if "bipia_text" in sources:
        found |= np.char.startswith(table.kind, "BIPIA")
    return found


def _held_out_families(table: Table) -> Mask:
    goals, ways = zip(*((*kind.split("/"), "")[:2] for kind in table.kind), strict=True)
    return (table.source == "generated") & (
        np.isin(goals, list(HELD_OUT_GOALS)) | np.isin(ways, list(HELD_OUT_DISGUISES))
    )


def folds(table: Table) -> Iterator[Fold]:
    for name in LEFT_OUT:
        left_out = left_out_texts(table, name)
        fitted = fitted_texts(table, left_out)
        hits: dict[Way, Array] = {way: np.zeros(len(table.samples), np.float32) for way in WAYS}
        _user_hits(table, fitted, hits)
        if (left_out & table.is_untrusted & table.is_attack).any():
            _data_hits(table, fitted, setting_texts(table, left_out), hits)
        yield Fold(name, left_out, hits)


def _user_hits(table: Table, fitted: Mask, hits: dict[Way, Array]) -> None:
    user = ~table.is_untrusted
    _, totals = fit_user(table, fitted & user)
    learned = _vector_totals(table, fitted & user)
    half = table.part(2)
    for way, each in (("signs", totals), ("both", totals), ("vector", learned)):
        for side in (0, 1):
            middle = user_middle(table, each, user & (half == side))
            asked = user & np.isin(table.source, list(USER_QUANTILES))
            hits[way] += (user & (each > middle)) * np.where(asked, half != side, 0.5).astype(np.float32)


def _data_hits(table: Table, fitted: Mask, setting: Mask, hits: dict[Way, Array]) -> None:
    data = table.is_untrusted
    found = fit_untrusted(table, fitted & data)
    learned = _vector_totals(table, fitted & data)
    for way, each in (
        ("signs", found.totals(table, "signs")),
        ("both", found.totals(table, "both")),
        ("vector", learned),
    ):
        middle = np.quantile(each[setting & data], DATA_QUANTILE)
        hits[way] += data & (each > middle)


def _vector_totals(table: Table, texts: Mask, *, steps: int = 300, penalty: float = 0.002) -> Array:
    """A logistic regression on the mean vector of each text."""
    counts = np.diff(np.append(table.first, len(table.of)))
    vectors = np.add.reduceat(table.means, table.first) / counts[:, None]
    chosen = np.flatnonzero(texts)
    weights = balance(table, chosen)
    share = weights / weights.sum()
    mean, spread = vectors[chosen].mean(axis=0), vectors[chosen].std(axis=0) + 1e-6
    rows = ((vectors - mean) / spread).astype(np.float32)
    fitted, is_attack = rows[chosen], table.is_attack[chosen]
    weight, constant, moved = np.zeros(rows.shape[1], np.float32), 0.0, np.zeros(rows.shape[1], np.float32)
    for _ in range(steps):
        error = (1.0 / (1.0 + np.exp(-(fitted @ weight + constant))) - is_attack) * share
        moved = 0.9 * moved + fitted.T @ error.astype(np.float32) + penalty * weight
        weight, constant = weight - 0.1 * moved, constant - float(error.sum())
    return rows @ weight


def count(fold: Fold, way: Way, texts: Mask) -> Count:
    return Count(float(fold.hits[way][texts].sum()), int(texts.sum()))


def attacks_by_kind(table: Table, fold: Fold, source: str) -> list[tuple[str, Mask]]:
    """Of a left-out source its attacks, by what its authors call them; of generated ones by the family left out."""
    texts = fold.left_out & table.is_attack & (table.source == source)
    kinds: dict[str, Mask] = {}
    for kind in np.unique(table.kind[texts]):
        name = kind if source != "generated" else _family(str(kind))
        name = name.split("/")[0] if source.startswith("bipia") else name
        kinds[name] = kinds.get(name, np.zeros(len(texts), bool)) | (texts & (table.kind == kind))
    return sorted(kinds.items())


def _family(kind: str) -> str:
    goal, _, disguise = kind.partition("/")
    return f"goal: {goal}" if goal in HELD_OUT_GOALS else f"disguise: {disguise}"


def harmless(table: Table, fold: Fold) -> list[tuple[str, Mask]]:
    """Texts that nothing was fitted on, nor the middle of that half set on."""
    source, kind = table.source, table.kind
    good = ~table.is_attack
    found = [
        ("the 500 prompts", good & (source == "arena")),
        ("requests about security, English", good & (source == "frr") & (kind == "en")),
        ("requests about security, seven languages", good & (source == "frr") & (kind != "en")),
    ]
    if fold.name == "all of them":
        prompts = good & (source == "piguard") & ~table.is_untrusted
        found += [
            ("PIGuard's harmless prompts", prompts & (kind != "WildGuard")),
            ("PIGuard's WildGuard part", prompts & (kind == "WildGuard")),
            ("scientific abstracts", good & (source == "scifact")),
            ("a car maker's documents and FAQ", good & (source == "enterprise")),
            ("InjecAgent's tool results without the attack", good & (source == "injecagent")),
            ("BIPIA's mails, tables and answers on code", good & (source == "bipia_text")),
            ("PIGuard's documents", good & (source == "piguard") & table.is_untrusted),
        ]
    return found


def unseen(table: Table) -> Count:
    """Real prompts that played no part: the middle is that of the 500 and of security, all sources are fitted."""
    nothing = np.zeros(len(table.samples), bool)
    plane, totals = fit_user(table, fitted_texts(table, nothing) & ~table.is_untrusted)
    middle = user_middle(table, totals, ~table.is_untrusted)
    samples = list(unseen_prompts())
    reader = Reader()
    rows = [reader.read(each.text, by_user=True).rows for each in samples]
    own = np.concatenate([_rows(each) for each in rows])
    first = np.cumsum([0, *(max(1, len(each)) for each in rows)])[:-1]
    small = Table(samples, [], own, own, own, own, np.zeros(0, np.int64), first, np.zeros(0, np.int64))
    found = user_columns(small) @ plane.weight > middle
    return Count(int(found.sum()), len(samples))


def _rows(rows: Sequence[frozenset[int]]) -> Array:
    own = np.zeros((max(1, len(rows)), len(FEATURES)), np.float32)
    for at, row in enumerate(rows):
        own[at, list(row)] = 1.0
    return own


class Speed(NamedTuple):
    """CPU time of one segment, in microseconds (median)."""

    chars: int
    trust: str
    pass_us: float
    signs_us: float
    both_us: float


def speeds(model: Model) -> list[Speed]:
    with_head, without = InjectionDetector(load_head()), InjectionDetector()
    sentence = (
        "The meeting has moved to Thursday; please bring the figures of the last quarter. See the notes for details. "
    )
    found: list[Speed] = []
    for chars in (400, 2000):
        text = (sentence * 20)[:chars]
        encoded = model.encode(text)
        for trust in ("user", "tool_result"):
            segment = Segment(text, trust, "messages.0")
            found.append(
                Speed(
                    chars,
                    trust,
                    _median_us(lambda: model.encode(text), 7),  # noqa: B023 - called at once
                    _median_us(lambda: without.find(segment)),  # noqa: B023 - as above
                    _median_us(lambda: with_head.find(segment, encoded)),  # noqa: B023 - as above
                )
            )
    return found


def _median_us(call: Callable[[], object], times: int = _TIMES) -> float:
    call()
    taken: list[float] = []
    for _ in range(times):
        start = thread_time()
        call()
        taken.append(thread_time() - start)
    return float(np.median(taken)) * 1e6
