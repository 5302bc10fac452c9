"""What is given twice, to whom, for how long, and what never is."""

import asyncio
from collections.abc import Sequence

import msgspec
import pytest
from tests.cache.scene import ALICE, Scene, question
from tests.flow.scene import BlockAfter

from penstock.cache.entry import Drop, Entry
from penstock.cache.exact import Shown
from penstock.cache.key import Keys
from penstock.config.cache import CacheSettings, ExactSettings
from penstock.core.answer import Answer
from penstock.core.chat import ChatRequest, EmbeddingRequest, ImagePart, Message, OpaqueTool, TextPart, Tool, ToolChoice
from penstock.core.errors import BudgetExhausted
from penstock.core.events import Start, Text, UsageReport, Vector
from penstock.core.exchange import CacheMark, Exchange, Principal, Wishes
from penstock.core.facts import CacheBypassed, CacheHit, CacheMissed, CacheStored
from penstock.core.ids import ExchangeId
from penstock.core.ports import CONTINUE, Continue
from penstock.flow.fold import Fold


def exact(**more: object) -> CacheSettings:
    return CacheSettings(exact=msgspec.convert(more, ExactSettings))


def test_the_same_question_is_answered_without_a_call() -> None:
    async def main() -> None:
        scene = Scene()
        first = await scene.ask()
        scene.clock.advance(90.0)
        second = await scene.ask()
        assert scene.provider.calls == 1
        assert second.sink.text() == first.sink.text() != ""
        assert second.exchange.cache == CacheMark("hit", 90.0)
        record = await second.end()
        assert (record.attempts, record.input_tokens, record.output_tokens, record.cost_nanousd) == (0, 0, 0, 0)
        made = await first.end()
        (hit,) = second.facts(CacheHit)
        assert (hit.kind, hit.saved_nanousd) == ("exact", made.cost_nanousd)
        assert (hit.saved_input_tokens, hit.saved_output_tokens) == (made.input_tokens, made.output_tokens)
        assert first.facts(CacheStored)[0].lifetime_s == 3600.0
        scene.check()

    asyncio.run(main())


def test_a_hit_shows_the_client_the_usage_of_the_answer() -> None:
    async def main() -> None:
        scene = Scene()
        first, second = await scene.ask(), await scene.ask()
        shown = [event for event in second.sink.events if isinstance(event, UsageReport)]
        assert shown == [event for event in first.sink.events if isinstance(event, UsageReport)]
        assert shown[0].usage.output_tokens > 0

    asyncio.run(main())


@pytest.mark.parametrize(("first", "second"), [(False, True), (True, False), (True, True)])
def test_a_stream_and_an_answer_in_one_piece_are_the_same_answer(*, first: bool, second: bool) -> None:
    async def main() -> None:
        scene = Scene()
        made = await scene.ask(question(stream=first))
        given = await scene.ask(question(stream=second))
        assert scene.provider.calls == 1
        folds: list[Answer] = []
        for call in (made, given):
            fold = Fold()
            fold.feed(call.sink.events)
            folds.append(fold.answer())
        assert folds[0] == folds[1]

    asyncio.run(main())


def test_an_answer_is_not_given_after_its_time() -> None:
    async def main() -> None:
        scene = Scene(exact(ttl_s=60.0))
        await scene.ask()
        scene.clock.advance(59.9)
        await scene.ask()
        assert scene.provider.calls == 1
        scene.clock.advance(0.2)
        late = await scene.ask()
        assert scene.provider.calls == 2
        assert late.exchange.cache == CacheMark("miss")
        assert late.facts(CacheMissed)[0].reason == "absent"

    asyncio.run(main())


def test_a_model_without_a_policy_is_not_cached() -> None:
    async def main() -> None:
        scene = Scene(models=("sim", "other"))
        scene.cache._policies.pop("other")  # type: ignore[attr-defined]
        for _ in range(2):
            call = await scene.ask(question(model="other"))
            assert call.exchange.cache is None
        assert scene.provider.calls == 2

    asyncio.run(main())


