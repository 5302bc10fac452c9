"""`/admin/v1/quality`: how good answers were, which were the worst, and what failed how often.

Figures are read from sums, and need `figures.read`; single answers need `ledger.read`, and their texts, which are not
here but in `/admin/v1/contents`, `prompts.read`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from fastapi import Query
from pydantic import Field

from penstock.config.quality import Check
from penstock.console.access import Caller, Plane, admin_router, errors, needs
from penstock.console.figures.routes import require_kept
from penstock.console.plane import ControlPlane
from penstock.console.quality import views
from penstock.console.quality.asked import AskedQuality
from penstock.console.quality.classes import read_failures, sums_of
from penstock.console.quality.said import Said, is_known, read_said
from penstock.watch.quality.figures import Answer, Asked, Line, Order, answers, ask
from penstock.watch.quality.shares import mean_of, share_of
from penstock.watch.quality.verdicts import ANSWER, WHOLE, Verdict

router = admin_router("/quality", "quality")

AnyCheck: TypeAlias = Check | Literal["answer", "judge"]


class AskedScores(AskedQuality):
    check: Annotated[AnyCheck, Field(description="`answer` is the lowest of all checks; `judge` the model's.")] = ANSWER


class AskedAnswers(AskedQuality):
    check: Literal["answer", "judge"] = ANSWER
    verdict: list[Verdict] = Field(
        default_factory=list[Verdict], max_length=30, description="One of these; absent, any."
    )
    limit: Annotated[int, Field(ge=1, le=200)] = 50


@router.get("", openapi_extra=needs("figures.read"), responses=errors(404))
async def quality(plane: Plane, call: Caller, asked: Annotated[AskedScores, Query()]) -> views.QualityView:
    """Mean score and share of good answers, by step and dimension, beside what people said."""
    question = asked.question(call)
    async with plane.database.connection() as connection:
        lines = await ask(connection, question, check=asked.check, name="verdict")
        said = await read_said(connection, question) if is_known(question) else None
    groups: dict[tuple[object, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(_key(question, line), []).append(line)
    for key in said or {}:
        groups.setdefault(key, [])
    return views.QualityView(
        since=question.since,
        until=question.until,
        step=question.step,
        zone=question.zone.key,
        check=asked.check,
        lines=[_line(question, key, of, said) for key, of in sorted(groups.items(), key=lambda item: str(item[0]))],
    )


@router.get("/checks", openapi_extra=needs("figures.read"), responses=errors(404))
async def checks(plane: Plane, call: Caller, asked: Annotated[AskedQuality, Query()]) -> views.ChecksView:
    """The same for each check by itself."""
    question = asked.question(call)
    async with plane.database.connection() as connection:
        lines = await ask(connection, question, check=None, name="check")
    return views.ChecksView(
        since=question.since,
        until=question.until,
        lines=[
            views.CheckLine(
                at=line.at,
                group=dict(zip(question.by, line.group, strict=True)),
                check=line.name,
                answers=line.answers,
                mean=views.share_view(mean_of(line.answers, line.scores, line.squares)),
                passed=views.share_view(share_of(line.passed, line.answers)),
            )
            for line in lines
        ],
    )


@router.get("/worst", openapi_extra=needs("ledger.read"), responses=errors(403, 404))
async def worst_answers(plane: Plane, call: Caller, asked: Annotated[AskedAnswers, Query()]) -> views.AnswerList:
    """The answers with the lowest scores, with links to all that is known of them."""
    return await _answers(plane, asked.question(call), asked, "worst")


@router.get("/answers", openapi_extra=needs("ledger.read"), responses=errors(403, 404))
async def newest_answers(plane: Plane, call: Caller, asked: Annotated[AskedAnswers, Query()]) -> views.AnswerList:
    """The answers that were looked at, good ones too, the newest first."""
    return await _answers(plane, asked.question(call), asked, "newest")


@router.get("/failures", openapi_extra=needs("figures.read"), responses=errors(404))
async def failures(plane: Plane, call: Caller, asked: Annotated[AskedQuality, Query()]) -> views.FailuresView:
    """How often what went wrong, by class."""
    question = asked.question(call)
    require_kept(plane, sums_of(question), call.now)
    async with plane.database.connection() as connection:
        return await read_failures(connection, question)


async def _answers(plane: ControlPlane, question: Asked, asked: AskedAnswers, order: Order) -> views.AnswerList:
    async with plane.database.connection() as connection:
        found = await answers(
            connection, question, check=asked.check, verdicts=asked.verdict, order=order, most=asked.limit
        )
    return views.AnswerList(since=question.since, until=question.until, items=[_answer(each) for each in found])


def _key(asked: Asked, line: Line) -> tuple[object, ...]:
    return line.group if asked.step is None else (line.at, *line.group)


def _line(
    asked: Asked, key: tuple[object, ...], lines: Sequence[Line], said: dict[tuple[object, ...], Said] | None
) -> views.QualityLine:
    answers, passed = sum(each.answers for each in lines), sum(each.passed for each in lines)
    scores, squares = sum(each.scores for each in lines), sum(each.squares for each in lines)
    group = key if asked.step is None else key[1:]
    return views.QualityLine.model_validate(
        {
            "at": None if asked.step is None else key[0],
            "group": dict(zip(asked.by, group, strict=True)),
            "answers": answers,
            "mean": views.share_view(mean_of(answers, scores, squares)),
            "passed": views.share_view(share_of(passed, answers)),
            "verdicts": {each.name: each.answers for each in lines},
            "feedback": None if said is None else _feedback(said.get(key, Said())),
        }
    )


def _feedback(said: Said) -> views.FeedbackView:
    return views.FeedbackView(
        good=said.good,
        bad=said.bad,
        good_share=views.share_view(share_of(said.good, said.good + said.bad)),
        ratings=said.rated,
        mean_rating=said.ratings / said.rated if said.rated else None,
        corrections=said.corrections,
    )


def _answer(found: Answer) -> views.AnswerView:
    return views.AnswerView.model_validate(
        {
            "exchange": found.exchange,
            "tenant": found.tenant,
            "assistant": found.assistant,
            "release": found.release,
            "target": found.target,
            "at": found.at,
            "score": found.score / WHOLE,
            "verdict": found.verdict,
            "why": [{"check": check, "verdict": verdict} for check, verdict in found.why or []],
            "links": {
                "exchange": f"/admin/v1/ledger/{found.exchange}",
                "contents": f"/admin/v1/contents/{found.exchange}",
                "feedback": f"/admin/v1/exchanges/{found.exchange}/feedback",
            },
        }
    )
