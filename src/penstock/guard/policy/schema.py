"""Whether an answer is the JSON that was asked for, what is wrong with it, and how to ask once more.

Schemas come with requests: none is fetched from anywhere, and its expressions run in linear time.  What is said of an
error names places and not values, since it goes into records.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import jsonschema_rs
import msgspec

MOST_ERRORS: Final = 20
_MOST_MESSAGE: Final = 300
_MOST_PATH: Final = 200
_MOST_CANDIDATES: Final = 50
_MOST_OPENINGS: Final = 10
_SIZE_LIMIT: Final = 1 << 20
_MASK: Final = "the value"

_SIGNS: Final = re.compile(r'["\\{}\[\]]')  # one character at a time: linear whatever the text is
_FENCE: Final = "```"


class UnusableSchema(ValueError):
    """Why a schema cannot be checked against; the text may be shown to whoever sent it."""


class SchemaError(msgspec.Struct, frozen=True):
    """One thing that is wrong, at `path`: a JSON Pointer (RFC 6901), empty for the whole answer."""

    path: str
    message: str


class SchemaCheck:
    """One schema, compiled.  Immutable and safe in any thread; a check of a usual answer takes microseconds."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        """Raises `UnusableSchema` for what is no schema, and for one that refers to others elsewhere."""
        try:
            self._validator = jsonschema_rs.validator_for(
                dict(schema),
                mask=_MASK,
                offline=True,
                pattern_options=jsonschema_rs.RegexOptions(size_limit=_SIZE_LIMIT, dfa_size_limit=_SIZE_LIMIT),
            )
        except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as error:
            raise UnusableSchema(_shortened(str(error).splitlines()[0], _MOST_MESSAGE)) from None

    def errors(self, text: str) -> list[SchemaError]:
        """Empty where the text is JSON of that form; `MOST_ERRORS` at the most."""
        try:
            value = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError) as error:
            return [SchemaError("", _shortened(f"it is not JSON: {_plain(error)}", _MOST_MESSAGE))]
        found = self._validator.iter_errors(value)
        return [
            SchemaError(_pointer(each.instance_path), _shortened(each.message, _MOST_MESSAGE))
            for each in islice(found, MOST_ERRORS)
        ]

    def mended(self, text: str) -> str | None:
        """The answer without what stands around its JSON (a fence, a sentence before or after), where that is right.

        None where no part of it is.  Nothing within the JSON is changed.
        """
        for candidate in islice(_candidates(text), _MOST_CANDIDATES):
            if not self.errors(candidate):
                return candidate
        return None


def repair_prompt(errors: Sequence[SchemaError]) -> str:
    """What the model is told when it is asked once more."""
    lines = [f"- {each.path or 'the whole answer'}: {each.message}" for each in errors[:MOST_ERRORS]]
    return "\n".join(
        (
            "Your last answer does not have the form that was asked for:",
            *lines,
            "Answer once more with the corrected JSON and nothing else: no explanation and no code fence.",
        )
    )


def _candidates(text: str) -> Iterator[str]:
    """Parts that may be the JSON meant: all of it, what is fenced, what brackets enclose, and what stands between one
    of the first brackets and the last; each once, in order.
    """
    seen: set[str] = set()
    for part in (text.strip().removeprefix("\ufeff"), *_fenced(text), *_enclosed(text), *_to_the_last(text)):
        if part and part not in seen:
            seen.add(part)
            yield part


def _fenced(text: str) -> Iterator[str]:
    for part in text.split(_FENCE)[1::2]:
        word, line_end, rest = part.partition("\n")
        yield (rest if line_end and not word.strip().startswith(("{", "[")) else part).strip()


def _enclosed(text: str) -> Iterator[str]:
    """Each part from a bracket outside of all others to the one that closes it, in one walk."""
    begin, depth = 0, 0
    in_string, escaped = False, -1
    for sign in _SIGNS.finditer(text):
        at, char = sign.start(), sign.group()
        if at == escaped or (depth == 0 and char not in "{["):
            continue
        match char:
            case "\\":
                escaped = at + 1 if in_string else -1
            case '"':
                in_string = not in_string
            case "{" | "[" if not in_string:
                begin = at if depth == 0 else begin
                depth += 1
            case "}" | "]" if not in_string:
                depth -= 1
                if depth == 0:
                    yield text[begin : at + 1]
            case _:
                pass


def _to_the_last(text: str) -> Iterator[str]:
    """For a bracket in the words before that nothing closes."""
    end = max(text.rfind("}"), text.rfind("]")) + 1
    openings = (sign.start() for sign in _SIGNS.finditer(text, 0, end) if sign.group() in "{[")
    return (text[begin:end] for begin in islice(openings, _MOST_OPENINGS))


def _pointer(path: Sequence[str | int]) -> str:
    steps = (str(each).replace("~", "~0").replace("/", "~1") for each in path)
    return _shortened("".join(f"/{each}" for each in steps), _MOST_PATH)


def _plain(error: Exception) -> str:
    return "it is nested too deeply" if isinstance(error, RecursionError) else str(error)


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
