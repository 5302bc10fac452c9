"""A provider that answers from the sources in its prompt, and in a share of its answers invents.

It speaks OpenAI chat over a socket.  An answer is made as `training.grounded_made` makes them, of sentences of one of
the sources: of a right or an invented kind, each kind of its sort as likely as the next.  What is put in place of
something stands in none of the sources.  The request's `seed` decides all of it, and names what was made.
"""

import json  # noqa: TID251 - the provider's side
import random
import re
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from typing import Any, Final

from training.grounded_made import INVENTED, RIGHT, Maker
from training.grounded_pages import Section, good_sentences, is_for_tests

UNKNOWN: Final = "The sources do not hold the answer."
_SOURCE: Final = re.compile(r"<source (\d+) (\w+)>\n\[\1\] ([^\n]*)\n(.*?)\n</source \1 \2>", re.DOTALL)
_PAGE: Final = next(name for name in (f"served-{at}" for at in count()) if is_for_tests(name))
"""A page of no name, so that words to put in others' place are taken from pages that nothing was fitted on."""
_LEAST: Final = 3
_TRIES: Final = 40
_USAGE: Final = {"prompt_tokens": 100, "completion_tokens": 50, "total_tokens": 150}


@dataclass(frozen=True, slots=True)
class Said:
    """One answer: `wrong` is what of it was invented, "" of a right one; `sources` are (title, text) as it saw them.

    `kind` is "" where the sources had too few sentences to make an answer of.
    """

    kind: str
    is_right: bool
    answer: str
    wrong: str
    sources: tuple[tuple[str, str], ...]


@dataclass
class Inventor:
    """`said` is by the request's seed."""

    port: int
    share: float
    said: dict[int, Said] = field(default_factory=dict[int, Said])

    def answer(self, seed: int, prompt: str) -> str:
        sources = tuple((found[3], found[4]) for found in _SOURCE.finditer(prompt))
        made = answered(sources, seed, self.share)
        self.said[seed] = made
        return made.answer


def answered(sources: Sequence[tuple[str, str]], seed: int, share: float) -> Said:
    """What is said of the sources."""
    draw = random.Random(seed)  # noqa: S311 - a simulation
    is_right = draw.random() >= share
    whole = "\n\n".join(text for _, text in sources)
    sections = [Section(_PAGE, (title,), whole, good_sentences(text)) for title, text in sources]
    sections = [each for each in sections if len(each.good) >= _LEAST]
    makers = list((RIGHT if is_right else INVENTED).items())
    for _ in range(_TRIES if sections else 0):
        kind, maker = draw.choice(makers)
        found = _made(maker, draw, sections)
        if found is not None:
            said, answer = found
            return Said(kind, is_right, answer, "" if is_right else _changed(said, answer), tuple(sources))
    return Said("", True, UNKNOWN, "", tuple(sources))


def _made(maker: Maker, draw: random.Random, sections: Sequence[Section]) -> tuple[list[str], str] | None:
    """Tried until one can be made, so that a kind that fits few sentences is as frequent as the others."""
    for _ in range(_TRIES):
        section = draw.choice(sections)
        number = draw.choice((1, 2, 2, 3))
        at = draw.randrange(max(len(section.good) - number, 0) + 1)
        said = list(section.good[at : at + number])
        answer = maker(draw, list(said), section)
        if answer is not None:
            return said, answer
    return None


def _changed(said: Sequence[str], answer: str) -> str:
    """What of an answer stands between the sentences that are as they were."""
    begin, end = 0, len(answer)
    for each in said:
        if not answer.startswith(each, begin):
            break
        begin += len(each) + 1
    for each in reversed(said):
        if end - len(each) < begin or not answer.endswith(each, 0, end):
            break
        end -= len(each) + 1
    return answer[begin:end].strip()


@contextmanager
def inventing(share: float) -> Generator[Inventor]:
    """The provider, for the length of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            """Nothing is printed."""

        def do_POST(self) -> None:
            asked: dict[str, Any] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            content = asked["messages"][-1]["content"]
            prompt = content if isinstance(content, str) else "".join(part["text"] for part in content)
            text = inventor.answer(int(asked["seed"]), prompt)
            choice = {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}
            body = json.dumps(
                {"id": "x", "object": "chat.completion", "created": 1, "model": asked["model"], "choices": [choice],
                 "usage": _USAGE}
            ).encode()  # fmt: skip
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    inventor = Inventor(server.server_address[1], share)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield inventor
    finally:
        server.shutdown()
        server.server_close()
