"""OpenAI's two public tokenizers, from files that come with Penstock: nothing is ever fetched.

The rank files in `ranks/` are those that tiktoken would download, checked against the SHA-256 in tiktoken's source
each time they are loaded (`scripts/build_token_ranks.py` makes them).  The patterns are those of
`tiktoken_ext/openai_public.py`; a test compares them.
"""

import hashlib
import lzma
from binascii import a2b_base64
from collections.abc import Mapping
from importlib.resources import files
from itertools import count
from types import MappingProxyType
from typing import Literal, Protocol, cast

from tiktoken import _tiktoken  # type: ignore[reportAttributeAccessIssue, reportUnknownVariableType] # Rust, no hints

EncodingName = Literal["o200k_base", "cl100k_base"]

RANKS_SHA256: Mapping[EncodingName, str] = MappingProxyType(
    {
        "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
        "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    }
)

_CONTRACTION = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PATTERNS: Mapping[EncodingName, str] = MappingProxyType(
    {
        "o200k_base": "|".join(
            (
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+" + _CONTRACTION,
                r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*" + _CONTRACTION,
                r"\p{N}{1,3}",
                r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
                r"\s*[\r\n]+",
                r"\s+(?!\S)",
                r"\s+",
            )
        ),
        "cl100k_base": (
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+"
            r"|\s++$|\s*[\r\n]|\s+(?!\S)|\s"
        ),
    }
)


class Tokenizer(Protocol):
    """What is used of tiktoken's core.  Raises `UnicodeEncodeError` on half a surrogate pair."""

    def encode_ordinary(self, text: str, /) -> list[int]: ...


def load_encoding(name: EncodingName) -> Tokenizer:
    """The tokenizer; a third of a second and 43 MB (o200k) or 20 MB (cl100k).  Text is never taken for control tokens.

    It is tiktoken's core without the `tiktoken.Encoding` around it, which would keep the ranks a second time (27 MB).
    Raises `ValueError` where the shipped file is not the right one.
    """
    packed = files("penstock.watch").joinpath("ranks", f"{name}.tiktoken.xz").read_bytes()
    ranks = lzma.decompress(packed)
    if hashlib.sha256(ranks).hexdigest() != RANKS_SHA256[name]:
        raise ValueError(f"the token ranks of {name} are damaged")
    # Each line is a token and its rank, and the ranks are 0, 1, 2, …: that much is known of a file of this hash.
    ranks_of = dict(zip(map(a2b_base64, ranks.split()[::2]), count()))
    return cast("Tokenizer", _tiktoken.CoreBPE(ranks_of, {}, PATTERNS[name]))  # type: ignore[reportUnknownMemberType] # same