def test_no_cache_asks_the_provider_and_renews_what_is_kept() -> None:
    async def main() -> None:
        scene = Scene(exact(ttl_s=60.0))
        await scene.ask()
        scene.clock.advance(50.0)
        renewed = await scene.ask(wishes=Wishes(no_cache=True))
        assert (scene.provider.calls, renewed.exchange.cache) == (2, CacheMark("bypass"))
        scene.clock.advance(50.0)
        later = await scene.ask()
        assert (scene.provider.calls, later.exchange.cache) == (2, CacheMark("hit", 50.0))

    asyncio.run(main())


def test_no_store_keeps_nothing_but_may_be_given_what_is_kept() -> None:
    async def main() -> None:
        scene = Scene()
        alone = await scene.ask(wishes=Wishes(no_store=True))
        assert alone.exchange.cache == CacheMark("bypass")
        assert alone.facts(CacheBypassed)[0].reason == "no_store"
        await scene.ask()
        assert scene.provider.calls == 2
        given = await scene.ask(wishes=Wishes(no_store=True))
        assert (scene.provider.calls, given.exchange.cache) == (2, CacheMark("hit"))
        scene.check()

    asyncio.run(main())


def test_what_an_answer_was_made_from_must_still_stand_and_be_the_callers_to_read() -> None:
    bob = Principal(tenant="acme", key="key_bob", user="bob", groups=ALICE.groups)
    readers = {ALICE.key, bob.key}

    async def fits(exchange: Exchange, entry: Entry) -> bool:
        assert entry.tags == ("doc_1:1",)
        return exchange.principal.key in readers

    async def main() -> None:
        settings = CacheSettings(exact=ExactSettings(), share="everyone")
        scene = Scene(settings, shown=Shown(tags=lambda _: ("doc_1:1",), fits=fits))
        assert (await scene.ask()).exchange.cache == CacheMark("miss")
        assert (await scene.ask(who=bob)).exchange.cache == CacheMark("hit", made_from=("doc_1:1",))
        readers.remove(bob.key)  # nothing is dropped, and it is in force at once
        assert (await scene.ask(who=bob)).exchange.cache == CacheMark("miss")
        assert (await scene.ask()).exchange.cache == CacheMark("hit", made_from=("doc_1:1",))
        readers.remove(ALICE.key)
        scene.provider.hold_at(2)
        both = [await scene.begin(), await scene.begin(who=bob)]
        scene.provider.release()
        for each in both:
            await each.end()
        # Who waited for the other's answer is asked about too.
        assert [each.exchange.cache for each in both] == [CacheMark("miss"), CacheMark("miss")]

    asyncio.run(main())


def test_answers_made_from_nothing_are_not_asked_about() -> None:
    async def never(exchange: Exchange, entry: Entry) -> bool:
        raise AssertionError((exchange, entry))

    async def main() -> None:
        scene = Scene(shown=Shown(fits=never))
        assert [(await scene.ask()).exchange.cache for _ in range(2)] == [CacheMark("miss"), CacheMark("hit")]

    asyncio.run(main())


def test_roles_keep_apart_what_is_made_from_documents() -> None:
    keys = Keys(b"a secret")
    one = call_of(Principal(tenant="acme", key="k", roles=("hr", "lead")))
    same = call_of(Principal(tenant="acme", key="k", roles=("lead", "hr", "hr")))
    other = call_of(Principal(tenant="acme", key="k", roles=("hr",)))

    def partition(exchange: Exchange, *, by_rights: bool) -> bytes:
        return keys.partition(exchange, share="tenant", fingerprint="f", by_rights=by_rights)

    assert partition(one, by_rights=True) == partition(same, by_rights=True) != partition(other, by_rights=True)
    assert partition(one, by_rights=False) == partition(other, by_rights=False) != partition(one, by_rights=True)


def call_of(who: Principal) -> Exchange:
    asked = question()
    return Exchange(
        id=ExchangeId("ex_1"),
        principal=who,
        request=asked,
        dialect=asked.dialect,
        started_at=0.0,
        began_s=0.0,
        deadline_s=1.0,
        gone_policy="abort",
    )


