"""The catalog of models as the admin API shows it: made when somebody first asks, and once, as the configuration is."""

import threading
from collections.abc import Mapping

from penstock.config import Config
from penstock.core.clock import Clock
from penstock.routing.catalog import Catalog


class ShownCatalog:
    """The data plane's catalog made a second time, to be looked at; nothing is called through it."""

    def __init__(self, config: Config, environ: Mapping[str, str], clock: Clock) -> None:
        self._config = config
        self._environ = environ
        self._clock = clock
        self._lock = threading.Lock()
        self._made: Catalog | None = None

    def get(self) -> Catalog:
        """May be asked from any thread.  Raises `ConfigError` where a provider cannot be made."""
        with self._lock:
            if self._made is None:
                # Imported here: it brings every provider, and most control planes are never asked.
                from penstock.app.upstreams import connect, new_catalog  # noqa: PLC0415 - see above

                self._made = new_catalog(self._config, connect(self._config, self._environ, self._clock))
            return self._made
