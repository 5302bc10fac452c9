"""Train the injection guard: `python -m training.injection` writes signs.json and injection.npz beside its rules.

Two things are fitted.  For what users write, a sum of signs of attacks in which none counts against one (projected
gradient).  For tool results and documents, two small networks whose totals are averaged, one on the signs of each unit
and one on these and the encoder's vectors.  In an attack the most suspicious unit is to be found, in a harmless text
none: which unit of an attack counts is chosen by the network of the round before.

Middles of the scales, where a guard acts, are set on harmless texts that nothing is fitted on: the users' on halves of
the benign prompts and of the requests about security, the others' on two fifths of the documents.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from penstock.encoder.files import default_folder
from penstock.encoder.model import Model
from penstock.encoder.weights import WEIGHTS_SHA256
from penstock.guard.injection.head import STRANGE, Head
from penstock.guard.injection.signs import FEATURES
from penstock.guard.injection.weigh import CERTAIN, MOST_COUNTED, SPOKEN_OF, Scale, UnitWeights, UserWeights, Weights
from training.injection_fit import Network, Plane, fit_network, fit_plane, sigmoid
from training.injection_memo import Memo
from training.injection_sets import all_samples
from training.injection_table import Array, Mask, Table, balance, read_table

ROOM: Final = Path(__file__).parents[1] / "src" / "penstock" / "guard" / "injection"

ATTACK_SIGNS: Final = (
    *("override", "new_orders", "leak", "unbound", "jailbreak", "never_refuse", "in_character", "persona", "to_model"),
    *("turn", "secrecy", "hurry", "disguised", "hidden", "invisible", "steer"),
)
KINDS: Final = ATTACK_SIGNS[:9]
"""Several of these in one text say more than one of them often."""
CALM_SIGNS: Final = ("discussed", "draft", "code")
UNUSED_SIGNS: Final = ("code", "human", "draft")
"""In data an attacker could write them beside anything."""
BESIDE_SIGNS: Final = (*ATTACK_SIGNS, "operate", "generate", "your_answer", "polite", "imperative")
TESTED_ONLY: Final = ("arena", "frr", "scifact", "enterprise")

USER_QUANTILES: Final = {"arena": 0.994, "frr": 0.985}
USER_MARGIN: Final = 0.4
"""Above the greatest of the harmless prompts that set it: no weak sign is to be enough alone."""
DATA_QUANTILE: Final = 0.975
_DIRECTIONS: Final = 64
_DIRECTION_SCALE: Final = 0.5
_ROUNDS: Final = 3
_MOST_ROWS: Final = 15_000
_CERTAIN_TOTAL: Final = np.float32(30.0)
_INNER: Final = 0.3
"""What a unit beside an attack counts, of one in a harmless text."""

Way = Literal["signs", "both"]


def signed_columns(free: int = 0) -> Array:
    """For the signs of a unit, of those beside it, and as many columns as may count either way."""
    own = [
        {**dict.fromkeys(SPOKEN_OF, -1.0), **dict.fromkeys(UNUSED_SIGNS, np.nan)}.get(name, 1.0) for name in FEATURES
    ]
    return np.array([*own, *(1.0 for _ in BESIDE_SIGNS), *(0.0 for _ in range(free))], np.float32)


def numbers(names: Sequence[str]) -> list[int]:
    return [FEATURES.index(name) for name in names]


def user_columns(table: Table) -> Array:
    """For each text: each sign once, its further ones, the further kinds, a role, and, taken off, what is calm."""
    once = np.maximum.reduceat(table.own, table.first)
    counts = np.minimum(np.add.reduceat(table.own, table.first), MOST_COUNTED)
    attack, calm = numbers(ATTACK_SIGNS), numbers(CALM_SIGNS)
    kinds = np.maximum(once[:, numbers(KINDS)].sum(axis=1) - 1.0, 0.0)
    more = np.log1p(counts[:, attack]) - np.log(2.0) * once[:, attack]
    return np.hstack([once[:, attack], more, kinds[:, None], once[:, numbers(("role",))], -once[:, calm]]).astype(
        np.float32
    )


def user_weights(plane: Plane, scale: Scale) -> UserWeights:
    """The plane as it is shipped: the constant lies in the scale."""
    once = len(ATTACK_SIGNS)
    signs = {name: (_short(plane.weight[at]), _short(plane.weight[once + at])) for at, name in enumerate(ATTACK_SIGNS)}
    signs["role"] = (_short(plane.weight[2 * once + 1]), 0.0)
    signs |= {name: (-_short(plane.weight[2 * once + 2 + at]), 0.0) for at, name in enumerate(CALM_SIGNS)}
    return UserWeights(signs, _short(plane.weight[2 * once]), frozenset(KINDS), scale)


def _short(value: float | np.floating) -> float:
    return round(float(value), 4)


@dataclass(frozen=True, slots=True)
class Untrusted:
    """Both networks, and what the second reads of the vectors."""

    by_signs: Network
    by_both: Network
    mean: Array
    directions: Array
    strange: Array

    def features(self, table: Table) -> Array:
        return self.head(Scale(0.0, 1.0)).features(table.own, table.beside, table.means, table.strange)

    def totals(self, table: Table, way: Way) -> Array:
        """For each text, as the guard adds them up."""
        by_signs = self.by_signs.totals(sign_columns(table))
        certain = certain_rows(table)
        if way == "signs":
            return table.greatest(np.where(certain, _CERTAIN_TOTAL, by_signs))
        by_both = np.concatenate([self.by_both.totals(part) for part in np.array_split(self.features(table), 16)])
        return table.greatest(np.where(certain, _CERTAIN_TOTAL, (by_signs + by_both) / 2.0))

    def head(self, scale: Scale) -> Head:
        return Head(
            encoder_sha256=WEIGHTS_SHA256,
            mean=self.mean,
            directions=self.directions,
            strange=self.strange,
            beside=np.array(numbers(BESIDE_SIGNS)),
            hidden=self.by_both.weight,
            hidden_bias=self.by_both.bias,
            out=self.by_both.out,
            direct=self.by_both.direct,
            bias=self.by_both.constant,
            scale=scale,
        )


def certain_rows(table: Table) -> Mask:
    """As `SignsHead.is_certain` says."""
    spoken_of = table.own[:, numbers(SPOKEN_OF)].any(axis=1)
    return table.own[:, numbers(CERTAIN)].any(axis=1) & ~spoken_of


def sign_columns(table: Table) -> Array:
    return np.hstack([table.own, table.beside[:, numbers(BESIDE_SIGNS)]])


def fit_untrusted(table: Table, texts: Mask, *, seed: int = 0) -> Untrusted:
    """On these texts only, all of them untrusted."""
    chosen = np.flatnonzero(texts)
    weights = np.zeros(len(texts), np.float32)
    weights[chosen] = balance(table, chosen)
    rows = np.flatnonzero(texts[table.of])
    in_attack = table.is_attack[table.of[rows]]
    wanted = rows[in_attack & (table.labels[rows] != 0)]
    others = rows[~in_attack | (table.labels[rows] == 0)]
    plain = weights[table.of[others]].copy()
    beside = table.is_attack[table.of[others]]
    plain[beside] = _INNER * plain[~beside].mean()
    columns = sign_columns(table)
    unlike, merged = _merged(columns[others], plain)
    totals = table.own[wanted].sum(axis=1)
    network: Network | None = None
    for round_number in range(_ROUNDS):
        top = _most_suspicious(wanted, totals, table.of)
        fitted, merged_top = _merged(columns[top], weights[table.of[top]])
        network = fit_network(
            np.vstack([fitted, unlike]),
            np.arange(len(fitted) + len(unlike)) < len(fitted),
            np.concatenate([merged_top / merged_top.sum(), merged / merged.sum()]),
            signed_columns(),
            seed=seed + round_number,
            steps=400,
        )
        totals = network.totals(columns[wanted])
    assert network is not None  # noqa: S101 - there is at least one round
    top = _most_suspicious(wanted, totals, table.of)
    return _with_vectors(table, network, rows, _Drawn(top, weights[table.of[top]], others, plain), seed=seed)


class _Drawn(NamedTuple):
    """The unit of each attack that counts, the harmless ones, and their weights."""

    top: NDArray[np.int64]
    top_weights: Array
    others: NDArray[np.int64]
    other_weights: Array


def _with_vectors(table: Table, by_signs: Network, rows: NDArray[np.int64], drawn: _Drawn, *, seed: int) -> Untrusted:
    chance = np.random.default_rng(seed)
    seen = table.means[chance.choice(rows, min(20_000, len(rows)), replace=False)]
    mean = seen.mean(axis=0)
    _, spread, turned = np.linalg.svd(seen - mean, full_matrices=False)
    directions = turned[:_DIRECTIONS].T / (spread[:_DIRECTIONS] / np.sqrt(len(seen))) * _DIRECTION_SCALE
    strange = (1.0 / table.strange[rows].std(axis=0)).astype(np.float32)
    empty = Network(*(np.zeros(0, np.float32) for _ in range(4)), 0.0)
    found = Untrusted(by_signs, empty, mean, directions.astype(np.float32), strange)
    some = chance.choice(len(drawn.others), min(_MOST_ROWS, len(drawn.others)), replace=False)
    head = found.head(Scale(0.0, 1.0))
    used = np.concatenate([drawn.top, drawn.others[some]])
    features = head.features(table.own[used], table.beside[used], table.means[used], table.strange[used])
    harmless = drawn.other_weights[some]
    share = np.concatenate([drawn.top_weights / drawn.top_weights.sum(), harmless / harmless.sum()])
    by_both = fit_network(
        features,
        np.arange(len(used)) < len(drawn.top),
        share,
        signed_columns(STRANGE + _DIRECTIONS),
        seed=seed,
        steps=150,
        penalty=1e-3,
    )
    return Untrusted(by_signs, by_both, mean, directions.astype(np.float32), strange)


def _merged(rows: Array, weights: Array) -> tuple[Array, Array]:
    """Equal rows once, with the sum of their weights: most units have few signs, and the same ones."""
    unlike, number = np.unique(rows, axis=0, return_inverse=True)
    return unlike, np.bincount(number.ravel(), weights).astype(np.float32)


def _most_suspicious(rows: NDArray[np.int64], totals: Array, of: NDArray[np.int64]) -> NDArray[np.int64]:
    order = np.lexsort((-totals, of[rows]))
    ordered = rows[order]
    return ordered[np.concatenate([[True], np.diff(of[ordered]) > 0])]


def fitted_texts(table: Table, left_out: Mask) -> Mask:
    """What may be fitted on: nothing that is only tested, nothing left out, no harmless text that sets a middle."""
    return ~left_out & ~np.isin(table.source, TESTED_ONLY) & ~setting_texts(table, left_out)


def setting_texts(table: Table, left_out: Mask) -> Mask:
    """Two fifths of the harmless texts, by group: they set where the guard acts on data."""
    return ~table.is_attack & (table.part(5, "d") < 2) & ~left_out & ~np.isin(table.source, TESTED_ONLY)


def fit_user(table: Table, texts: Mask) -> tuple[Plane, Array]:
    """The plane, and every text's total without its constant."""
    columns = user_columns(table)
    chosen = np.flatnonzero(texts)
    plane = fit_plane(columns[chosen], table.is_attack[chosen], balance(table, chosen))
    return plane, columns @ plane.weight


