"""The queue is fair between classes and tenants, bounded, and starves nobody."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from penstock.admission.targets.fair import FairLine, FairQueue
from penstock.config.targets import PRIORITIES, Priority, QueueSettings


def served(line: FairLine[str], number: int) -> Counter[str]:
    return Counter(line.pop() for _ in range(number))


def test_tenants_of_a_class_are_served_by_weight() -> None:
    line: FairLine[str] = FairLine(10_000)
    for _ in range(100):
        line.push("a", "a", 1.0)
        line.push("b", "b", 2.0)
        line.push("c", "c", 5.0)
    assert served(line, 80) == {"a": 10, "b": 20, "c": 50}


def test_one_call_of_a_quiet_tenant_goes_before_the_backlog_of_a_loud_one() -> None:
    line: FairLine[str] = FairLine(10_000)
    for _ in range(500):
        line.push("loud", "loud", 1.0)
    served(line, 100)
    line.push("quiet", "quiet", 1.0)
    assert "quiet" in [line.pop() for _ in range(2)]


def test_a_tenant_that_leaves_and_comes_back_gains_nothing_by_it() -> None:
    line: FairLine[str] = FairLine(10_000)
    for _ in range(300):
        line.push("steady", "steady", 1.0)
    turns: Counter[str] = Counter()
    for _ in range(100):
        line.push("comes and goes", "comes and goes", 1.0)
        turns[line.pop()] += 1
    assert turns["comes and goes"] <= 51


def test_giving_up_frees_the_place_in_line_for_nobody_else_of_other_tenants() -> None:
    line: FairLine[str] = FairLine(10)
    for item in ("a1", "a2", "a3"):
        line.push(item, "a", 1.0)
    line.push("b1", "b", 1.0)
    line.remove("a1", "a")
    line.remove("b1", "b")
    assert [line.pop(), line.pop()] == ["a2", "a3"]
    assert line.waiting == 0


def test_who_floods_the_line_leaves_room_for_others() -> None:
    line: FairLine[int] = FairLine(100)
    pushed = 0
    while line.has_room("flood"):
        line.push(pushed, "flood", 1.0)
        pushed += 1
    assert pushed == 50
    assert line.has_room("someone else")
    for tenant in range(200):
        if line.has_room(str(tenant)):
            line.push(tenant, str(tenant), 1.0)
    assert line.waiting == 100, "and it is bounded whoever comes"


def test_tenants_that_are_gone_are_forgotten() -> None:
    line: FairLine[int] = FairLine(10)
    line.push(-1, "always somebody", 1.0)
    for number in range(10_000):
        line.push(number, f"tenant {number}", 1.0)
        line.pop()
    assert line.tenants < 200


@given(
    st.lists(
        st.tuples(st.sampled_from("abcd"), st.sampled_from([0.1, 1.0, 3.0]), st.booleans()), min_size=1, max_size=200
    )
)
@settings(deadline=None, max_examples=100)
def test_whoever_is_in_line_is_served_within_its_share_of_turns(steps: list[tuple[str, float, bool]]) -> None:
    """No starvation: a call waits for no more turns than everyone's weight over its own, times its place."""
    line: FairLine[tuple[str, int]] = FairLine(10_000)
    weights: dict[str, float] = {}
    pushed: Counter[str] = Counter()
    popped: Counter[str] = Counter()
    bound: dict[tuple[str, int], int] = {}
    turn = 0
    for tenant, weight, is_pop in steps:
        if is_pop and line.waiting:
            item = line.pop()
            popped[item[0]] += 1
            assert turn <= bound[item]
            turn += 1
            continue
        known = weights.setdefault(tenant, weight)
        item = (tenant, pushed[tenant])
        pushed[tenant] += 1
        mine = pushed[tenant] - popped[tenant]
        line.push(item, tenant, known)
        others = 4 * 3.0
        bound[item] = turn + int((mine + 2) * (others / known + 2)) + 4
    while line.waiting:
        assert turn <= bound[line.pop()]
        turn += 1


def queue(**shares: float) -> FairQueue[str]:
    return FairQueue(QueueSettings(**shares) if shares else QueueSettings())  # type: ignore[arg-type]  # shares only


