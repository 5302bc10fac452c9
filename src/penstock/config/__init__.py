"""Configuration: read, check, hash.  `read` is called by `cli`; the types are read by `app` and the rooms."""

from penstock.config.problems import InvalidConfig
from penstock.config.read import read
from penstock.config.types import Config

__all__ = ["Config", "InvalidConfig", "read"]
