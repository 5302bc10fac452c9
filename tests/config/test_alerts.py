"""What a configuration of webhooks may say, and what is refused."""

import pytest

from penstock.config import InvalidConfig, read
from penstock.config.alerts import webhook_key

GOOD = {"GOOD": "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo=", "SHORT": "QUJD", "WORD": "not base64!"}


def problems(webhooks: str) -> list[str]:
    try:
        read(None, {"PENSTOCK__ALERTS__WEBHOOKS": webhooks, **GOOD})
    except InvalidConfig as error:
        return [str(problem) for problem in error.problems]
    return []


def test_a_webhook_needs_a_name_a_url_and_a_secret() -> None:
    webhook = "{name: ops, url: 'https://example.com/hook?a=b', secret: 'env:GOOD', kinds: [budget.*, test]}"
    assert problems(f"[{webhook}]") == []
    assert len(problems("[{name: ops}]")) == 2


def test_the_key_is_what_stands_behind_the_prefix() -> None:
    config = read(None, {"PENSTOCK__ALERTS__WEBHOOKS": "[{name: a, url: 'http://a/', secret: 'env:GOOD'}]", **GOOD})
    assert webhook_key(config.alerts.webhooks[0].secret) == b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    assert "QUJD" not in repr(config.alerts)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ("url: 'ftp://example.com/'", "http:// or https://"),
        ("url: 'https:///x'", "name a host"),
        ("url: 'https://u:p@example.com/'", "must not have a user"),
        ("url: 'https://example.com/a b'", "characters"),
        ("url: 'https://example.com:99999/'", "not a URL"),
        ("secret: 'env:SHORT'", "24 to 64 bytes"),
        ("secret: 'env:WORD'", "24 to 64 bytes"),
        ("secret: whsec_written_out", "never written out"),
        ("previous_secret: 'env:SHORT'", "24 to 64 bytes"),
        ("kinds: ['*.down']", "its beginning"),
        ("name: Ops!", "small letters"),
        ("min_severity: high", "expected one of"),
    ],
)
def test_what_cannot_work_is_refused(changes: str, said: str) -> None:
    fields = {"name": "name: ops", "url": "url: 'https://example.com/'", "secret": "secret: 'env:GOOD'"}
    fields[changes.partition(":")[0]] = changes
    found = problems("[{" + ", ".join(fields.values()) + "}]")
    assert len(found) == 1
    assert said in found[0]


def test_two_webhooks_have_two_names() -> None:
    one = "{name: ops, url: 'https://example.com/', secret: 'env:GOOD'}"
    assert "two webhooks called `ops`" in problems(f"[{one}, {one}]")[0]
