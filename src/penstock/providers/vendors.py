"""What is known of each vendor, as data: where it is, which dialect it speaks, how it deviates (`vendors.toml`).

`app` makes endpoints of it, for every vendor whose key is in the environment and every one that the config names;
routing by bare model names uses the prefixes.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Literal

import msgspec

from penstock.core.chat import Dialect

Quirk = Literal[
    "azure",
    "google_signatures",
    "max_tokens",
    "no_base64_embeddings",
    "no_developer_role",
    "no_logprobs",
    "no_metadata",
    "no_n",
    "no_parallel_tool_calls",
    "no_penalties",
    "no_reasoning_input",
    "no_stream_options",
    "no_user",
    "prompt_cache_key",
    "random_seed",
    "reasoning_field",
    "top_k",
]
"""A deviation from OpenAI's chat dialect.

`azure`: its URLs and `api-key` header.  `google_signatures`: takes thought signatures back.  `max_tokens`: knows only
the old name of `max_completion_tokens`.  `prompt_cache_key`: takes it.  `random_seed`: calls `seed` so.
`reasoning_field`: calls `reasoning_content` `reasoning`.  `top_k`: knows it. The others name what is missing.
"""


class Vendor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One vendor.  `base_url` is empty where every customer has an own one.

    `key_env` names the environment variables that may hold the key, in order; none means that no key is needed.
    `url_env` names those that may hold another base URL.  `prefixes` are beginnings of the model names that are this
    vendor's own, so that a bare name finds it.  `options` are the endpoint options that it always has.
    """

    name: str
    dialect: Dialect
    base_url: str = ""
    key_env: tuple[str, ...] = ()
    url_env: tuple[str, ...] = ()
    needs_key: bool = True
    quirks: frozenset[Quirk] = frozenset()
    prefixes: tuple[str, ...] = ()
    options: dict[str, str] = {}


@cache
def vendors() -> Mapping[str, Vendor]:
    """All vendors by name, in the order of the file."""
    text = files("penstock.providers").joinpath("vendors.toml").read_bytes()
    table = msgspec.toml.decode(text, type=dict[str, dict[str, object]])
    return MappingProxyType({name: msgspec.convert({"name": name, **row}, Vendor) for name, row in table.items()})


def vendor_of_model(model: str) -> Vendor | None:
    """The vendor whose own models are named so: the longest matching prefix, None where nobody claims it."""
    matches = ((len(prefix), vendor) for prefix, vendor in _prefixes() if model.startswith(prefix))
    return max(matches, key=lambda match: match[0], default=(0, None))[1]


def _prefixes() -> Iterator[tuple[str, Vendor]]:
    for vendor in vendors().values():
        for prefix in vendor.prefixes:
            yield prefix, vendor
