"""Masks what is kept of exchanges, whatever guards their models have: each value is replaced by its kind, for good.

Only what has a form of its own is found; names are masked where the model's guard finds them, before this.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from penstock.app.guards.opening import guards_of
from penstock.app.guards.personal import NAMES, PersonalData, kinds_of
from penstock.config.guards import PersonalDataSettings
from penstock.config.types import Config
from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.patterns.plain import find_plain
from penstock.guard.patterns.shared import set_of
from penstock.guard.personal.escapes import with_escapes
from penstock.guard.personal.masking import apart
from penstock.guard.personal.tokens import look_alikes
from penstock.guard.verdict import Finding

_NAMELESS: Final = PersonalDataSettings(fail="closed", names=False)


class OneWay:
    """For any thread.  `of` gives what masks a tenant's texts."""

    def __init__(self, config: Config) -> None:
        """Raises `ConfigError` where a pattern of the configuration cannot be used."""
        lists = config.guards.lists
        kinds = set(kinds_of(_NAMELESS, lists))
        for guards in guards_of(config).values():
            personal = guards.personal_data
            if personal is not None and personal.mode != "off":
                kinds |= kinds_of(personal, lists)
        everything = PersonalData(
            PersonalDataSettings(fail="closed", names=False, kinds=tuple(sorted(kinds - NAMES))), lists, None
        )
        self._all = set_of(everything.patterns)
        self._tenants: Mapping[str, Sequence[PatternSet]] = {
            tenant: [set_of(patterns) for tenants, patterns in everything.tenants if tenant in tenants]
            for named, _ in everything.tenants
            for tenant in named
        }

    def of(self, tenant: str) -> Callable[[str], str]:
        """What masks a text of the tenant's."""
        sets = (self._all, *self._tenants.get(tenant, ()))

        def mask(text: str) -> str:
            found = [each for patterns in sets for each in _find(patterns, text)]
            return text if not found else _replaced(text, found)

        return mask


def shows_refused(config: Config) -> Callable[[str], bool]:
    """Whether patterns mask what a guard has refused as well as the model's own guard would: not where it finds names,
    since those were not looked for any more.
    """
    named = {
        path.removeprefix("models.").removesuffix(".guards"): guards.personal_data
        for path, guards in guards_of(config).items()
    }
    default = named.get("guards.default")

    def may_show(model: str) -> bool:
        personal = named.get(model, default)
        return personal is None or personal.mode != "enforce" or not personal.names

    return may_show


def _find(patterns: PatternSet, text: str) -> Sequence[Finding]:
    return find_plain(lambda plain: with_escapes(patterns.find, plain), text)


def _replaced(text: str, found: Sequence[Finding]) -> str:
    tokens = _tokens(text)
    said: list[str] = []
    at = 0
    for each in apart(found):
        if any(begin <= each.begin and each.end <= end for begin, end in tokens):
            continue  # a token of a guard's that was taken for a value
        said += text[at : each.begin], f"<{each.kind}>"
        at = each.end
    said.append(text[at:])
    return "".join(said)


def _tokens(text: str) -> list[tuple[int, int]]:
    places: list[tuple[int, int]] = []
    for token in look_alikes((text,)):
        at = text.find(token)
        while at >= 0:
            places.append((at, at + len(token)))
            at = text.find(token, at + 1)
    return places
