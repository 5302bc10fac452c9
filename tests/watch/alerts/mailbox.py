"""A real SMTP server on a port that answers as it is told and keeps what it took."""

import asyncio
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP

from tests.watch.alerts.listener import listening


@dataclass
class Mailbox:
    """For each message in turn `answers` says what comes of it, then all is well: `drop` hangs up before the end,
    `busy` answers 451 and `no` 554 to the message, `greylist` 450 to its first receiver, `lost` takes it and hangs
    up without a word, `silent` takes it and says nothing.
    """

    answers: deque[str] = field(default_factory=deque[str])
    taken: list[bytes] = field(default_factory=list[bytes])
    receivers: list[str] = field(default_factory=list[str])
    refused: frozenset[str] = frozenset()
    port: int = 0

    def inbox(self) -> list[str]:
        """The ids of the messages that a reader keeps, who drops the second of two with the same."""
        return list(dict.fromkeys(str(self.message(index)["Message-ID"]) for index in range(len(self.taken))))

    def message(self, index: int) -> EmailMessage:
        return message_from_bytes(self.taken[index], _class=EmailMessage, policy=SMTP)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")
            await writer.drain()

        what = self.answers.popleft() if self.answers else "well"
        try:
            await say("220 here")
            while line := await reader.readline():
                match line.strip().upper().partition(b" ")[0]:
                    case b"EHLO":
                        await say("250-here\r\n250 SIZE 100000")
                    case b"RCPT":
                        address = line.partition(b"<")[2].partition(b">")[0].decode()
                        self.receivers.append(address)
                        bad = "550 nobody" if address in self.refused else "250 ok"
                        await say("450 later" if what == "greylist" else bad)
                        what = "well" if what == "greylist" else what
                    case b"DATA":
                        await say("354 go on")
                        data = await reader.readuntil(b"\r\n.\r\n")
                        if what == "drop":
                            return
                        if what in {"busy", "no"}:
                            await say("451 busy" if what == "busy" else "554 no")
                            continue
                        self.taken.append(data[:-3])
                        if what == "lost":
                            return
                        if what == "silent":
                            await reader.read()
                            return
                        await say("250 taken")
                    case b"QUIT":
                        await say("221 bye")
                        return
                    case _:
                        await say("250 ok")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@contextmanager
def mailbox() -> Generator[Mailbox]:
    made = Mailbox()
    with listening(made.serve) as made.port:
        yield made
