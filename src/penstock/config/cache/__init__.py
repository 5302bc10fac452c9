"""Settings of the caches: what is kept of answers, for whom and for how long."""

from penstock.config.cache.semantic import SemanticSettings
from penstock.config.cache.settings import (
    CacheSettings,
    CacheStoreSettings,
    ExactSettings,
    Replay,
    Share,
    broken_cache,
)

__all__ = [
    "CacheSettings",
    "CacheStoreSettings",
    "ExactSettings",
    "Replay",
    "SemanticSettings",
    "Share",
    "broken_cache",
]
