"""Opens all that guards need and closes it again, for `penstock check`: nothing is called, kept or written."""

import asyncio

from penstock.app.encoder import open_encoder
from penstock.app.guards.opening import needs_encoder, open_guards
from penstock.config.types import Config
from penstock.core.clock import SystemClock


def check_guards(config: Config) -> None:
    """Raises `ConfigError` where `serve` would.  Loads the encoder where a guard needs it, and reads every example."""
    asyncio.run(_opened(config))


async def _opened(config: Config) -> None:
    encoder = open_encoder(config, needed_by=needs_encoder(config))
    try:
        await open_guards(config, encoder, SystemClock()).aclose()
    finally:
        if encoder is not None:
            encoder.close()
