"""Flaky receivers of every kind have each alert once and in order; and nothing that an alert says acts there."""

import random
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from tests.watch.alerts.conftest import deliveries, insert, make_alert, make_webhook
from tests.watch.alerts.mailbox import Mailbox, mailbox
from tests.watch.alerts.receiver import Receiver, receiving
from tests.watch.alerts.test_deliver import turn

from penstock.core.json import loads
from penstock.testing.clock import FakeClock
from penstock.watch.alerts.channel import Channel, Terms
from penstock.watch.alerts.deliver import Deliverer
from penstock.watch.alerts.email import Email, Server
from penstock.watch.alerts.local import LocalAlerts
from penstock.watch.alerts.slack import Slack, escaped
from penstock.watch.alerts.store import PostgresAlerts
from penstock.watch.alerts.webhook import message_id

TERMS = Terms(timeout_s=0.5, give_up_after_s=86_400.0, allow_private=True)
COUNT = 12
HOSTILE = "<!channel> <script>alert(1)</script> & *bold*\r\nBcc: x@example.com\r\n\r\n<http://evil|click>\u202e"


@pytest.fixture
def post() -> Iterator[Mailbox]:
    with mailbox() as made:
        yield made


class Longest(random.Random):
    """No pause is shorter than it may be at most."""

    def uniform(self, a: float, b: float) -> float:
        del a
        return b


def email(post: Mailbox, *, to: tuple[str, ...] = ("ops@example.com",), security: str = "none") -> Email:
    server = Server(host="127.0.0.1", port=post.port, sender="penstock@example.com", security=security)  # type: ignore[arg-type] # a test names it
    return Email(name="mail", to=to, server=server)


def deliver_all(database_url: str, clock: FakeClock, *channels: Channel) -> int:
    """By two control planes in turn, as time goes by, until all is delivered; how many looks that took."""
    planes = [
        Deliverer(channels, lambda: PostgresAlerts(database_url), TERMS, clock=clock, jitter=random.Random(seed))  # noqa: S311 - spreads retries
        for seed in range(2)
    ]
    for look in range(400):
        turn(*planes)
        if all(state == "delivered" for _, state, _, _ in deliveries(database_url)) and look:
            return look
        clock.advance(10.0)
    raise AssertionError("it was not all delivered")


def test_flaky_receivers_have_each_alert_once_and_in_order(database_url: str, clock: FakeClock, post: Mailbox) -> None:
    with receiving() as hook, receiving() as slack:
        # 0 keeps silent until the sender has had enough: it has the message, and gets it again; -1 resets.
        hook.answers.extend([500, 200, -1, 0, 200, 503, -1, 200, 429, 404, 0, 200])
        slack.answers.extend([-1, 200, 200, 500, 500, 0])
        post.answers.extend(["drop", "well", "lost", "busy", "well", "silent", "greylist", "well", "lost"])
        for number in range(COUNT):
            insert(database_url, make_alert(number))
        channels = (make_webhook(hook), Slack(name="team", url=slack.url), email(post))
        deliver_all(database_url, clock, *channels)
        expected = [message_id(make_alert(number).id) for number in range(COUNT)]
        for ids in (hook.ids(), slack.ids()):
            assert len(ids) > COUNT
            assert list(dict.fromkeys(ids)) == expected  # what a receiver keeps that drops ids it has seen
            assert ids == sorted(ids, key=expected.index)
        assert len(post.taken) == COUNT + 3  # twice where nobody could know that it had been taken
        assert post.inbox() == [f"<{each}@example.com>" for each in expected]
        assert all(state == "delivered" for _, state, _, _ in deliveries(database_url))


def test_an_alert_that_a_receiver_itself_refuses_holds_up_none_behind_it(
    database_url: str, clock: FakeClock, post: Mailbox, receiver: Receiver
) -> None:
    receiver.answers.append(422)
    post.answers.append("no")
    for number in range(3):
        insert(database_url, make_alert(number))
    channels = (make_webhook(receiver), email(post))
    deliverer = Deliverer(channels, lambda: PostgresAlerts(database_url), TERMS, clock=clock, jitter=Longest())
    for _ in range(10):
        turn(deliverer)
        clock.advance(1.0)
    expected = [message_id(make_alert(number).id) for number in (0, 1, 2, 0)]
    assert receiver.ids() == expected
    assert post.inbox() == [f"<{each}@example.com>" for each in expected[1:]]


