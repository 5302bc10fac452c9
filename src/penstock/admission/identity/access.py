"""Allow-lists of model names.

A pattern is a name, or the beginning of one followed by `*`.  Assistants are asked for as `model`, so the same list
names them.  Called by `stage` for each request and by the admin API when a key makes a key.
"""

from collections.abc import Iterable, Sequence

from penstock.core.exchange import Principal


def is_allowed(patterns: Sequence[str] | None, model: str) -> bool:
    """Whether the list lets `model` pass.  None is no list; an empty one lets nothing pass."""
    if patterns is None or model in patterns:
        return True
    return any(pattern[-1:] == "*" and model.startswith(pattern[:-1]) for pattern in patterns)


def covers(patterns: Sequence[str] | None, narrower: Sequence[str] | None) -> bool:
    """Whether everything that `narrower` lets pass passes `patterns` too."""
    if patterns is None:
        return True
    if narrower is None:
        return False
    wide = tuple(pattern[:-1] for pattern in patterns if pattern[-1:] == "*")
    return all(name in patterns or name.removesuffix("*").startswith(wide) for name in narrower)


def visible(principal: Principal, models: Iterable[str]) -> tuple[str, ...]:
    """Those of `models` that the caller may ask for: what a list of models may show."""
    return tuple(model for model in models if is_allowed(principal.models, model))
