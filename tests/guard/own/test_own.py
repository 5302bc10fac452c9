"""Guards of others: what they say is done, and whatever else they do is a guard that has not judged."""

import threading
from collections.abc import Sequence

import pytest
from tests.guard.hearings import exchange_of, failures, judge_all

from penstock.core.errors import ConfigError, GuardUnavailable, PolicyBlocked
from penstock.guard.own.opinion import GuardPlugin, Inquiry, Opinion, Questions, Span, action_of
from penstock.guard.own.plugin import Plugin, load_plugin
from penstock.guard.own.webhook import WebHook
from penstock.guard.ward import Ask, Fail, Mode, Ward
from penstock.testing.guards import check_guard


class Words:
    """Masks `secret`, blocks `forbidden`."""

    def judge(self, questions: Questions) -> Sequence[Opinion]:
        return [self._one(each) for each in questions.texts]

    def _one(self, inquiry: Inquiry) -> Opinion:
        if "forbidden" in inquiry.text:
            return Opinion(action="block", rule="forbidden word")
        at = inquiry.text.find("secret")
        if at >= 0:
            return Opinion(action="mask", rule="secret", spans=(Span(begin=at, end=at + 6, kind="SECRET"),))
        return Opinion()


class Saying:
    """Says the same whatever it is asked."""

    def __init__(self, said: object) -> None:
        self.said = said

    def judge(self, questions: Questions) -> Sequence[Opinion]:
        if isinstance(self.said, Exception):
            raise self.said
        return self.said  # type: ignore[return-value]  # that it is not what was agreed is the test


def ward(ask: Ask, *, fail: Fail = "closed", mode: Mode = "enforce", timeout_s: float = 2.0) -> Ward:
    return Ward(guard="own.words", mode=mode, fail=fail, action=action_of, ask=ask, timeout_s=timeout_s)


def asking(plugin: GuardPlugin) -> Ask:
    return Plugin("words", plugin, "input").ask


def test_a_plugin_masks_and_blocks() -> None:
    hearing = judge_all([ward(asking(Words()))], "a secret", "nothing")
    assert [(segment.text, each.begin, each.end, each.kind) for segment, each in hearing.mask] == [
        ("a secret", 2, 8, "SECRET")
    ]
    assert hearing.blocked is None
    hearing = judge_all([ward(asking(Words()))], "a forbidden word")
    assert isinstance(hearing.blocked, PolicyBlocked)
    assert "own.words.forbiddenword" in hearing.blocked.public


NONSENSE = [
    pytest.param([], id="too few"),
    pytest.param([Opinion(), Opinion()], id="too many"),
    pytest.param(["allow"], id="no opinion"),
    pytest.param([Opinion(action="mask")], id="nothing to mask"),
    pytest.param([Opinion(action="mask", spans=(Span(begin=0, end=99),))], id="beyond the text"),
    pytest.param([Opinion(action="mask", spans=(Span(begin=2, end=1),))], id="backwards"),
    pytest.param([Opinion(score=7.0)], id="no probability"),
    pytest.param(RuntimeError("it broke"), id="raises"),
    pytest.param(None, id="nothing at all"),
]


@pytest.mark.parametrize("said", NONSENSE)
def test_whatever_else_it_says_is_no_judgement(said: object) -> None:
    closed = judge_all([ward(asking(Saying(said)))], "hello")
    assert isinstance(closed.blocked, GuardUnavailable)
    assert [each.is_let_through for each in failures(closed)] == [False]
    opened = judge_all([ward(asking(Saying(said)), fail="open")], "hello")
    assert opened.blocked is None
    assert [each.is_let_through for each in failures(opened)] == [True]
    shadow = judge_all([ward(asking(Saying(said)), mode="shadow")], "hello")
    assert shadow.blocked is None
    assert len(failures(shadow)) == 1


def test_one_that_hangs_is_given_up_and_holds_no_more_than_its_threads() -> None:
    release = threading.Event()

    class Hanging:
        def judge(self, questions: Questions) -> Sequence[Opinion]:
            release.wait(30)
            return [Opinion() for _ in questions.texts]

    ask = asking(Hanging())
    try:
        for _ in range(16):
            hearing = judge_all([ward(ask, timeout_s=0.01)], "hello")
            assert [each.reason for each in failures(hearing)] == ["timeout"]
            assert isinstance(hearing.blocked, GuardUnavailable)
        hearing = judge_all([ward(ask, timeout_s=5.0)], "hello")
        assert [each.reason for each in failures(hearing)] == ["busy"]
    finally:
        release.set()


def test_a_web_hook_says_what_a_plugin_says() -> None:
    said: list[tuple[int, bytes]] = []
    asked: list[bytes] = []

    async def post(body: bytes) -> tuple[int, bytes]:
        asked.append(body)
        return said[0]

    ask = WebHook("words", post, "input").ask
    said[:] = [(200, b'{"opinions":[{"action":"mask","spans":[{"begin":0,"end":5,"kind":"NAME"}]}]}')]
    hearing = judge_all([ward(ask)], "hello")
    assert [each.kind for _, each in hearing.mask] == ["NAME"]
    assert b'"text":"hello"' in asked[0]
    for answer, reason in [
        ((200, b"{}"), "nonsense"),
        ((200, b"\xff"), "nonsense"),
        ((200, b'{"opinions":[]}'), "nonsense"),
        ((200, b'{"opinions":[{"action":"perhaps"}]}'), "nonsense"),
        ((500, b""), "status_500"),
        ((302, b""), "status_302"),
    ]:
        said[:] = [answer]
        hearing = judge_all([ward(ask)], "hello")
        assert [each.reason for each in failures(hearing)] == [reason]
        assert isinstance(hearing.blocked, GuardUnavailable)


def test_a_web_hook_that_is_not_there_has_not_judged() -> None:
    async def post(body: bytes) -> tuple[int, bytes]:
        del body
        raise ConnectionRefusedError

    hearing = judge_all([ward(WebHook("words", post, "input").ask)], "hello")
    assert [each.reason for each in failures(hearing)] == ["unreachable"]


def test_a_guard_that_no_package_offers_refuses_to_start() -> None:
    with pytest.raises(ConfigError, match="no installed package offers a guard 'words'"):
        load_plugin("words")


def test_the_kit_passes_a_good_guard_and_names_what_a_bad_one_does() -> None:
    check_guard(Words)
    with pytest.raises(AssertionError, match="0 opinions on 9 texts"):
        check_guard(lambda: Saying([]))
    with pytest.raises(AssertionError, match="cannot be about"):
        check_guard(_Beyond)


class _Beyond:
    def judge(self, questions: Questions) -> Sequence[Opinion]:
        return [Opinion(action="mask", spans=(Span(begin=0, end=len(each.text) + 1),)) for each in questions.texts]


def test_who_asks_is_told_to_the_guard() -> None:
    heard: list[Questions] = []

    class Hearing:
        def judge(self, questions: Questions) -> Sequence[Opinion]:
            heard.append(questions)
            return [Opinion() for _ in questions.texts]

    exchange = exchange_of("hello")
    judge_all([ward(asking(Hearing()))], "hello", exchange=exchange)
    (questions,) = heard
    assert (questions.exchange, questions.tenant, questions.direction) == (exchange.id, "t", "input")
