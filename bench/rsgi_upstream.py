"""The unary upstream where nginx is missing: the same answer from granian.  Run as a program with a port."""

import sys
from typing import Any

from bench.payloads import CHAT_ANSWER


async def app(_scope: Any, protocol: Any) -> None:
    await protocol()
    protocol.response_bytes(200, [("content-type", "application/json")], CHAT_ANSWER)


def main() -> None:
    from granian.constants import Interfaces  # noqa: PLC0415 - only where it is needed
    from granian.server import Server  # noqa: PLC0415 - same

    Server("bench.rsgi_upstream:app", address="127.0.0.1", port=int(sys.argv[1]), interface=Interfaces.RSGI).serve()


if __name__ == "__main__":
    main()