def test_max_age_refuses_what_is_older() -> None:
    async def main() -> None:
        scene = Scene()
        await scene.ask()
        scene.clock.advance(30.0)
        assert (await scene.ask(wishes=Wishes(max_age_s=30.0))).exchange.cache == CacheMark("hit", 30.0)
        young = await scene.ask(wishes=Wishes(max_age_s=29.0))
        assert (young.exchange.cache, young.facts(CacheMissed)[0].reason) == (CacheMark("miss"), "too_old")
        assert (await scene.ask(wishes=Wishes(max_age_s=0.0))).exchange.cache == CacheMark("hit", 0.0)

    asyncio.run(main())


def test_only_if_cached_never_calls_a_provider() -> None:
    async def main() -> None:
        scene = Scene()
        for wishes in (Wishes(only_if_cached=True), Wishes(only_if_cached=True, no_cache=True)):
            record = await (await scene.ask(wishes=wishes)).end()
            assert (record.outcome, record.outcome_code) == ("rejected", "not_cached")
        assert scene.provider.calls == 0
        await scene.ask()
        given = await scene.ask(wishes=Wishes(only_if_cached=True))
        assert (scene.provider.calls, given.exchange.cache) == (1, CacheMark("hit"))
        scene.check()

    asyncio.run(main())


class OnlyCached:
    """What stands behind: a budget that lets only hits through."""

    name = "tier"

    async def enter(self, exchange: Exchange) -> Continue:
        if exchange.budget_action == "cache_only":
            raise BudgetExhausted("used up")
        return CONTINUE

    def filter(self, exchange: Exchange) -> None:
        return None


def test_a_budget_that_is_used_up_still_lets_hits_through() -> None:
    async def main() -> None:
        scene = Scene(behind=[OnlyCached()])
        await scene.ask()
        scene.before.action = "cache_only"
        assert (await (await scene.ask()).end()).outcome == "completed"
        assert (await (await scene.ask(question("another"))).end()).outcome_code == "budget_exhausted"
        scene.check()

    asyncio.run(main())


def test_what_a_cheaper_tier_answers_is_not_kept_for_others() -> None:
    async def main() -> None:
        scene = Scene()
        scene.before.action = "cheaper_tier"
        await scene.ask()
        scene.before.action = None
        await scene.ask()
        assert scene.provider.calls == 2

    asyncio.run(main())


def test_what_a_fallback_answers_is_not_kept() -> None:
    async def main() -> None:
        scene = Scene(models=("sim:fault=status@500",), fallback="sim")
        calls = [await scene.ask(question(model="sim:fault=status@500")) for _ in range(2)]
        assert {(await call.end()).outcome for call in calls} == {"completed"}
        assert calls[1].facts(CacheBypassed)[0].reason == "second_best"
        assert scene.provider.calls == 4

    asyncio.run(main())


UNKEPT = {
    "finish_length": msgspec.structs.replace(question(), max_tokens=2),
    "tool_call": msgspec.structs.replace(
        question(),
        tools=(Tool("look_up", parameters={"type": "object", "properties": {}}),),
        tool_choice=ToolChoice("required"),
    ),
    "provider_tool": msgspec.structs.replace(
        question(), tools=(OpaqueTool("openai-responses", "tools[0]", {"type": "web_search"}),)
    ),
    "by_reference": msgspec.structs.replace(
        question(),
        messages=(Message("user", (TextPart("what is it"), ImagePart(url="https://example.org/a.png"))),),
    ),
    "state_elsewhere": msgspec.structs.replace(question(), extras={"previous_response_id": "resp_1"}),
}


@pytest.mark.parametrize(("reason", "request_"), UNKEPT.items(), ids=UNKEPT)
def test_what_may_not_be_given_twice_is_not_kept(reason: str, request_: ChatRequest) -> None:
    async def main() -> None:
        scene = Scene()
        for _ in range(2):
            call = await scene.ask(request_)
            assert call.facts(CacheBypassed)[0].reason == reason
        assert len(scene.shelf.memory) == 0
        scene.check()

    asyncio.run(main())


def test_tool_calls_are_kept_where_the_policy_says_that_they_do_no_harm() -> None:
    async def main() -> None:
        scene = Scene(exact(tool_calls=True))
        first, second = await scene.ask(UNKEPT["tool_call"]), await scene.ask(UNKEPT["tool_call"])
        assert scene.provider.calls == 1
        assert first.sink.end == second.sink.end == "completed"

    asyncio.run(main())


