"""Conversations with personal data in every place that a caller can write to: seeded, in three client dialects.

Values are of the forms that the catalogue knows, with sound checksums, and names from a list, as a tenant would give
one.  Each stands between other words, in quotes, brackets, JSON or JSON within JSON.
"""

import random
import string
from collections.abc import Sequence
from dataclasses import dataclass

from stdnum import luhn
from stdnum.iso7064 import mod_97_10

from penstock.core.json import JsonObject, JsonValue, dumps

NAMES = (
    *("Anna Schmidt", "Bernd O'Hara", "Chloé Dubois", "Dmitri Petrow", "Eszter Nagy", "Fatima al-Sayed"),
    *("Grażyna Wójcik", "Henrik Sørensen", "Ilse Müller-Lüdenscheidt", "João Conceição", "Katarína Nováková"),
)
_WORDS = (
    *("please", "check", "the", "order", "of", "and", "send", "an", "answer", "to", "because", "we", "have", "not"),
    *(
        "bitte",
        "prüfen",
        "wegen",
        "der",
        "Rechnung",
        "für",
        "über",
        "jetzt",
        "naïve",
        "日本",
        "😀",
        "{",
        "}",
        "<b>",
        "&",
    ),
)
_AROUND = ("{}", "({})", '"{}"', "'{}'", "[{}]", "<{}>", "{},", "{}.", "{}!", "*{}*", "\n{}\n", "{}; ", "\t{}")


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request's body in a client dialect, and every value that it holds, each of which must not leave."""

    dialect: str
    body: bytes
    values: tuple[str, ...]


class Generator:
    """Conversations one after the other, the same for the same seed."""

    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - test data
        self._values: list[str] = []

    def conversation(self) -> Conversation:
        """The next one."""
        chance = self._chance
        people = [self._value() for _ in range(chance.randint(1, 4))]
        self._values = []
        made = chance.choice((self._openai, self._anthropic, self._responses))
        dialect, body = made(people)
        return Conversation(dialect, dumps(body), tuple(dict.fromkeys(self._values)))

    def _value(self) -> str:
        chance = self._chance
        digits = "".join(chance.choice(string.digits) for _ in range(14))
        match chance.randrange(6):
            case 0:
                name = "".join(chance.choice(string.ascii_lowercase) for _ in range(8))
                return f"{name}.{digits[:3]}@{chance.choice(('example.com', 'post.example.de', 'mail.example.org'))}"
            case 1:
                bank = f"37040044{digits[:10]}"
                check = mod_97_10.calc_check_digits(f"{bank}DE")
                plain = f"DE{check}{bank}"
                return plain if chance.random() < 0.5 else " ".join(plain[at : at + 4] for at in range(0, 22, 4))
            case 2:
                card = f"4{digits}"
                return f"{card}{luhn.calc_check_digit(card)}"
            case 3:
                return f"+49 30 9018{digits[:4]}"
            case 4:
                return f"192.168.{int(digits[:3]) % 256}.{int(digits[3:6]) % 256}"
            case _:
                return chance.choice(NAMES)

    def _say(self, people: Sequence[str]) -> str:
        """A text with one or two of the values in it."""
        chance = self._chance
        words = [chance.choice(_WORDS) for _ in range(chance.randint(0, 12))]
        for _ in range(chance.randint(1, 2)):
            value = chance.choice(people)
            self._values.append(value)
            words.insert(chance.randint(0, len(words)), chance.choice(_AROUND).format(value))
        return " ".join(words)

    def _arguments(self, people: Sequence[str], depth: int = 2) -> JsonObject:
        chance = self._chance
        found: JsonObject = {"q": self._say(people), "n": chance.randint(1, 9), "flag": True}
        if depth and chance.random() < 0.5:
            found["inner"] = self._arguments(people, depth - 1)
        if depth and chance.random() < 0.4:
            found["text"] = dumps(self._arguments(people, depth - 1)).decode()
        if chance.random() < 0.3:
            found["list"] = [self._say(people), {"deep": self._say(people)}]
        return found

    def _openai(self, people: Sequence[str]) -> tuple[str, JsonValue]:
        messages: list[JsonValue] = [{"role": "system", "content": self._say(people)}]
        for number in range(self._chance.randint(1, 4)):
            content: JsonValue = self._say(people)
            if self._chance.random() < 0.3:
                content = [{"type": "text", "text": content}, {"type": "text", "text": self._say(people)}]
            messages.append({"role": "user", "content": content})
            call: JsonValue = {
                "id": f"call_{number}",
                "type": "function",
                "function": {"name": "look", "arguments": dumps(self._arguments(people)).decode()},
            }
            messages.append({"role": "assistant", "content": self._say(people), "tool_calls": [call]})
            result = self._say(people) if self._chance.random() < 0.5 else dumps(self._arguments(people)).decode()
            messages.append({"role": "tool", "tool_call_id": f"call_{number}", "content": result})
        messages.append({"role": "user", "content": self._say(people)})
        return "openai-chat", {
            "model": "m",
            "messages": messages,
            "user": self._say(people),
            "metadata": {"note": self._say(people)},
            "stop": [self._say(people)],
            "tools": [_tool(self._say(people))],
        }

    def _anthropic(self, people: Sequence[str]) -> tuple[str, JsonValue]:
        messages: list[JsonValue] = []
        for number in range(self._chance.randint(1, 4)):
            messages.append({"role": "user", "content": [{"type": "text", "text": self._say(people)}]})
            use: JsonValue = {"type": "tool_use", "id": f"c{number}", "name": "look", "input": self._arguments(people)}
            messages.append({"role": "assistant", "content": [{"type": "text", "text": self._say(people)}, use]})
            result: JsonValue = {"type": "tool_result", "tool_use_id": f"c{number}", "content": self._say(people)}
            messages.append({"role": "user", "content": [result, {"type": "text", "text": self._say(people)}]})
        return "anthropic", {
            "model": "m",
            "max_tokens": 100,
            "system": self._say(people),
            "messages": messages,
            "metadata": {"user_id": self._say(people)},
            "tools": [{"name": "look", "description": self._say(people), "input_schema": {"type": "object"}}],
        }

    def _responses(self, people: Sequence[str]) -> tuple[str, JsonValue]:
        items: list[JsonValue] = []
        for number in range(self._chance.randint(1, 4)):
            items.append({"role": "user", "content": [{"type": "input_text", "text": self._say(people)}]})
            arguments = dumps(self._arguments(people)).decode()
            items.append({"type": "function_call", "call_id": f"c{number}", "name": "look", "arguments": arguments})
            items.append({"type": "function_call_output", "call_id": f"c{number}", "output": self._say(people)})
        return "openai-responses", {"model": "m", "instructions": self._say(people), "input": items}


def _tool(description: str) -> JsonValue:
    parameters: JsonValue = {"type": "object", "properties": {"q": {"type": "string", "description": description}}}
    return {"type": "function", "function": {"name": "look", "description": description, "parameters": parameters}}
