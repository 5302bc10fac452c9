"""A vector in the form that the caller asked for; shared by the dialects that answer with floats only."""

import array
import sys
from base64 import b64encode
from typing import Literal


def as_asked(values: list[float], encoding: Literal["float", "base64"]) -> list[float] | str:
    """`values`, or the base64 text of their little-endian float32."""
    if encoding == "float":
        return values
    packed = array.array("f", values)
    if sys.byteorder == "big":
        packed.byteswap()
    return b64encode(packed.tobytes()).decode("ascii")
