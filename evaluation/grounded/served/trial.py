"""Asks the questions as an application does, and tells what reached it of what the provider said."""

import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Final, NamedTuple

from openai import APIStatusError, OpenAI
from training.grounded_pages import is_for_tests

from evaluation.grounded.served.inventor import Inventor, Said
from evaluation.grounded.served.site import ACTIONS, Site
from evaluation.retrieval.sets import handbook

_MARK: Final = re.compile(r"\s*\[\d+\]")
_AT_ONCE: Final = 4


class Told(NamedTuple):
    """`shown` is what the client was given; `error` the code of an error in its place."""

    action: str
    question: str
    said: Said | None
    shown: str
    error: str = ""

    @property
    def is_reached(self) -> bool:
        """Whether an invention reached the user: the words that were invented, whatever became of the rest."""
        return self.said is not None and bool(self.said.wrong) and _plain(self.said.wrong) in _plain(self.shown)

    @property
    def is_whole(self) -> bool:
        """Whether the user was given the answer as the provider gave it, but for its marks."""
        return self.said is not None and _plain(self.shown) == _plain(self.said.answer)


def questions() -> list[str]:
    """Those of the set that pages for tests answer, of both its halves."""
    found = handbook()
    every = [*found.questions, *found.fitting]
    return [each.text for each in every if all(is_for_tests(page.removeprefix("content/")) for page in each.right)]


def ask(site: Site, inventor: Inventor, number: int) -> list[Told]:
    """`number` requests: every question in turn, every action in turn, each with a draw of its own."""
    asked = list(islice(cycle(questions()), number))
    with OpenAI(base_url=site.url + "/v1", api_key=site.key, max_retries=0, timeout=120) as client:

        def one(seed: int) -> Told:
            action = ACTIONS[seed % len(ACTIONS)]
            shown = error = ""
            try:
                answer = client.chat.completions.create(
                    model=action, seed=seed, messages=[{"role": "user", "content": asked[seed]}]
                )
                shown = answer.choices[0].message.content or ""
            except APIStatusError as failure:
                error = str(failure.code)
            return Told(action, asked[seed], inventor.said.get(seed), shown, error)

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(one, range(number)))


def of_kind(told: Sequence[Told], kind: str) -> list[Told]:
    return [each for each in told if each.said is not None and each.said.kind == kind]


def _plain(text: str) -> str:
    return " ".join(_MARK.sub("", text).split())
