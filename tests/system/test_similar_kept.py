"""What the semantic cache knows outlives its process, also one that is killed, over real sockets."""

import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from time import monotonic
from urllib.error import URLError
from urllib.request import urlopen

import psycopg
from openai import APIError, OpenAI
from tests.system.conftest import Installation, running
from tests.system.test_crash import data_plane_of

from penstock.storage.embedded import running_url

CONFIG = """\
cache: {lookup_s: 1.0}
models:
  help:
    targets: [{provider: sim, model: "sim:echo"}]
    cache:
      exact: {}
      semantic: {start: shipped, check_share: 0.0001}
"""
QUESTIONS = (
    "How do I reset the password of my online account?",
    "Where do I see the fees of a transfer abroad?",
    "Which papers do I need to open an account?",
    "Why was my card refused at the petrol station?",
)
SAME = "How can I reset the password for my online account?"


def gauge(up: Installation, name: str) -> int:
    with urlopen(f"{up.url}/metrics", timeout=10) as page:  # noqa: S310 - our own address
        found = re.search(rf"^{name} (\d+)", page.read().decode(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def ask(up: Installation, question: str) -> tuple[str, str]:
    """What the cache did, and the answer."""
    with OpenAI(base_url=up.url + "/v1", api_key=up.key, max_retries=0) as client:
        answer = client.chat.completions.with_raw_response.create(
            model="help", messages=[{"role": "user", "content": question}]
        )
    return answer.headers["x-penstock-cache"], answer.parse().choices[0].message.content or ""


def until_known(up: Installation, shop: str) -> None:
    """The first question of the partition brings what is kept of it; it is answered by a call meanwhile."""
    until = monotonic() + 30.0
    while monotonic() < until:
        with suppress(APIError, URLError, OSError):  # it is not up again yet
            ask(up, f"May I pay a bill at the counter of a {shop}?")
            is_whole = not gauge(up, "penstock_cache_similar_loading")
            if is_whole and gauge(up, "penstock_cache_similar_questions") >= len(QUESTIONS):
                return
    raise AssertionError("what was kept was never read")


def test_what_was_learned_outlives_a_process_that_is_killed_and_one_that_is_stopped(short_dir: Path) -> None:
    data_dir = short_dir / "data"
    with running(data_dir, CONFIG) as up:
        first = ask(up, QUESTIONS[0])
        assert first[0] == "miss"
        for question in QUESTIONS[1:]:
            ask(up, question)
        until = monotonic() + 20.0
        url = running_url(data_dir)
        assert url is not None
        with psycopg.connect(url, autocommit=True) as connection:
            while connection.execute("SELECT count(*) FROM cache_questions").fetchone() != (4,):
                assert monotonic() < until, "they were never written"
        os.kill(data_plane_of(up).pid, signal.SIGKILL)
        until_known(up, "post office")
        assert ask(up, SAME) == ("similar", first[1])
    with running(data_dir, CONFIG) as up:
        until_known(up, "department store")
        assert ask(up, SAME + " ") == ("similar", first[1])
