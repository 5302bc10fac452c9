"""The price book in the control plane: the data plane's made a second time, when somebody first asks."""

import threading

from penstock.config import Config
from penstock.config.datadir import DataDir
from penstock.core.clock import Clock
from penstock.watch.prices import PriceBook


class ShownPrices:
    """May be asked from any thread; the first answer of a new version of the list takes a second."""

    def __init__(self, config: Config, data_dir: DataDir, clock: Clock) -> None:
        self._config = config
        self._data_dir = data_dir
        self._clock = clock
        self._lock = threading.Lock()
        self._made: PriceBook | None = None

    def get(self) -> PriceBook:
        """Raises `ConfigError` where the published list cannot be compiled."""
        with self._lock:
            if self._made is None:
                # Imported here: most control planes are never asked.
                from penstock.app.money.prices import new_prices  # noqa: PLC0415 - see above

                self._made = new_prices(self._config, self._data_dir, self._clock)
            return self._made
