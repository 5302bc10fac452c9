"""Every rule by examples: what it finds, and what only looks like it."""

import random
import re
import string
from pathlib import Path
from re import _parser  # type: ignore[attr-defined]  # it reads expressions, which `re` itself only compiles
from typing import Any, cast

import pytest
import yaml

from penstock.guard.patterns.pattern_set import PatternSet
from penstock.guard.personal.patterns.catalogue import catalogue
from penstock.guard.personal.patterns.kinds import GROUPS, KINDS

ALPHABETS = {
    "alnum": string.ascii_letters + string.digits,
    "word": string.ascii_letters + string.digits + "_-",
    "letters": string.ascii_letters,
    "digits": string.digits,
    "hex": "0123456789abcdef",
    "base32": "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    "base58": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
    "bech32": "qpzry9x8gf2tvdw0s3jn54khce6mua7l",
    "BECH32": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
}
EXAMPLES: dict[str, dict[str, list[str]]] = yaml.safe_load((Path(__file__).parent / "examples.yaml").read_text("utf-8"))
PARSER = cast("Any", _parser)
RULES = {each.rule: each for each in catalogue()}
STRANGE = "0123456789ABXyz -./\u00b2\u0663\u212a\u017f\u0131\u00df"
WHOLE = PatternSet(catalogue())


def written_out(text: str) -> str:
    chance = random.Random(7)  # noqa: S311 - made-up keys

    def characters(found: re.Match[str]) -> str:
        drawn = chance.choices(ALPHABETS[found[1]], k=int(found[2]))
        return "a1" + "".join(drawn)[2:-1] + "z" if found[1] in {"alnum", "word"} else "".join(drawn)

    return re.sub(r"\{(\w+):(\d+)\}", characters, text)


def marked(text: str) -> tuple[str, tuple[int, int]]:
    before, _, rest = text.partition("⟦")
    value, _, after = rest.partition("⟧")
    return before + value + after, (len(before), len(before) + len(value))


def by(kind: str) -> list[tuple[str, str]]:
    return [(rule, written_out(text)) for rule, texts in EXAMPLES.items() for text in texts[kind]]


def test_every_rule_has_an_example_and_a_near_miss() -> None:
    assert EXAMPLES.keys() == RULES.keys()
    assert all(each["found"] and each["near"] for each in EXAMPLES.values())
    assert all(text.count("⟦") == text.count("⟧") == 1 for each in EXAMPLES.values() for text in each["found"])


@pytest.mark.parametrize(("rule", "text"), by("found"))
def test_a_rule_finds_its_example(rule: str, text: str) -> None:
    plain, span = marked(text)
    assert span in [(each.begin, each.end) for each in PatternSet([RULES[rule]]).find(plain)]
    assert (rule, *span) in [(each.rule, each.begin, each.end) for each in WHOLE.find(plain)]


@pytest.mark.parametrize(("rule", "text"), by("near"))
def test_a_rule_leaves_what_only_looks_like_it(rule: str, text: str) -> None:
    assert PatternSet([RULES[rule]]).find(text) == []


@pytest.mark.parametrize("rule", RULES)
def test_an_expression_is_bounded_and_matches_no_more_than_it_says(rule: str) -> None:
    pattern = RULES[rule]
    least, most = PARSER.parse(pattern.expression).getwidth()
    assert 0 < least <= most <= pattern.most_chars


@pytest.mark.parametrize("rule", RULES)
def test_an_expression_has_one_group_at_the_most_and_no_anchors(rule: str) -> None:
    parsed = PARSER.parse(RULES[rule].expression)
    assert parsed.state.groups - 1 <= 1
    asked = set(re.findall("AT_[A-Z_]+", repr(parsed)))
    assert asked <= {"AT_BOUNDARY"}


def test_rules_have_names_of_their_own_that_say_whose_they_are() -> None:
    assert len(RULES) == len(catalogue())
    secrets = {each.rule for each in catalogue(GROUPS["secrets"])}
    assert secrets == {rule for rule in RULES if rule.startswith("secrets.")}
    assert all(rule.startswith(("personal.", "secrets.")) for rule in RULES)


def test_every_kind_stands_in_one_group_and_has_patterns() -> None:
    assert sum(map(len, GROUPS.values())) == len(KINDS)
    assert {each.kind for each in catalogue()} == KINDS


def test_patterns_are_chosen_by_kind() -> None:
    assert {each.kind for each in catalogue(frozenset({"IBAN", "API_KEY"}))} == {"IBAN", "API_KEY"}
    assert catalogue(frozenset()) == ()


def test_a_kind_that_nobody_finds_is_refused() -> None:
    with pytest.raises(ValueError, match="SHOE_SIZE"):
        catalogue(frozenset({"IBAN", "SHOE_SIZE"}))


def test_validators_take_whatever_their_expression_finds() -> None:
    """Long runs of every value there is, and of nothing but digits, letters and what parts them: nothing raises."""
    chance = random.Random(3)  # noqa: S311 - test data
    words = [marked(text)[0] for _, text in by("found")]
    for _ in range(200):
        filled = " ".join(chance.choices(words, k=5))
        changed = "".join(chance.choice(STRANGE) if chance.random() < 0.1 else each for each in filled)
        WHOLE.find(changed)