def user_middle(table: Table, totals: Array, texts: Mask) -> float:
    """Where a guard acts, by the harmless requests among these texts."""
    return USER_MARGIN + max(
        float(np.quantile(totals[texts & (table.source == name)], each)) for name, each in USER_QUANTILES.items()
    )


def slope(totals: Array, is_attack: Mask, middle: float) -> float:
    """By which totals around the middle become chances, where attacks and harmless texts are as many."""
    value = 1.0
    share = np.where(is_attack, 0.5 / max(1, is_attack.sum()), 0.5 / max(1, (~is_attack).sum()))
    around = np.clip(totals - middle, -8.0, 8.0)
    for _ in range(200):
        value -= 0.5 * float((((sigmoid(value * around) - is_attack) * around) * share).sum())
    return min(4.0, max(0.25, value))


def scales(table: Table, totals: Array, texts: Mask, setting: Mask) -> Scale:
    middle = float(np.quantile(totals[setting & ~table.is_attack], DATA_QUANTILE))
    return Scale(_short(middle), _short(slope(totals[texts], table.is_attack[texts], middle)))


def train(table: Table, room: Path = ROOM) -> None:
    """Fit on all sources, set the middles, and write both files."""
    nothing = np.zeros(len(table.samples), bool)
    fitted, setting, untrusted = fitted_texts(table, nothing), setting_texts(table, nothing), table.is_untrusted
    plane, totals = fit_user(table, fitted & ~untrusted)
    middle = user_middle(table, totals, ~untrusted)
    user = user_weights(
        plane, Scale(_short(middle), _short(slope(totals[~untrusted], table.is_attack[~untrusted], middle)))
    )
    found = fit_untrusted(table, fitted & untrusted)
    by_signs = scales(table, found.totals(table, "signs"), untrusted, setting & untrusted)
    by_both = scales(table, found.totals(table, "both"), untrusted, setting & untrusted)
    weights = Weights(FEATURES, user, _unit_weights(found.by_signs, by_signs))
    room.joinpath("signs.json").write_bytes(
        msgspec.json.format(msgspec.json.encode(weights, order="deterministic"), indent=1) + b"\n"
    )
    head = found.head(by_both)
    arrays: dict[str, object] = {
        "encoder_sha256": np.array(head.encoder_sha256),
        "mean": head.mean.astype(np.float16),
        "directions": head.directions.astype(np.float16),
        "strange": head.strange,
        "beside": head.beside,
        "hidden": head.hidden.astype(np.float16),
        "hidden_bias": head.hidden_bias,
        "out": head.out,
        "direct": head.direct,
        "bias": np.array(head.bias),
        "middle": np.array(by_both.middle),
        "slope": np.array(by_both.slope),
    }
    with room.joinpath("injection.npz").open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]  # numpy's stub takes `allow_pickle` for a key


def _unit_weights(network: Network, scale: Scale) -> UnitWeights:
    rows = np.hstack([network.weight, network.direct[:, None]])
    own = {name: [_short(each) for each in rows[at]] for at, name in enumerate(FEATURES)}
    beside = {name: [_short(each) for each in rows[len(FEATURES) + at]] for at, name in enumerate(BESIDE_SIGNS)}
    out = [*(_short(each) for each in network.out), _short(network.constant)]
    return UnitWeights(own, beside, [_short(each) for each in network.bias], out, scale)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m training.injection")
    parser.add_argument("--model", type=Path, default=default_folder(), help="folder of the built encoder")
    chosen = parser.parse_args()
    memo = Memo(Model(chosen.model / "model.onnx", chosen.model / "tokenizer.json", weights_sha256=WEIGHTS_SHA256))
    train(read_table(all_samples(), memo))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
