"""More first names and surnames: those of many countries in Latin letters that the package Faker (MIT) draws from."""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple, cast

from training.names.listed import listed


class Given(NamedTuple):
    first: tuple[str, ...]
    last: tuple[str, ...]


@cache
def given(*, german: bool) -> Given:
    first: set[str] = set()
    last: set[str] = set()
    for locale in listed("locales"):
        if locale.startswith("de_") != german:
            continue
        provider: type = import_module(f"faker.providers.person.{locale}").Provider
        for name, values in vars(provider).items():
            if name.startswith("first_name"):
                first.update(_names(values))
            elif name.startswith("last_name"):
                last.update(_names(values))
    return Given(tuple(sorted(first)), tuple(sorted(last)))


def _names(values: Any) -> set[str]:
    """Lists of names, or names with their weights; a provider has functions of like names, too."""
    if not isinstance(values, tuple | list | Mapping):
        return set()
    found = cast("Iterable[Any]", values)
    return {each for each in found if isinstance(each, str) and each[:1].isupper() and each.isprintable()}
