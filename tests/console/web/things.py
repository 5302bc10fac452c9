"""A knowledge base, answers that wait for a person, kept answers, what was said: as if the data plane had made them."""

import random

import msgspec
import psycopg
from tests.console.web.harness import FORMULA, HOSTILE, Console
from tests.console.web.traffic import add_exchanges, exchange
from tests.review.holds import document, hold, source_of
from tests.watch.contents.test_kept import made, put, taken

from penstock.app.contents.plane import opening_of
from penstock.cache import store as cache
from penstock.cache.entry import Entry
from penstock.config.datadir import DataDir
from penstock.core.chat import (
    ChatRequest,
    Message,
    TextPart,
    Tool,
    ToolCallPart,
    ToolResultPart,
)
from penstock.core.clock import SystemClock
from penstock.guard.personal.vault.sealing import Sealer
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


TALK = ChatRequest(
    dialect="openai-chat",
    model="sim/sim:tokens=6",
    temperature=0.25,
    max_tokens=64,
    top_p=0.5,
    messages=(
        Message("system", (TextPart("You help with parcels."),)),
        Message("user", (TextPart("Where is my parcel? I am <PERSON_1>."),)),
        Message("assistant", (ToolCallPart("call_1", "find_parcel", '{"of":"<PERSON_1>"}'),)),
        Message("tool", (ToolResultPart("call_1", (TextPart("It is in Hamburg."),)),)),
        Message("assistant", (TextPart("It is in Hamburg."),)),
        Message("user", (TextPart("And when does the parcel come?"),)),
    ),
    tools=(Tool("find_parcel", "Where a parcel is", {"type": "object", "properties": {"of": {"type": "string"}}}),),
)


def add_contents(console: Console) -> None:
    """1 is a conversation with tools, 2 has hostile texts and is another tenant's, 3 to 30 are short."""
    opening = opening_of(Sealer(bytes.fromhex(DataDir(console.data_dir).secret.read_text("ascii").strip())))
    now = SystemClock().now()
    held = [
        taken(
            1, "", "It comes on Friday, between nine and noon.", at=now - 300, request=TALK, model="sim/sim:tokens=6"
        ),
        taken(2, f"parcel {HOSTILE}", FORMULA, at=now - 310, tenant="hostile"),
        *(taken(number, f"parcel number {number}", "Yes.", at=now - 400 - number) for number in range(3, 31)),
    ]
    put(console.database_url, *(made(each, opening) for each in held), now=now)
    rng = random.Random(3)  # noqa: S311 - made exchanges
    records = [
        msgspec.structs.replace(
            exchange(rng, number, now - 300),
            id=each.exchange,
            tenant=each.tenant,
            model=each.model,
            outcome="completed",
        )
        for number, each in enumerate(held, 700_000)
    ]
    add_exchanges(console.database_url, records)
    console.said = [each.exchange for each in held]
