"""Settings of the caches: what is kept of answers, for whom and for how long."""

from penstock.config.cache.settings import CacheSettings, CacheStoreSettings, ExactSettings, Replay, Share

__all__ = ["CacheSettings", "CacheStoreSettings", "ExactSettings", "Replay", "Share"]
