"""Says where two JSON values differ, by path."""

from penstock.core.json import JsonValue


def json_differences(sent: JsonValue, received: JsonValue, path: str = "") -> list[str]:
    """One line for each place at which `received` lacks, has more than, or differs from `sent`."""
    if isinstance(sent, dict) and isinstance(received, dict):
        found: list[str] = []
        for key in sorted(sent.keys() | received.keys()):
            where = f"{path}.{key}".removeprefix(".")
            if key not in received:
                found.append(f"{where} = {_clip(sent[key])} was lost")
            elif key not in sent:
                found.append(f"{where} = {_clip(received[key])} was added")
            else:
                found += json_differences(sent[key], received[key], where)
        return found
    if isinstance(sent, list) and isinstance(received, list) and len(sent) == len(received):
        pairs = enumerate(zip(sent, received, strict=True))
        return [line for at, (one, other) in pairs for line in json_differences(one, other, f"{path}[{at}]")]
    return [] if sent == received else [f"{path}: {_clip(sent)} became {_clip(received)}"]


def without_nulls(value: JsonValue) -> JsonValue:
    """The same with absent for null, for dialects that make no difference between the two."""
    match value:
        case dict():
            return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [without_nulls(inner) for inner in value]
        case _:
            return value


def _clip(value: JsonValue) -> str:
    text = repr(value)
    return text if len(text) <= 90 else f"{text[:60]} … ({len(text)})"
