"""What a configuration of alert rules, objectives and channels may say, and what is refused."""

import pytest

from penstock.config import InvalidConfig, read
from penstock.config.alerts.rules import DIMENSIONS
from penstock.core.errors import ConfigError
from penstock.watch.rollups import views
from penstock.watch.rules.opening import rules_of
from penstock.watch.rules.ready import READY_MADE


def problems(**sections: str) -> list[str]:
    environ = {f"PENSTOCK__{name.upper()}": text for name, text in sections.items()}
    try:
        rules_of(read(None, {**environ, "PASS": "x"}))
    except InvalidConfig as error:
        return [str(problem) for problem in error.problems]
    except ConfigError as error:
        return [str(error)]
    return []


def test_a_rule_of_each_kind_is_sound_and_takes_the_place_of_a_ready_made_one() -> None:
    rules = """{
      faults: {figure: fault_rate, by: [tenant], above: 0.5, min_exchanges: 5, text: '{group}: {value} over {bound}'},
      slow: {enabled: false},
      fall: {kind: change, figure: exchanges, against: day, window_s: 3600, fall_percent: 50, min_exchanges: 10},
      gone: {kind: absence, tally: 'masked:', where: {assistant: support}, min_exchanges: 1},
      burn: {kind: burn_rate, objective: up, window_s: 3600, above: 14.4}}"""
    objectives = "{up: {kind: availability, target: 0.99}, fast: {kind: latency, target: 0.95, within_s: 5}}"
    assert problems(alerts__rules=rules, objectives=objectives) == []
    environ = {"PENSTOCK__ALERTS__RULES": "{faults: {figure: faults, above: 3}}", "PENSTOCK__OBJECTIVES": objectives}
    found = {rule.name: rule for rule in rules_of(read(None, environ))}
    assert found["faults"].settings.above == 3
    assert not found["faults"].is_ready_made
    assert READY_MADE.keys() <= found.keys()
    assert {"objective-up-fast", "objective-up-slow", "objective-fast-fast"} <= found.keys()
    assert rules_of(read(None, {"PENSTOCK__ALERTS__READY_MADE": "false"})) == ()
    assert DIMENSIONS == views.DIMENSIONS


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("{figure: profit, above: 1}", "no figure `profit`"),
        ("{figure: fault_rat, above: 1}", "did you mean `fault_rate`"),
        ("{figure: exchanges}", "`above` or `below`"),
        ("{above: 1}", "one of `figure`"),
        ("{figure: exchanges, tally: x, above: 1}", "one of `figure`"),
        ("{figure: exchanges, above: 1, by: [colour]}", "no dimension `colour`"),
        ("{figure: exchanges, above: 1, by: [key, feature]}", "feature and key"),
        ("{tally: x, above: 1, by: [target]}", "counted by"),
        ("{kind: change, figure: exchanges, rise_percent: 10}", "set a minimum"),
        ("{kind: burn_rate, objective: nobody, window_s: 3600, above: 1}", "no objective `nobody`"),
        ("{figure: exchanges, above: 1, window_s: 90}", "whole minutes"),
        ("{figure: exchanges, above: 1, text: '{tenant} is bad'}", "there is no {tenant}"),
        ("{gauge: journal_age_s, above: 1, by: [tenant]}", "no `by`"),
        ("{kind: absence, gauge: journal_age_s, min_exchanges: 1}", "not of that"),
        ("{kind: anomaly, figure: cost_nanousd, window_s: 600}", "by the hour"),
        ("{figure: exchanges, above: 1, against: always}", "only `absence`"),
    ],
)
def test_a_rule_that_cannot_work_is_refused(rule: str, said: str) -> None:
    found = problems(alerts__rules=f"{{r: {rule}}}")
    assert len(found) == 1, found
    assert said in found[0]


@pytest.mark.parametrize(
    ("alerts", "said"),
    [
        ({"slack": "[{name: team, url: 'https://hooks.slack.com/x'}]"}, "never written out"),
        ({"email": "[{name: ops, to: [ops@example.com]}]"}, "set `alerts.smtp`"),
        ({"smtp": "{host: mail, sender: 'a@example.com\\nBcc: x@example.com'}"}, "an address"),
        ({"smtp": "{host: mail, sender: a@example.com, user: u}"}, "go together"),
        (
            {"smtp": "{host: mail, sender: a@example.com, user: u, password: 'env:PASS', security: none}"},
            "in the clear",
        ),
        (
            {"smtp": "{host: mail, sender: a@example.com}", "email": "[{name: ops, to: ['<a@example.com>, b@c.de']}]"},
            "and nothing else",
        ),
    ],
)
def test_a_channel_that_cannot_work_is_refused(alerts: dict[str, str], said: str) -> None:
    found = problems(**{f"alerts__{name}": text for name, text in alerts.items()})
    assert len(found) == 1, found
    assert said in found[0]


def test_an_objective_that_says_nothing_is_refused() -> None:
    assert "within how many seconds" in problems(objectives="{a: {kind: latency, target: 0.9}}")[0]
    assert "99.999" in problems(objectives="{a: {kind: availability, target: 0.999999}}")[0]
