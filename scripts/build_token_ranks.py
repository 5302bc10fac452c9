"""Rewrites the token ranks of the npm package js-tiktoken as the files that tiktoken would download.

tiktoken fetches its rank files from the network on first use, which a gateway must not.  js-tiktoken (MIT licence)
carries the same ranks; rewritten in tiktoken's format they have the very SHA-256 that tiktoken's source demands, and
this script refuses to write anything else.

    npm pack js-tiktoken && tar xzf js-tiktoken-*.tgz
    python scripts/build_token_ranks.py package/dist/ranks src/penstock/watch/ranks
"""

import hashlib
import lzma
import sys
from pathlib import Path

import msgspec

from penstock.watch.encodings import RANKS_SHA256


class JsRanks(msgspec.Struct):
    """`bpe_ranks`: lines of `<something> <first rank> <base64 token> <base64 token> …`."""

    bpe_ranks: str


def as_tiktoken(source: str) -> bytes:
    """The content of a `.js` file of js-tiktoken as a `.tiktoken` file."""
    text = source.removeprefix("export default ").rstrip().rstrip(";")
    lines: list[tuple[int, str]] = []
    for line in msgspec.json.decode(text, type=JsRanks).bpe_ranks.splitlines():
        _, first, *tokens = line.split(" ")
        lines += [(int(first) + index, token) for index, token in enumerate(tokens)]
    return b"".join(f"{token} {rank}\n".encode("ascii") for rank, token in sorted(lines))


def main() -> None:
    """See the module."""
    source_dir, target_dir = Path(sys.argv[1]), Path(sys.argv[2])
    for name, expected in RANKS_SHA256.items():
        ranks = as_tiktoken((source_dir / f"{name}.js").read_text("utf-8"))
        found = hashlib.sha256(ranks).hexdigest()
        if found != expected:
            raise SystemExit(f"{name}: SHA-256 is {found}, not {expected}")
        path = target_dir / f"{name}.tiktoken.xz"
        path.write_bytes(lzma.compress(ranks, preset=9 | lzma.PRESET_EXTREME))
        print(f"{path}: {len(ranks)} bytes of ranks in {path.stat().st_size}")


if __name__ == "__main__":
    main()
