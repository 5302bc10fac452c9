"""A knowledge base, answers that wait for a person, and kept answers: as if the data plane had made them."""

import msgspec
import psycopg
from tests.console.web.harness import FORMULA, HOSTILE, Console
from tests.review.holds import document, hold, source_of

from penstock.cache import store as cache
from penstock.cache.entry import Entry
from penstock.core.clock import SystemClock
from penstock.knowledge.ingest.progress import Failure, Progress
from penstock.knowledge.jobs import store
from penstock.knowledge.jobs.specs import Run, UploadSpec
from penstock.review.hold import Found, Hold, Turn
from penstock.review.take import insert

ANSWER = "You can send shoes back within **90 days** of delivery, unworn and in their box."


def add_knowledge(console: Console) -> None:
    document(console.database_url)
    document(console.database_url, "group:hr")
    document(console.database_url, "role:agent", "user:ada")
    with psycopg.connect(console.database_url, autocommit=True) as connection:
        connection.execute("UPDATE knowledge_documents SET title = %s WHERE key LIKE '2-%%'", (HOSTILE,))
        row = connection.execute("SELECT id FROM knowledge_bases WHERE name = 'returns'").fetchone()
        assert row is not None
        source = store.add_source(connection, row[0], "files", UploadSpec(), ())
        failures = [Failure("scan.pdf", "damaged", HOSTILE), Failure(FORMULA, "too_large", "It has 120 MB.")]
        progress = Progress(files=14, compared=14, to_read=12, read=9, failures=failures)
        store.keep_run(
            connection,
            Run(source=source, state="running", error=None, updated_at=SystemClock().now(), progress=progress),
        )
        answers = [_kept(number) for number in range(3)]
        cache.write(connection, [(each, 0) for each in answers])


def _kept(number: int) -> Entry:
    now = SystemClock().now()
    return Entry(
        id=f"ex_kept{number}",
        kind="exact",
        key=bytes([number]) * 32,
        partition=bytes(32),
        tenant="acme" if number else "hostile",
        model="support" if number else HOSTILE,
        target="sim/sim",
        events=b"[]",
        created_at=now - 600 * number,
        expires_at=now + 86_400,
        tags=("doc:1",),
    )


def held(number: int, **more: object) -> Hold:
    now = SystemClock().now()
    made = hold(
        number, created_at=now - 1200 + 60 * number, due_at=now + 600 * (number - 3), model="support", user="ada"
    )
    return msgspec.structs.replace(made, **more)


def add_holds(console: Console) -> None:
    made = document(console.database_url)
    holds = [
        held(
            1,
            question=(
                Turn("user", "I bought shoes three weeks ago, my name is <PERSON_1>. They are too small."),
                Turn("assistant", "I am sorry to hear that. What would you like to do?"),
                Turn("user", "Send them back. Until when can I?"),
            ),
            answer=ANSWER,
            sources=(source_of(made),),
            priority=8,
            due_at=SystemClock().now() + 1500,
        ),
        held(2, answer=HOSTILE, question=(Turn("user", FORMULA),), reason=HOSTILE, rule=FORMULA),
        *(held(number, group="" if number % 2 else "support", priority=3 + number % 4) for number in range(3, 9)),
        held(9, model=HOSTILE, verdicts=(Found(rule=HOSTILE, action="hold", score=0.5, note=FORMULA),), user=HOSTILE),
    ]
    with psycopg.connect(console.database_url) as connection:
        insert(connection, holds)