def test_an_answer_that_is_too_large_is_not_kept() -> None:
    async def main() -> None:
        scene = Scene(exact(max_answer_bytes=20))
        calls = [await scene.ask() for _ in range(2)]
        assert (scene.provider.calls, calls[1].facts(CacheBypassed)[0].reason) == (2, "too_large")

    asyncio.run(main())


def test_deterministic_sampling_keeps_only_answers_without_chance() -> None:
    async def main() -> None:
        scene = Scene(exact(sampling="deterministic"))
        for temperature, calls in ((None, 2), (0.7, 4), (0.0, 5)):
            for _ in range(2):
                await scene.ask(msgspec.structs.replace(question(), temperature=temperature))
            assert scene.provider.calls == calls

    asyncio.run(main())


def test_a_blocked_answer_is_not_kept() -> None:
    async def main() -> None:
        scene = Scene(guards=[BlockAfter(3)])
        for _ in range(2):
            assert (await (await scene.ask()).end()).outcome == "blocked"
        assert (scene.provider.calls, len(scene.shelf.memory)) == (2, 0)
        scene.check()

    asyncio.run(main())


def test_a_dropped_answer_is_not_given() -> None:
    async def main() -> None:
        scene = Scene()
        await scene.ask()
        for drop, calls in (
            (Drop(tenant="other"), 1),
            (Drop(tag="doc:1"), 1),
            (Drop(tenant=ALICE.tenant, model="other"), 1),
            (Drop(tenant=ALICE.tenant), 2),
            (Drop(model="sim"), 3),
            (Drop(), 4),
        ):
            scene.drops.apply(drop)
            await scene.ask()
            assert scene.provider.calls == calls, drop

    asyncio.run(main())


def test_an_answer_begun_before_a_drop_is_not_kept_after_it() -> None:
    async def main() -> None:
        scene = Scene()
        scene.provider.hold_at(2)
        begun = await scene.begin()
        scene.drops.apply(Drop(tenant=ALICE.tenant))
        scene.provider.release()
        await begun.end()
        await scene.ask()
        assert scene.provider.calls == 2

    asyncio.run(main())


def test_embeddings_are_kept_too() -> None:
    async def main() -> None:
        scene = Scene()
        request = EmbeddingRequest(dialect="openai-chat", model="sim", inputs=("one", "two"))
        first, second = await scene.ask(request), await scene.ask(request)
        assert scene.provider.calls == 1
        vectors: list[Sequence[object]] = [
            [event for event in call.sink.events if isinstance(event, Vector)] for call in (first, second)
        ]
        assert vectors[0] == vectors[1]
        assert len(vectors[0]) == 2

    asyncio.run(main())


def test_a_natural_replay_takes_its_time_and_says_the_same() -> None:
    async def main() -> None:
        scene = Scene(msgspec.structs.replace(exact(), replay="natural"))
        made = await scene.ask(question(stream=False))
        streamed = await scene.begin(question(stream=True))
        assert any(isinstance(event, Start) for event in streamed.sink.events)
        assert not streamed.task.done()
        before = len(streamed.sink.text())
        await scene.clock.run_for(0.3)
        assert before < len(streamed.sink.text()) < len(made.sink.text())
        await scene.clock.run_for(60.0)
        await streamed.end()
        assert streamed.sink.text() == made.sink.text()
        assert sum(isinstance(event, Text) for event in streamed.sink.events) > 3
        unary = await scene.ask(question(stream=False))
        assert (scene.provider.calls, unary.exchange.cache) == (1, CacheMark("hit", pytest.approx(60.3)))  # type: ignore[arg-type]
        scene.check()

    asyncio.run(main())


def test_what_may_not_rest_here_is_neither_kept_nor_shared() -> None:
    async def main() -> None:
        scene = Scene(shown=Shown(may_rest=lambda exchange: exchange.principal is not ALICE))
        for _ in range(2):
            call = await scene.ask()
            assert [fact.reason for fact in call.facts(CacheBypassed)] == ["region"]
            assert call.facts(CacheStored) == []
        assert scene.provider.calls == 2
        assert len(scene.shelf.memory) == 0
        scene.check()

    asyncio.run(main())
