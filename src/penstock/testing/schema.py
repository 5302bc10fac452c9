"""Makes up a JSON value that a JSON Schema accepts: tool arguments and structured answers of the simulated model.

Understands what providers accept in strict mode and the usual rest: types, enum and const, objects with nested and
recursive parts, arrays, anyOf, oneOf and allOf, bounds, lengths, multiples and the common formats.  `pattern` and
`not` are beyond it: a value for them may not be valid.
"""

import math

from penstock.core.json import JsonObject, JsonValue
from penstock.testing.chance import Rng

_DEEPEST = 6
_WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grove", "harbor")


def make_example(schema: JsonObject, rng: Rng) -> JsonValue:
    """Return a value valid under `schema`, the same for the same `rng` state."""
    return _value(schema, schema, rng, 0)


def _value(schema: JsonValue, root: JsonObject, rng: Rng, depth: int) -> JsonValue:
    if not isinstance(schema, dict):
        return "amber"
    schema = _resolved(schema, root)
    if "const" in schema:
        return schema["const"]
    match schema:
        case {"enum": [*values]} if values:
            return rng.choice(values)
        case {"anyOf": [*options]} | {"oneOf": [*options]} if options:
            chosen = _shallowest(options, root, depth, rng)
            rest: JsonObject = {key: value for key, value in schema.items() if key not in {"anyOf", "oneOf"}}
            return _value(
                _merged(rest, _resolved(chosen, root)) if isinstance(chosen, dict) else rest, root, rng, depth
            )
        case _:
            pass
    match _type_of(schema):
        case "object":
            return _object(schema, root, rng, depth)
        case "array":
            least, most = _integer(schema, "minItems", 0), _integer(schema, "maxItems", 1_000)
            prefix = schema.get("prefixItems")
            made: list[JsonValue] = (
                [_value(item, root, rng, depth + 1) for item in prefix] if isinstance(prefix, list) else []
            )
            wanted = max(least, min(most, 0 if depth >= _DEEPEST else 2, 2))
            while len(made) < wanted:
                item = _value(schema.get("items", {"type": "string"}), root, rng, depth + 1)
                made.append(item)
            return made
        case "string":
            return _string(schema, rng)
        case "integer":
            return int(_number(schema, rng, step=1))
        case "number":
            return _number(schema, rng, step=0.25)
        case "boolean":
            return rng.random() < 0.5
        case _:
            return None


def _resolved(schema: JsonObject, root: JsonObject) -> JsonObject:
    for _ in range(32):
        match schema:
            case {"$ref": str(ref)} if ref.startswith("#"):
                found: JsonValue = root
                for step in ref.removeprefix("#").split("/")[1:]:
                    name = step.replace("~1", "/").replace("~0", "~")
                    found = found.get(name) if isinstance(found, dict) else None
                schema = found if isinstance(found, dict) else {}
            case {"allOf": [*parts]}:
                merged: JsonObject = {key: value for key, value in schema.items() if key != "allOf"}
                for part in parts:
                    if isinstance(part, dict):
                        merged = _merged(merged, _resolved(part, root))
                schema = merged
            case _:
                return schema
    return {}


def _merged(left: JsonObject, right: JsonObject) -> JsonObject:
    both: JsonObject = {**left, **right}
    match left, right:
        case {"properties": dict(ours)}, {"properties": dict(theirs)}:
            both["properties"] = {**ours, **theirs}
        case _:
            pass
    match left, right:
        case {"required": list(ours)}, {"required": list(theirs)}:
            both["required"] = [*ours, *theirs]
        case _:
            pass
    return both


def _shallowest(options: list[JsonValue], root: JsonObject, depth: int, rng: Rng) -> JsonValue:
    if depth < _DEEPEST:
        return rng.choice(options)
    for option in options:
        if isinstance(option, dict) and _type_of(_resolved(option, root)) not in {"object", "array"}:
            return option
    return options[0]


def _type_of(schema: JsonObject) -> str:
    match schema.get("type"):
        case str(name):
            return name
        case [str(name), *_]:
            return name
        case _:
            pass
    if "properties" in schema or "required" in schema:
        return "object"
    if "items" in schema or "prefixItems" in schema:
        return "array"
    return "string"


def _object(schema: JsonObject, root: JsonObject, rng: Rng, depth: int) -> JsonObject:
    required = schema.get("required")
    needed = set(map(str, required)) if isinstance(required, list) else set[str]()
    properties = schema.get("properties")
    made: JsonObject = {}
    if isinstance(properties, dict):
        for name, part in properties.items():
            if name in needed or depth < _DEEPEST // 2:
                made[name] = _value(part, root, rng, depth + 1)
    for name in needed - made.keys():
        made[name] = "amber"
    return made


def _string(schema: JsonObject, rng: Rng) -> str:
    match schema.get("format"):
        case "date":
            return f"20{rng.randrange(10, 30)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}"
        case "date-time":
            return f"20{rng.randrange(10, 30)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}T08:30:00Z"
        case "time":
            return f"{rng.randrange(24):02}:{rng.randrange(60):02}:00Z"
        case "duration":
            return f"PT{rng.randrange(1, 60)}M"
        case "email":
            return f"{rng.choice(_WORDS)}@example.com"
        case "hostname":
            return f"{rng.choice(_WORDS)}.example.com"
        case "uri" | "uri-reference":
            return f"https://example.com/{rng.choice(_WORDS)}"
        case "uuid":
            digits = f"{rng.getrandbits(128):032x}"
            return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
        case "ipv4":
            return f"192.0.2.{rng.randrange(1, 255)}"
        case "ipv6":
            return f"2001:db8::{rng.randrange(1, 0xFFFF):x}"
        case _:
            pass
    least, most = _integer(schema, "minLength", 0), _integer(schema, "maxLength", 1_000_000)
    text = rng.choice(_WORDS)
    while len(text) < least:
        text += " " + rng.choice(_WORDS)
    return text[: max(least, min(most, len(text)))] if least else text[:most]


def _number(schema: JsonObject, rng: Rng, *, step: float) -> float:
    match schema.get("multipleOf"):
        case int(given) | float(given) if given > 0:
            step = given if float(given).is_integer() or step < 1 else math.ceil(given)
        case _:
            pass
    low, low_open = _bound(schema, "minimum", "exclusiveMinimum")
    high, high_open = _bound(schema, "maximum", "exclusiveMaximum")
    if low is None:
        low, low_open = (0.0, False) if high is None or high > 0 else (high - 100 * step, False)
    if high is None:
        high, high_open = low + 100 * step, False
    first, last = math.ceil(low / step), math.floor(high / step)
    first += low_open and first * step <= low
    last -= high_open and last * step >= high
    if first <= last:
        return rng.randint(first, last) * step
    return (low + high) / 2


def _bound(schema: JsonObject, inclusive: str, exclusive: str) -> tuple[float | None, bool]:
    match schema.get(exclusive), schema.get(inclusive):
        case ((int(bound) | float(bound)), _) if not isinstance(schema.get(exclusive), bool):
            return float(bound), True
        case _, (int(bound) | float(bound)):
            return float(bound), False
        case _:
            return None, False


def _integer(schema: JsonObject, key: str, default: int) -> int:
    value = schema.get(key)
    return value if isinstance(value, int) else default