def serve(fair: FairQueue[str], *, places: int, hold_s: dict[str, float], seconds: float) -> dict[str, float]:
    """Serve an endless backlog in every class of `hold_s`; the place-seconds that each one had."""
    now_s = 0.0
    running: list[tuple[float, str]] = []
    had: Counter[str] = Counter()
    mean_s = sum(hold_s.values()) / len(hold_s)
    while now_s < seconds:
        for name in hold_s:
            which = fair.of(name)  # type: ignore[arg-type]  # the keys are class names
            if not which.line.waiting:
                which.wants(now_s)
                fair.push(name, which, "t", 1.0)
        while (chosen := fair.next_class(places, now_s)) is not None:
            fair.pop(chosen)
            fair.take(chosen, mean_s)
            running.append((now_s + hold_s[chosen.name], chosen.name))
            had[chosen.name] += hold_s[chosen.name]  # type: ignore[assignment]  # a counter of seconds
            chosen.wants(now_s)
            fair.push(chosen.name, chosen, "t", 1.0)
        running.sort()
        now_s, name = running.pop(0)
        fair.give_back(fair.of(name), hold_s[name] - mean_s)  # type: ignore[arg-type]  # the keys are class names
    total = sum(had.values())
    return {name: seconds_had / total for name, seconds_had in had.items()}


def test_classes_that_all_want_more_get_their_shares_of_places() -> None:
    had = serve(queue(), places=20, hold_s=dict.fromkeys(PRIORITIES, 1.0), seconds=500.0)
    assert abs(had["interactive"] - 0.6) < 0.05
    assert abs(had["standard"] - 0.3) < 0.05
    assert abs(had["batch"] - 0.1) < 0.05


def test_a_class_of_long_calls_gets_its_share_of_places_and_not_of_calls() -> None:
    had = serve(queue(), places=20, hold_s={"interactive": 1.0, "standard": 1.0, "batch": 10.0}, seconds=2_000.0)
    assert abs(had["batch"] - 0.1) < 0.05


def test_with_a_single_place_every_class_still_gets_its_share_of_time() -> None:
    had = serve(queue(), places=1, hold_s=dict.fromkeys(PRIORITIES, 1.0), seconds=2_000.0)
    assert abs(had["batch"] - 0.1) < 0.03
    assert abs(had["interactive"] - 0.6) < 0.05


def test_with_a_single_place_long_calls_are_charged_for_their_length() -> None:
    had = serve(queue(), places=1, hold_s={"interactive": 1.0, "standard": 1.0, "batch": 10.0}, seconds=5_000.0)
    assert abs(had["batch"] - 0.1) < 0.03


def test_a_class_alone_gets_everything() -> None:
    fair = queue()
    batch = fair.of("batch")
    taken = 0
    while fair.may_take(batch, 20, 0.0):
        batch.wants(0.0)
        fair.take(batch, 1.0)
        taken += 1
    assert taken == 20


def test_what_a_class_has_used_lately_stays_free_for_it_and_is_lent_later() -> None:
    fair = queue()
    interactive, batch = fair.of("interactive"), fair.of("batch")
    for _ in range(5):
        interactive.wants(0.0)
        fair.take(interactive, 1.0)
    for _ in range(5):
        fair.give_back(interactive, 0.0)
    for _ in range(20):
        if fair.may_take(batch, 20, 1.0):
            fair.take(batch, 1.0)
    assert batch.held == 15
    assert fair.may_take(interactive, 20, 1.0)
    while fair.may_take(batch, 20, 40.0):
        fair.take(batch, 1.0)
    assert batch.held == 20, "nobody has used those for a while"


@given(st.lists(st.tuples(st.sampled_from(PRIORITIES), st.booleans()), max_size=300), st.integers(1, 12))
@settings(deadline=None, max_examples=100)
def test_places_are_never_oversold_and_never_idle_without_cause(
    steps: list[tuple[Priority, bool]], places: int
) -> None:
    fair = queue()
    running: list[Priority] = []
    for step, (name, is_end) in enumerate(steps):
        if is_end and running:
            fair.give_back(fair.of(running.pop()), 0.0)
        else:
            fair.of(name).wants(float(step))
            fair.push(name, fair.of(name), "t", 1.0)
        while (chosen := fair.next_class(places, float(step))) is not None:
            fair.pop(chosen)
            fair.take(chosen, 1.0)
            running.append(chosen.name)
        assert fair.held == len(running) <= places
        assert fair.waiting == sum(each.line.waiting for each in fair.classes)
        if fair.waiting and len(running) < places:
            for each in fair.classes:
                assert not each.line.waiting or each.held > 0, "a class without any place was passed over"
