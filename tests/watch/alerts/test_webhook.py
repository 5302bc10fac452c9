"""Which alerts a webhook wants, where it may be, and what is made of what comes back."""

import base64
import hashlib
import hmac
from typing import Any

import pytest
from tests.watch.alerts.conftest import KEY, make_alert, make_webhook
from tests.watch.alerts.receiver import Receiver

from penstock.watch.alerts.webhook import post, signature
from penstock.watch.posting import Posted, is_public


def send(receiver: Receiver, *, url: str | None = None, timeout_s: float = 5.0, allow_private: bool = True) -> Posted:
    webhook = make_webhook(receiver, url=url or receiver.url)
    return post(webhook, make_alert(1), now=1.0, timeout_s=timeout_s, allow_private=allow_private)


@pytest.mark.parametrize(
    ("wanted", "alert", "is_wanted"),
    [
        ({}, {}, True),
        ({"kinds": ("budget.*",)}, {}, True),
        ({"kinds": ("budget.threshold",)}, {}, True),
        ({"kinds": ("budget",)}, {}, False),
        ({"kinds": ("drift.*", "target.down")}, {}, False),
        ({"tenants": frozenset({"acme"})}, {}, True),
        ({"tenants": frozenset({"globex"})}, {}, False),
        ({"tenants": frozenset({"acme"})}, {"tenant": None}, False),
        ({"min_severity": "warning"}, {}, True),
        ({"min_severity": "critical"}, {}, False),
        ({"min_severity": "warning"}, {"severity": "info"}, False),
    ],
)
def test_a_webhook_wants_what_its_lists_say(
    receiver: Receiver, wanted: dict[str, Any], alert: dict[str, object], *, is_wanted: bool
) -> None:
    assert make_webhook(receiver, **wanted).wants(make_alert(1, **alert)) is is_wanted


def test_the_signature_is_computed_as_the_specification_computes_it() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body, msg_id, stamp = b'{"test": 2432232314}', "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330
    expected = base64.b64encode(hmac.new(secret, f"{msg_id}.{stamp}.".encode() + body, hashlib.sha256).digest())
    assert signature((secret,), msg_id, stamp, body) == f"v1,{expected.decode()}"
    assert signature((secret,), msg_id, stamp, body) == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert signature((KEY, secret), msg_id, stamp, body).split(" ")[1] == f"v1,{expected.decode()}"


@pytest.mark.parametrize(
    ("status", "is_taken"), [(200, True), (204, True), (299, True), (301, False), (400, False), (500, False)]
)
def test_only_a_2xx_is_taken_and_no_redirect_is_followed(receiver: Receiver, status: int, *, is_taken: bool) -> None:
    receiver.status = status
    receiver.headers = f"location: {receiver.url}/elsewhere\r\n"
    reply = send(receiver)
    assert (reply.status, reply.is_taken) == (status, is_taken)
    assert len(receiver.messages) == 1


def test_nobody_there_is_a_reason_and_no_exception(receiver: Receiver) -> None:
    assert send(receiver, url="http://127.0.0.1:9/").problem == "it cannot be reached: Connection refused"
    assert send(receiver, url="http://nobody.invalid/").problem == "its name cannot be resolved"
    receiver.status = -1
    assert "cannot be reached" in send(receiver).problem


def test_a_private_address_can_be_forbidden(receiver: Receiver) -> None:
    for url in (receiver.url, receiver.url.replace("127.0.0.1", "localhost"), "http://[::ffff:127.0.0.1]:80/"):
        assert "private" in send(receiver, url=url, allow_private=False).problem
    assert receiver.messages == []


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),  # noqa: S104 - an address to refuse
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:10.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
        ("93.184.215.14", True),
        ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
    ],
)
def test_what_counts_as_a_public_address(address: str, *, expected: bool) -> None:
    assert is_public(address) is expected


def test_a_slow_drip_is_cut_off_when_its_whole_time_is_over(receiver: Receiver) -> None:
    receiver.drips = True
    reply = send(receiver, timeout_s=0.3)
    assert reply.problem == "no answer within 0.3 s"
    assert reply.took_s < 3