def test_without_a_database_order_is_kept_too(tmp_path_factory: pytest.TempPathFactory, clock: FakeClock) -> None:
    with receiving() as receiver:
        receiver.answers.extend([500, 500, 200, -1])
        hook = make_webhook(receiver)
        local = LocalAlerts(tmp_path_factory.mktemp("local") / "local.json", [hook])
        local.take([make_alert(number) for number in range(4)], clock.now())
        deliverer = Deliverer([hook], lambda: local, TERMS, clock=clock, jitter=Longest())
        for _ in range(40):
            turn(deliverer)
            clock.advance(1.0)
        assert list(dict.fromkeys(receiver.ids())) == [message_id(make_alert(number).id) for number in range(4)]
        assert receiver.ids() == sorted(receiver.ids(), key=list(dict.fromkeys(receiver.ids())).index)


def test_slack_reads_nothing_of_what_an_alert_says(receiver: Receiver) -> None:
    alert = make_alert(1, text=HOSTILE, subject="<@U1>", tenant="a&b", facts={"group": HOSTILE, "n": 3})
    reply = Slack(name="team", url=receiver.url).send(alert, now=0.0, terms=TERMS)
    assert reply.is_taken
    body = receiver.messages[0].body.decode()
    assert "<" not in body
    assert ">" not in body
    found = loads(body)
    assert isinstance(found, dict)
    assert found["link_names"] is False
    assert "&lt;!channel&gt;" in str(found["text"])
    assert '"mrkdwn"' not in body.replace('"mrkdwn":false', "")
    assert len(escaped("&" * 500, 150)) <= 150
    assert escaped("<" * 500, 150).endswith("&lt;")


def test_an_email_has_no_header_of_an_alerts_making(post: Mailbox) -> None:
    facts = {"group.assistant": HOSTILE, "occasion": "rule:a:b:1"}
    alert = make_alert(1, text=HOSTILE, subject=HOSTILE, tenant="x\r\nTo: y@example.com", facts=facts)
    channel = email(post, to=("ops@example.com", "night@example.com"))
    assert channel.send(alert, now=0.0, terms=TERMS).is_taken
    assert channel.send(alert, now=99.0, terms=TERMS).is_taken
    assert post.taken[0] == post.taken[1]
    assert max(post.taken[0]) < 128
    mail = post.message(0)
    names = sorted(mail.keys())
    assert names == sorted(
        ["From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
         "X-Penstock-Kind", "MIME-Version", "Content-Type"]
    )  # fmt: skip
    assert mail["To"] == "ops@example.com, night@example.com"
    assert "\n" not in str(mail["Subject"])
    assert mail["In-Reply-To"] == f"<{message_id('rule:a:b:1')}@example.com>"
    assert post.receivers == ["ops@example.com", "night@example.com"] * 2
    html = mail.get_body(("html",))
    plain = mail.get_body(("plain",))
    assert html is not None
    assert plain is not None
    tags: set[str] = set()
    parser = HTMLParser()
    parser.handle_starttag = lambda tag, attrs: tags.add(tag) if attrs == [] else None  # type: ignore[method-assign] # what it met
    parser.feed(html.get_content())
    assert tags == {"html", "body", "p", "table", "tr", "td"}
    assert "<script>" in plain.get_content()


def test_an_address_that_is_refused_for_good_keeps_nobody_else_from_knowing(post: Mailbox) -> None:
    post.refused = frozenset({"gone@example.com"})
    assert email(post, to=("gone@example.com", "ops@example.com")).send(make_alert(1), now=0.0, terms=TERMS).is_taken
    reply = email(post, to=("gone@example.com",)).send(make_alert(1), now=0.0, terms=TERMS)
    assert (reply.status, reply.problem, reply.is_refused) == (550, "it answered 550", False)
    post.answers.append("greylist")
    two = ("ops@example.com", "night@example.com")
    assert email(post, to=two).send(make_alert(2), now=0.0, terms=TERMS).status == 450
    assert len(post.taken) == 1


def test_without_starttls_nothing_is_sent_that_wants_it(post: Mailbox) -> None:
    reply = email(post, security="starttls").send(make_alert(1), now=0.0, terms=TERMS)
    assert reply.problem is not None
    assert "STARTTLS" in reply.problem
    assert post.receivers == []
    public = Terms(timeout_s=0.5, give_up_after_s=1.0, allow_private=False)
    assert "private" in str(email(post).send(make_alert(1), now=0.0, terms=public).problem)
